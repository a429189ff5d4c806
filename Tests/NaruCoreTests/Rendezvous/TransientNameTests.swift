// Naru: messages between programs by the fastest valid mechanism.
// Copyright the Naru authors. Licensed under the Apache License, Version 2.0 (see LICENSE).

import NaruSystem
import Testing

@testable import NaruCore

/// Names that tell who made what they name, and whether that process lives.
@Suite struct TransientNameTests {
    private let mine = TransientName.make("some-word")

    /// The name with one of its last four parts replaced.
    private func changed(_ index: Int, _ part: String) -> TransientName? {
        var parts = mine.text.split(separator: "-").map(String.init)
        parts[parts.count - 4 + index] = part
        return TransientName(parts.joined(separator: "-"))
    }

    @Test func itReadsWhatItWrites() throws {
        let read = try #require(TransientName(mine.text))
        #expect(read == mine)
        #expect(read.word == "some-word")
        #expect(read.userID == HostInformation.userID)
        #expect(read.process == .current)
        #expect(TransientName.make("some-word") != mine)
    }

    @Test(
        arguments: [
            "", "naru", "naru-", "naru-0-x", "naru-0-x-0123abcd-1-2", "naru-0--0123abcd-1-2-0123456789abcdef",
            "naru-x-w-0123abcd-1-2-0123456789abcdef", "naru-0-w-0123abc-1-2-0123456789abcdef",
            "naru-0-w-0123abcd-0-2-0123456789abcdef", "naru-0-w-0123abcd-99999999999-2-0123456789abcdef",
            "naru-0-w-0123abcd-1--0123456789abcdef", "naru-0-w-0123abcd-1-2-0123456789abcde",
            "naru-0-w-0123abcd-1-2-0123456789ABCDEF", "naru-0-W-0123abcd-1-2-0123456789abcdef",
            "Naru-0-w-0123abcd-1-2-0123456789abcdef", String(repeating: "-", count: 150),
        ]) func othersAreNone(_ text: String)
    {
        #expect(TransientName(text) == nil)
    }

    @Test func itsMakerLivesOrNot() throws {
        #expect(mine.state() == .alive([ProcessIdentity.current.processID]))
        // The number was given again: another start.
        let later = try #require(changed(2, "\(mine.process.startTime + 1)"))
        #expect(later.state().word == "dead")
        let boot = try #require(changed(0, "01234567"))
        #expect(boot.state() == .dead("it was made before the host last started"))
    }

    @Test func aProcessNumberOfAnotherNamespaceSaysNothing() throws {
        let elsewhere = try #require(changed(3, "0123456789abcdef"))
        #expect(elsewhere.state().word == "unknown")
    }

    @Test func locksTellWhoHoldsThem() throws {
        let path = "/tmp/naru-locks-\(String(SystemRandom.word(), radix: 36))"
        let file = try FileSystem.open(path, [.read, .write, .create])
        defer { try? FileSystem.remove(path) }
        #expect(LockTable.read().holders(of: try file.status()).isEmpty)
        #expect(try file.tryLock())
        #expect(LockTable.read().holders(of: try file.status()) == [ProcessIdentity.current.processID])
    }

    @Test func linesThatMakeNoSenseAreSkipped() throws {
        let status = try FileSystem.open("/dev/null", .read).status()
        let table = LockTable(
            parsing: """
                1: FLOCK  ADVISORY  WRITE 1 zz:00:1 0 EOF
                2: -> FLOCK ADVISORY WRITE 7 00:01:2 0 EOF
                3: FLOCK
                4: POSIX  ADVISORY  WRITE 1 00:05:\(status.inode) 0 EOF

                5: FLOCK  ADVISORY  WRITE -1 00:05:1 0 EOF
                """)
        #expect(table.holders(of: status).isEmpty)
    }
}

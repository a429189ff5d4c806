// Naru: messages between programs by the fastest valid mechanism.
// Copyright the Naru authors. Licensed under the Apache License, Version 2.0 (see LICENSE).

import NaruSystem
import Testing

/// Queues between processes: several senders and receivers, receivers that are killed, programs that know nothing of
/// Naru.
@Suite(.serialized, .timeLimit(.minutes(10))) struct QueueTests {
    static let kinds = ["posix-queue", "sysv-queue"]
    /// All payloads of a transfer, bytes: a tenth of 64 MiB, and all with NARU_TEST_FULL=1.
    static let transferBytes = HostInformation.environment("NARU_TEST_FULL") == "1" ? 64 << 20 : (64 << 20) / 10

    private let stage: Stage
    private let link: String

    init() throws {
        stage = try Stage()
        link = "test-\(String(SystemRandom.word(), radix: 36))"
    }

    /// Removes the queue, which nobody holds any more, and checks that nothing is left.
    private func remove() throws {
        let remover = try stage.peer(["queue-remove", link])
        #expect(try remover.line() == "removed")
        try expectSuccess(of: remover)
        let left = try FileSystem.list(stage.folder + "/run")
        #expect(left.isEmpty, "\(left)")
        let payloads = try FileSystem.list("/dev/shm").filter { $0.contains(link) }
        #expect(payloads.isEmpty, "\(payloads)")
    }

    /// What a receiver took: for each sender the numbers, in order.
    private func taken(_ lines: [String]) throws -> [Int: [Int]] {
        var taken: [Int: [Int]] = [:]
        for line in lines where line.hasPrefix("took ") {
            let numbers = line.split(separator: " ").dropFirst().compactMap { Int($0) }
            try #require(numbers.count == 2)
            taken[numbers[0], default: []].append(numbers[1])
        }
        return taken
    }

    @Test(arguments: kinds) func everyMessageArrivesWholeAtOneOfSeveral(_ kind: String) throws {
        let senders = try (1...2).map {
            try stage.peer(["queue-send", link, kind, "\($0)", "\(Self.transferBytes / 2)"])
        }
        let receivers = try (0..<3).map { _ in try stage.peer(["queue-receive", link, kind]) }
        var sent: [Int: Int] = [:]
        for (index, sender) in senders.enumerated() {
            #expect(try sender.line() == "linked \(kind)")
            let words = try sender.patientLine().split(separator: " ")
            #expect(words.first == "finished" && words.last == "handedOver", "\(words)")
            sent[index + 1] = Int(words.dropFirst().first ?? "")
        }
        let stop = try stage.peer(["queue-stop", link, kind, "3"])
        #expect(try stop.line() == "finished 3")
        var all: [Int: [Int]] = [:]
        for receiver in receivers {
            let lines = try receiver.allLines()
            try expectSuccess(of: receiver)
            #expect(lines.first == "linked \(kind)")
            for (sender, numbers) in try taken(lines) {
                #expect(numbers == numbers.sorted(), "the order of sender \(sender)")
                all[sender, default: []] += numbers
            }
        }
        for (sender, count) in sent { #expect(all[sender]?.sorted() == Array(0..<count)) }
        try remove()
    }

    /// At most once: what a killed receiver had taken is given to nobody else, and only that is lost.
    @Test(arguments: kinds) func aKilledReceiverLosesOnlyWhatItHad(_ kind: String) throws {
        let sender = try stage.peer(["queue-send", link, kind, "1", "\(6 << 20)"])
        #expect(try sender.line() == "linked \(kind)")
        var lines: [String] = []
        let kills = 3
        for round in 0..<kills {
            // Alone with the sender, so that messages come; killed while it takes, checks or waits for the next.
            let victim = try stage.peer(["queue-receive", link, kind])
            #expect(try victim.line() == "linked \(kind)")
            for _ in 0..<round { lines.append(try victim.line()) }
            victim.kill()
            #expect(victim.end() == .killed(Signals.kill))
            lines += try victim.allLines()
        }
        let survivor = try stage.peer(["queue-receive", link, kind])
        #expect(try survivor.line() == "linked \(kind)")
        let finished = try sender.patientLine().split(separator: " ")
        let count = try #require(Int(finished.dropFirst().first ?? ""))
        let stop = try stage.peer(["queue-stop", link, kind, "1"])
        #expect(try stop.line() == "finished 1")
        lines += try survivor.allLines()
        try expectSuccess(of: survivor)
        let seen = try taken(lines)[1] ?? []
        #expect(Set(seen).count == seen.count, "a message was given twice")
        // Each of the killed had at most one that it had not told of.
        #expect(seen.count >= count - kills, "\(seen.count) of \(count)")
        try remove()
    }

    @Test(arguments: kinds) func theCommandSpeaksWithProgramsThatKnowNothingOfNaru(_ kind: String) throws {
        let word = String(SystemRandom.word() % 0x7000_0000 + 1)
        let address = kind == "posix-queue" ? "posix-queue:/naru-test-\(word)" : "sysv-queue:\(word)"
        // The other program: it made the queue, and reads and writes it by system calls.
        let queue =
            kind == "posix-queue"
            ? Foreign.posix(try POSIXQueue.create("/naru-test-\(word)", depth: 10, messageBytes: 100))
            : Foreign.sysv(try SystemVQueue.create(key: Int32(word) ?? 1))
        defer { queue.remove() }
        let input = stage.folder + "/lines"
        let file = try FileSystem.open(input, [.write, .create])
        let text = Array("first\nsecond\n\nlast\n".utf8)
        unsafe try text.withUnsafeBytes { unsafe try file.pwrite($0, at: 0) }
        try expectSuccess(of: try stage.naru(["send", address, input, "--raw", "--lines"]))
        for expected in ["first", "second", "", "last"] { #expect(try queue.take() == expected) }

        try queue.put("one")
        try queue.put("two")
        let receive = try stage.naru(["receive", address, "--raw", "--lines", "--count", "2"])
        #expect(try receive.allLines() == ["one", "two"])
        try expectSuccess(of: receive)
        let idle = try stage.naru(["receive", address, "--raw", "--idle", "0.05"])
        try expectSuccess(of: idle)
    }

    @Test func theCommandKeepsMessagesAndSortsThem() throws {
        for (priority, text) in [(1, "low"), (9, "high"), (5, "middle")] {
            let sender = try stage.naru(
                ["send", link, "--direction", "queue", "--priority", "\(priority)", "--lines", "-q"])
            try sender.write("\(text)\n")
            sender.closeInput()
            try expectSuccess(of: sender)
        }
        let receiver = try stage.naru(["receive", link, "--direction", "queue", "--count", "3", "--lines", "-q"])
        #expect(try receiver.allLines() == ["high", "middle", "low"])
        try expectSuccess(of: receiver)
        try remove()
    }

    @Test func theSampleDoesEveryJobThoughAWorkerIsKilled() throws {
        let boss = try stage.start(Stage.built("WorkQueue"), [])
        let lines = try boss.allLines()
        try expectSuccess(of: boss)
        #expect(lines.first == "the jobs lie in a posix-queue")
        #expect(lines.contains { $0.contains("in mid-job; its job is posted anew") }, "\(lines)")
        let order = try #require(lines.last?.split(separator: ": ").last).split(separator: ", ").map(String.init)
        #expect(order.sorted() == ["job-1", "job-2", "job-3", "job-4", "job-5", "job-6-urgent", "job-7-urgent"])
        #expect(Set(order.prefix(2)) == ["job-6-urgent", "job-7-urgent"], "\(order)")
        #expect(try FileSystem.list(stage.folder + "/run").isEmpty)
    }
}

/// A queue as another program uses it.
private enum Foreign {
    case posix(POSIXQueue)
    case sysv(SystemVQueue)

    func take() throws -> String? {
        var bytes = [UInt8](repeating: 0, count: 8200)
        // Safe, here and below: the memory is the array's own.
        let count = unsafe try bytes.withUnsafeMutableBytes { buffer in
            switch self {
            case .posix(let queue): unsafe try queue.tryReceive(into: buffer)?.byteCount
            case .sysv(let queue): unsafe try queue.tryReceive(into: buffer, type: 0)
            }
        }
        guard let count else { return nil }
        let start = if case .sysv = self { SystemVQueue.typeBytes } else { 0 }
        return String(decoding: bytes[start..<start + count], as: UTF8.self)
    }

    func put(_ text: String) throws {
        switch self {
        case .posix(let queue):
            let bytes = Array(text.utf8)
            #expect(unsafe try bytes.withUnsafeBytes { unsafe try queue.trySend($0, priority: 0) })
        case .sysv(let queue):
            let bytes = [5, 0, 0, 0, 0, 0, 0, 0] + Array(text.utf8)
            #expect(unsafe try bytes.withUnsafeBytes { unsafe try queue.trySend($0) })
        }
    }

    func remove() {
        switch self {
        case .posix(let queue): try? POSIXQueue.remove(queue.name)
        case .sysv(let queue): try? queue.remove()
        }
    }
}

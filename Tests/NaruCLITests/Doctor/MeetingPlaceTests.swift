// Naru: messages between programs by the fastest valid mechanism.
// Copyright the Naru authors. Licensed under the Apache License, Version 2.0 (see LICENSE).

import NaruSystem
import Testing

@testable import NaruCLI

@Suite struct MeetingPlaceTests {
    /// A folder of its own for one test, removed with what the closure left.
    private func withFolder(_ body: (String) throws -> Void) throws {
        let path = "/tmp/naru-cli-\(String(SystemRandom.word(), radix: 36))"
        try FileSystem.makeDirectory(path, permissions: 0o700)
        defer { try? FileSystem.removeDirectory(path) }
        try body(path)
    }

    @Test func `a private folder is usable and left as it was`() throws {
        try withFolder { path in
            let place = MeetingPlace([path])
            #expect(place.isUsable)
            #expect(place.finding.status == .ok)
            #expect(place.finding.detail == path)
            let left = try FileSystem.list(path)
            #expect(left.isEmpty)
        }
    }

    @Test func `a missing folder is made for the trial and removed`() throws {
        try withFolder { path in
            let place = MeetingPlace([path + "/none/naru", path + "/naru"])
            #expect(place.isUsable)
            #expect(place.finding.detail.hasPrefix("\(path)/naru, made when needed (not \(path)/none/naru: "))
            let left = try FileSystem.list(path)
            #expect(left.isEmpty)
        }
    }

    @Test func `a folder that is open to others is refused with a remedy`() throws {
        try withFolder { path in
            try FileSystem.setPermissions(path, permissions: 0o755)
            let place = MeetingPlace([path])
            #expect(!place.isUsable)
            #expect(place.finding.status == .problem)
            #expect(place.finding.detail == "\(path): it is open to other users")
            #expect(place.finding.remedy != nil)
        }
    }

    @Test func `a long path leaves less room for names`() throws {
        try withFolder { path in
            let long = path + "/" + String(repeating: "x", count: 60)
            let place = MeetingPlace([long])
            #expect(place.isUsable)
            #expect(place.finding.status == .warning)
        }
    }
}

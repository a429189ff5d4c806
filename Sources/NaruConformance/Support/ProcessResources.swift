// Naru: messages between programs by the fastest valid mechanism.
// Copyright the Naru authors. Licensed under the Apache License, Version 2.0 (see LICENSE).

internal import NaruSystem

/// What a process holds that a leak would make grow.
struct ProcessResources: CustomStringConvertible {
    var descriptors: Int
    var threads: Int
    var mappings: Int
    var sharedObjects: Int

    /// Counts now.
    static func now() throws -> ProcessResources {
        let maps = try FileSystem.readSmallFile("/proc/self/maps", limit: 1 << 26)
        return ProcessResources(
            descriptors: try FileSystem.list("/proc/self/fd").count,
            threads: try FileSystem.list("/proc/self/task").count,
            mappings: maps.count { $0 == UInt8(ascii: "\n") },
            sharedObjects: (try? FileSystem.list("/dev/shm").count) ?? 0)
    }

    /// What has grown by `limit` or more since.
    func growth(since before: ProcessResources, by limit: Int) -> [String] {
        [
            ("descriptors", descriptors - before.descriptors), ("threads", threads - before.threads),
            ("mappings", mappings - before.mappings), ("objects in /dev/shm", sharedObjects - before.sharedObjects),
        ].filter { $0.1 >= limit }.map { "\($0.1) more \($0.0)" }
    }

    var description: String {
        "\(descriptors) descriptors, \(threads) threads, \(mappings) mappings, \(sharedObjects) objects in /dev/shm"
    }

    /// Complains when `rounds` rounds of `body` leave something behind: half a thing or more each.
    ///
    /// Other tests of the process come and go meanwhile, so a growth counts only when it shows in each of several
    /// attempts and does not go back while one waits for what is released by other threads.
    static func expectNoGrowth(rounds: Int, _ body: (Int) throws -> Void) throws {
        var grown: [String] = []
        for _ in 0..<4 {
            let before = try now()
            for round in 0..<rounds { try body(round) }
            grown = try settled(since: before, by: max(rounds / 2, 2))
            if grown.isEmpty { return }
        }
        throw Complaint("\(rounds) rounds left behind: \(grown.joined(separator: ", "))")
    }

    /// As above, for what is awaited.
    static func expectNoGrowth(rounds: Int, _ body: (Int) async throws -> Void) async throws {
        var grown: [String] = []
        for _ in 0..<4 {
            let before = try now()
            for round in 0..<rounds { try await body(round) }
            grown = try await Worker.run { try settled(since: before, by: max(rounds / 2, 2)) }
            if grown.isEmpty { return }
        }
        throw Complaint("\(rounds) rounds left behind: \(grown.joined(separator: ", "))")
    }

    /// What stays grown although one waits a while. Blocks.
    private static func settled(since before: ProcessResources, by limit: Int) throws -> [String] {
        let pause = try EventCounter()
        let deadline = Deadline.after(.seconds(2))
        while true {
            let grown = try now().growth(since: before, by: limit)
            if grown.isEmpty || deadline.isPast { return grown }
            _ = try pause.descriptor.poll(.readable, deadline: .after(.milliseconds(5)))
        }
    }
}

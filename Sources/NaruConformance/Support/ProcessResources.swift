// Naru: messages between programs by the fastest valid mechanism.
// Copyright the Naru authors. Licensed under the Apache License, Version 2.0 (see LICENSE).

internal import NaruSystem

/// What a process holds that a leak would make grow.
struct ProcessResources {
    /// Each descriptor with what it refers to, so that what others close does not hide what is left open.
    private var descriptors: Set<String>
    private var threads: Int
    private var mappings: Int
    private var sharedObjects: Set<String>

    /// What there is now.
    static func now() throws -> ProcessResources {
        let maps = try FileSystem.readSmallFile("/proc/self/maps", limit: 1 << 26)
        let descriptors = try FileSystem.list("/proc/self/fd").compactMap { number in
            // One that went meanwhile is not there.
            (try? FileSystem.readLink("/proc/self/fd/\(number)")).map { "\(number) \($0)" }
        }
        return ProcessResources(
            descriptors: Set(descriptors), threads: try FileSystem.list("/proc/self/task").count,
            mappings: maps.count { $0 == UInt8(ascii: "\n") },
            sharedObjects: Set((try? FileSystem.list("/dev/shm")) ?? []))
    }

    /// What there is `limit` or more of that was not there before.
    private func growth(since before: ProcessResources, by limit: Int) -> [String] {
        [
            ("descriptors", descriptors.subtracting(before.descriptors).count),
            ("threads", threads - before.threads), ("mappings", mappings - before.mappings),
            ("objects in /dev/shm", sharedObjects.subtracting(before.sharedObjects).count),
        ].filter { $0.1 >= limit }.map { "\($0.1) more \($0.0)" }
    }

    /// Complains when `rounds` rounds of `body` leave something behind: half a thing or more each, and never more than
    /// some 50 things, however many the rounds.
    ///
    /// Other tests of the process come and go meanwhile, so two attempts of four must show no growth, each after it has
    /// waited for what other threads release; and `rounds` must be many.
    static func expectNoGrowth(rounds: Int, _ body: (Int) throws -> Void) throws {
        var tally = Tally(rounds: rounds)
        while try tally.goesOn() {
            let before = try now()
            for round in 0..<rounds { try body(round) }
            tally.count(try settled(since: before, by: tally.limit))
        }
    }

    /// As above, for what is awaited.
    static func expectNoGrowth(rounds: Int, _ body: (Int) async throws -> Void) async throws {
        var tally = Tally(rounds: rounds)
        while try tally.goesOn() {
            let before = try now()
            for round in 0..<rounds { try await body(round) }
            let limit = tally.limit
            tally.count(try await Worker.run { try settled(since: before, by: limit) })
        }
    }

    /// How many attempts grew.
    private struct Tally {
        let rounds: Int
        private var clean = 0
        private var grown: [[String]] = []

        init(rounds: Int) {
            self.rounds = rounds
        }

        /// So much growth, others' coming and going, is not yet a leak.
        var limit: Int { min(max(rounds / 2, 2), 50) }

        mutating func count(_ growth: [String]) {
            if growth.isEmpty { clean += 1 } else { grown.append(growth) }
        }

        /// Whether another attempt is needed; complains when enough of them grew.
        func goesOn() throws -> Bool {
            if grown.count > 2, let last = grown.last {
                throw Complaint("\(rounds) rounds left behind: \(last.joined(separator: ", "))")
            }
            return clean < 2
        }
    }

    /// What stays grown although one waits a while. Blocks.
    private static func settled(since before: ProcessResources, by limit: Int) throws -> [String] {
        let pause = try EventCounter()
        let deadline = Deadline.after(.milliseconds(500))
        while true {
            let grown = try now().growth(since: before, by: limit)
            if grown.isEmpty || deadline.isPast { return grown }
            _ = try pause.descriptor.poll(.readable, deadline: .after(.milliseconds(5)))
        }
    }
}

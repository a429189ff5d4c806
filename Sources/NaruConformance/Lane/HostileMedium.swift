// Naru: messages between programs by the fastest valid mechanism.
// Copyright the Naru authors. Licensed under the Apache License, Version 2.0 (see LICENSE).

internal import NaruCore
internal import NaruSystem

/// A peer that writes into what the openings passed to each other.
enum HostileMedium {
    /// Opens links, keeps duplicates of every descriptor passed, writes random words and bytes through them, and uses
    /// the lanes all the same: they may work, or throw typed errors, and nothing else.
    static func run(_ subject: Subject) throws -> ConformanceOutcome {
        var forged = 0
        for seed in 0..<40 {
            let bench = try OpeningBench(subject, .duplexWhereThereIs(subject))
            // What openings made goes before its folder does.
            defer { withExtendedLifetime(bench) {} }
            var driver = try OpeningDriver(subject, bench)
            guard case .opened(let dialer, let listener) = driver.run() else {
                throw Complaint("the openings do not yield lanes")
            }
            let passed = try driver.messages.flatMap(\.message.descriptors).map { try $0.duplicate() }
            guard !passed.isEmpty else {
                return .inapplicable(
                    reason: "its openings pass no descriptors through which the kit could forge what a peer writes")
            }
            var random = SplitMix(seed: UInt64(seed))
            for round in 0..<6 {
                for lanes in [dialer, listener] { try use(lanes, round) }
                for descriptor in passed where try forge(descriptor, &random) { forged += 1 }
            }
            for lanes in [dialer, listener] { try expectPoisoned(lanes.inbound) }
            for lanes in [dialer, listener] {
                lanes.outbound?.close()
                lanes.inbound?.close()
            }
        }
        return forged > 0
            ? .passed : .inapplicable(reason: "nothing that its openings pass can be written by a third process")
    }

    /// Sends and receives; only typed errors may come of it.
    private static func use(_ lanes: Lanes, _ round: Int) throws {
        _ = try thrownCode {
            guard let outbound = lanes.outbound else { return }
            let byteCount = min(40 * round, outbound.maximumRecordBytes)
            for index in 0..<4 { _ = try outbound.trySend(Record(index, byteCount: byteCount)) }
            _ = try outbound.flush()
            _ = try outbound.arm(.thread, byteCount: 8)
            outbound.disarm()
        }
        _ = try thrownCode {
            guard let inbound = lanes.inbound else { return }
            // Bounded: a forged medium may seem to hold records for ever.
            for _ in 0..<8 {
                var sum = 0
                let count = try inbound.drain(64) { record in
                    sum &+= [UInt8](copying: record.bytes).count
                    return .take
                }
                if count == 0 { break }
            }
            _ = try inbound.arm(.thread)
            inbound.disarm()
        }
    }

    /// A lane that has found a violation stays by it.
    private static func expectPoisoned(_ inbound: (any InboundLane)?) throws {
        guard let inbound else { return }
        let drain = { _ = try inbound.drain(1) { _ in .take } }
        guard try thrownCode(drain) == .protocolViolation else { return }
        for _ in 0..<3 { try expectError(.protocolViolation, "a drain after a violation", drain) }
    }

    /// Writes random words or bytes into one descriptor; `false` when it takes none.
    private static func forge(_ descriptor: Descriptor, _ random: inout SplitMix) throws -> Bool {
        let values: [UInt64] = [0, 1, .max, 1 << 31, 1 << 32, 0x7fff_ffff_ffff_ffff, random.next(), random.next()]
        if MemoryFile.isMemoryFile(descriptor) {
            let byteCount = Int(try descriptor.status().byteCount)
            guard byteCount >= 8,
                let mapping = try? Mapping(descriptor, byteCount: byteCount, access: .readWrite, prefault: false)
            else { return false }
            for _ in 0..<32 {
                // Half of it at the front, where headers and cursors are.
                let bound = Bool.random(using: &random) ? min(byteCount, 1024) : byteCount
                let offset = Int.random(in: 0...(bound - 8) / 8, using: &random) * 8
                // In bounds; no lane runs meanwhile, since all are used by this thread.
                let value = values.randomElement(using: &random) ?? 0
                unsafe mapping.base.storeBytes(of: value, toByteOffset: offset, as: UInt64.self)
            }
            return true
        }
        let bytes = (0..<Int.random(in: 1...64, using: &random)).map { _ in UInt8.random(in: 0...255, using: &random) }
        // Without waiting: the flag is not changed, because others share it.
        guard let ready = try? descriptor.pollOnce(.writable), ready.contains(.writable), !ready.contains(.error) else {
            return false
        }
        let result = unsafe try? bytes.withUnsafeBytes { unsafe try descriptor.write($0) }
        if case .bytes = result { return true }
        return false
    }
}

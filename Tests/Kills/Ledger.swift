// Naru: messages between programs by the fastest valid mechanism.
// Copyright the Naru authors. Licensed under the Apache License, Version 2.0 (see LICENSE).

import NaruSystem
import Synchronization

/// What a victim writes down in memory that outlives it.
struct Ledger: Sendable {
    /// How far it came.
    enum Phase: UInt64 {
        case started, meeting, linked
    }

    private let mapping: Mapping

    init(path: String) throws {
        let file = try FileSystem.open(path, [.read, .write, .create], permissions: 0o600)
        try file.allocate(byteCount: 4096)
        mapping = try Mapping(file, byteCount: 4096, access: .readWrite, prefault: true)
    }

    // The mapping is page aligned, larger than the words, and lives as long as this value.
    private func word(_ index: Int) -> UnsafeMutablePointer<Atomic<UInt64>> {
        unsafe mapping.base.assumingMemoryBound(to: Atomic<UInt64>.self) + index
    }

    private func load(_ index: Int) -> UInt64 { unsafe word(index).pointee.load(ordering: .acquiring) }
    private func store(_ index: Int, _ value: UInt64) { unsafe word(index).pointee.store(value, ordering: .releasing) }

    func reset() { for index in 0..<3 { store(index, 0) } }

    var phase: Phase { Phase(rawValue: load(0)) ?? .started }
    func reach(_ phase: Phase) { store(0, phase.rawValue) }

    /// How many messages were handed over, of a sender, or taken, of a receiver.
    var count: UInt64 { load(1) }
    func note(_ count: UInt64) { store(1, count) }

    /// The number of the first message that was not the one expected; 0 for none.
    var wrong: UInt64 { load(2) }
    func noteWrong(_ number: UInt64) { store(2, number) }
}

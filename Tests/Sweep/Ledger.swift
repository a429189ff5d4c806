// Naru: messages between programs by the fastest valid mechanism.
// Copyright the Naru authors. Licensed under the Apache License, Version 2.0 (see LICENSE).

import NaruSystem
import Synchronization

/// What a party writes down in memory that outlives it.
struct Ledger: Sendable {
    /// How far it came.
    enum Phase: UInt64 {
        /// Its program runs; it opens; it has a link, a queue or a semaphore; it holds a loan, a view or a permit until
        /// it is killed; all of it went well; it was told an error.
        case started, opening, open, held, finished, failed
    }

    private static let textOffset = 256
    private static let textLimit = 3_000
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

    var phase: Phase { Phase(rawValue: load(0)) ?? .started }
    func reach(_ phase: Phase) { store(0, phase.rawValue) }

    /// What was handed over, posted, taken or acquired.
    var count: UInt64 { load(1) }
    func note(_ count: UInt64) { store(1, count) }

    /// The messages taken of each of two senders, a bit for each number from 1.
    func mask(_ sender: Int) -> UInt64 { load(2 + sender) }
    func note(_ number: UInt64, of sender: Int) { store(2 + sender, mask(sender) | 1 << number) }

    /// The link that it has, by half of its name; 0 where there is none.
    var link: UInt64 { load(4) }
    func note(link: UInt64) { store(4, link) }

    /// When the end or the error was told, in nanoseconds of the monotonic clock.
    var endedAt: UInt64 { load(5) }

    /// What went wrong: the error's code, a space and the error.
    var text: String {
        let count = Int(min(load(6), UInt64(Self.textLimit)))
        // Within the mapping.
        return String(
            decoding: (0..<count).map { offset in
                unsafe mapping.base.load(fromByteOffset: Self.textOffset + offset, as: UInt8.self)
            }, as: UTF8.self)
    }

    var code: String { String(text.prefix { $0 != " " }) }

    func fail(_ text: String) {
        store(5, MonotonicClock.nanoseconds())
        let bytes = Array(text.utf8.prefix(Self.textLimit))
        for (index, byte) in bytes.enumerated() {
            // Within the mapping.
            unsafe mapping.base.storeBytes(of: byte, toByteOffset: Self.textOffset + index, as: UInt8.self)
        }
        store(6, UInt64(bytes.count))
        reach(.failed)
    }

    func finish() {
        store(5, MonotonicClock.nanoseconds())
        reach(.finished)
    }
}

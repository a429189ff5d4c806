// Naru: messages between programs by the fastest valid mechanism.
// Copyright the Naru authors. Licensed under the Apache License, Version 2.0 (see LICENSE).

internal import NaruCore
internal import NaruSystem
internal import Synchronization

/// A semaphore in a memory file of one page, which whoever has the descriptor maps.
///
///     offset  size  field    written by                                    order
///     0       4     magic    the maker, before anybody else has the file
///     4       4     use      the maker: 1 permits, 2 signal
///     8       4     permits  the maker
///     128     4     count    whoever takes and gives                       sequentially consistent
///     132     4     waiters  whoever waits                                 sequentially consistent
///
/// Whoever takes finds the count too low, adds itself to the waiters, reads the count again and sleeps while it is
/// that; whoever gives changes the count, then looks whether there are waiters. All four are in one order, so that one
/// of the two sees the other: either the sleeper's kernel finds the count changed, or the giver finds a waiter. Waiters
/// that died leave their number behind, which costs calls that wake nobody.
///
/// Nothing that is read is trusted: a wrong count is a wrong count and nothing else.
// Safe: the pointers lead into a mapping that lives as long as this object, of a file that cannot shrink.
@safe
final class WordSemaphore: Semaphore {
    private static let magic: UInt32 = 0x4d53_524e
    /// The most it counts: what the other mechanisms' numbers are, too.
    static let maximum: UInt32 = UInt32(Int32.max)

    let terms: SemaphoreTerms
    private let file: Descriptor
    private let mapping: Mapping
    private let name = "semaphore without a name"
    // Sendable: constant addresses of atomics.
    nonisolated(unsafe) private let count: UnsafeMutablePointer<Atomic<UInt32>>
    nonisolated(unsafe) private let waiters: UnsafeMutablePointer<Atomic<UInt32>>

    /// What to hand over.
    var descriptor: Descriptor? { file }

    /// Makes one.
    convenience init(_ terms: SemaphoreTerms) throws(NaruError) {
        do throws(SystemError) {
            let size = HostInformation.pageBytes
            let file = try MemoryFile.create(name: "naru-semaphore", byteCount: size)
            try MemoryFile.seal(file, [.shrink, .grow, .seal])
            let mapping = try Mapping(file, byteCount: size, access: .readWrite, prefault: true)
            // Nobody else has the file yet, and the page is aligned and large enough.
            let words = unsafe mapping.base.bindMemory(to: UInt32.self, capacity: 3)
            unsafe words[0] = Self.magic
            unsafe words[1] = terms.use == .permits ? 1 : 2
            unsafe words[2] = UInt32(terms.count)
            self.init(file, mapping, terms)
            unsafe count.pointee.store(UInt32(terms.count), ordering: .sequentiallyConsistent)
        } catch {
            throw NaruError(error, operation: "make", object: "semaphore without a name")
        }
    }

    /// Opens one of another process.
    /// - Throws: ``NaruError/Code/refused`` when the descriptor is something else.
    convenience init(adopting file: Descriptor) throws(NaruError) {
        func refused(_ reason: String) -> NaruError {
            NaruError(
                .refused, operation: "adopt", object: "semaphore without a name", reason: reason,
                remedy: "hand over the descriptor of Permits or of a Signal")
        }
        do {
            let size = HostInformation.pageBytes
            guard MemoryFile.isMemoryFile(file) else { throw refused("it is no memory file") }
            guard try file.status().byteCount == size else { throw refused("its size is not that of a semaphore") }
            guard try MemoryFile.seals(of: file).isSuperset(of: [.shrink, .grow]) else {
                throw refused("it could shrink")
            }
            let mapping = try Mapping(file, byteCount: size, access: .readWrite, prefault: true)
            // Read once each; the page is aligned and large enough.
            let words = unsafe mapping.base.bindMemory(to: UInt32.self, capacity: 3)
            let (magic, use, permits) = unsafe (words[0], words[1], words[2])
            guard magic == Self.magic, use == 1 || use == 2, permits <= UInt32(SemaphoreTerms.maximumCount) else {
                throw refused("it does not hold a semaphore")
            }
            self.init(file, mapping, SemaphoreTerms(use: use == 1 ? .permits : .signal, count: Int(permits)))
        } catch let error as SystemError {
            throw NaruError(error, operation: "adopt", object: "semaphore without a name")
        } catch {
            throw error as! NaruError
        }
    }

    private init(_ file: Descriptor, _ mapping: Mapping, _ terms: SemaphoreTerms) {
        self.file = file
        self.mapping = mapping
        self.terms = terms
        // Zeroed memory of a page, and an atomic word of 4 bytes has every bit pattern.
        unsafe count = (mapping.base + 128).bindMemory(to: Atomic<UInt32>.self, capacity: 1)
        unsafe waiters = (mapping.base + 132).bindMemory(to: Atomic<UInt32>.self, capacity: 1)
    }

    func take(_ wanted: Int, deadline: Deadline) throws(NaruError) -> Bool {
        while true {
            if takeNow(UInt32(wanted)) { return true }
            if try !awaitValue(wanted, deadline: deadline) { return false }
        }
    }

    func awaitValue(_ wanted: Int, deadline: Deadline) throws(NaruError) -> Bool {
        let wanted = UInt32(wanted)
        while true {
            if unsafe count.pointee.load(ordering: .sequentiallyConsistent) >= wanted { return true }
            if deadline.isPast { return false }
            unsafe waiters.pointee.wrappingAdd(1, ordering: .sequentiallyConsistent)
            defer { unsafe waiters.pointee.wrappingSubtract(1, ordering: .sequentiallyConsistent) }
            let seen = unsafe count.pointee.load(ordering: .sequentiallyConsistent)
            if seen >= wanted { return true }
            do {
                _ = unsafe try Futex.wait(UnsafeRawPointer(count), while: seen, deadline: deadline)
            } catch {
                throw NaruError(error, operation: "take from", object: name)
            }
        }
    }

    private func takeNow(_ wanted: UInt32) -> Bool {
        var seen = unsafe count.pointee.load(ordering: .sequentiallyConsistent)
        while seen >= wanted {
            let (done, found) = unsafe count.pointee.compareExchange(
                expected: seen, desired: seen - wanted, ordering: .sequentiallyConsistent)
            if done { return true }
            seen = found
        }
        return false
    }

    func give(_ given: Int) throws(NaruError) {
        let given = UInt32(given)
        var seen = unsafe count.pointee.load(ordering: .sequentiallyConsistent)
        while true {
            guard seen <= Self.maximum - given else {
                throw NaruError(
                    .resourceExhausted, operation: "add to", object: name,
                    reason: "it cannot count above \(Self.maximum)", remedy: "take what was posted")
            }
            let (done, found) = unsafe count.pointee.compareExchange(
                expected: seen, desired: seen + given, ordering: .sequentiallyConsistent)
            if done { break }
            seen = found
        }
        // All of them: each may want another number, and only it knows.
        if unsafe waiters.pointee.load(ordering: .sequentiallyConsistent) > 0 {
            unsafe Futex.wake(UnsafeRawPointer(count), count: .max)
        }
    }

    func value() throws(NaruError) -> Int {
        Int(unsafe count.pointee.load(ordering: .sequentiallyConsistent))
    }
}

// Naru: messages between programs by the fastest valid mechanism.
// Copyright the Naru authors. Licensed under the Apache License, Version 2.0 (see LICENSE).

public import NaruCore
public import NaruSystem
internal import Synchronization

/// The two mapped memories of one ring, as one end holds them. ``RingLayout`` draws them.
///
/// The memories stay mapped as long as a value, or a lane made of it, exists.
public struct RingMemory: Sendable {
    /// What identifies the ring.
    public let header: RingHeader
    let data: Mapping
    let control: Mapping
    /// What lives as long as the memories are mapped: a share of a budget.
    private let lease: (any AnyObject & Sendable)?

    /// Prepares new, zeroed memories for a writer: the header is written.
    /// - Precondition: the mappings are writable and as large as the layout says.
    public init(
        preparing header: RingHeader, data: Mapping, control: Mapping, lease: (any AnyObject & Sendable)? = nil
    ) {
        precondition(
            data.byteCount == RingLayout.dataByteCount(ringBytes: header.ringBytes)
                && control.byteCount == RingLayout.controlByteCount,
            "a ring of \(header.ringBytes) bytes cannot lie in \(data.byteCount) + \(control.byteCount) bytes")
        self.init(header, data, control, lease)
        // The header fits before the ring, and nobody else sees it yet.
        let encoded = header.encoded
        unsafe data.base.copyMemory(from: encoded, byteCount: encoded.count)
    }

    /// Checks memories that a peer sent, for a reader.
    /// - Parameters:
    ///   - expected: The header that the writer told the reader of.
    ///   - data: The data memory; never written through.
    ///   - control: The control memory.
    /// - Throws: ``NaruError/Code/protocolViolation`` when a size is wrong or the memory's header is another one: the
    ///   two ends do not hold the same ring.
    public init(checking expected: RingHeader, data: Mapping, control: Mapping) throws(NaruError) {
        guard data.byteCount == RingLayout.dataByteCount(ringBytes: expected.ringBytes),
            control.byteCount == RingLayout.controlByteCount
        else {
            throw Self.violation("the memories have \(data.byteCount) and \(control.byteCount) bytes")
        }
        // Copied first: a writer may change its memory while it is read. What lies before the ring is mapped.
        let copy = [UInt8](
            copying: unsafe RawSpan(_unsafeStart: UnsafeRawPointer(data.base), byteCount: RingHeader.byteCount))
        guard try unsafe RingHeader(decoding: copy.span.bytes) == expected else {
            throw Self.violation("the memory holds another ring than the one announced")
        }
        self.init(expected, data, control, nil)
    }

    private init(
        _ header: RingHeader, _ data: Mapping, _ control: Mapping, _ lease: (any AnyObject & Sendable)?
    ) {
        self.lease = lease
        self.header = header
        self.data = data
        self.control = control
    }

    private static func violation(_ what: String) -> NaruError {
        NaruError(.protocolViolation, operation: "open", object: "ring", reason: what)
    }
}

// Where the words lie. Every offset is inside the sizes that both initialisers checked, and aligned to its word.
extension RingMemory {
    var ring: UnsafeMutableRawPointer { unsafe data.base + RingLayout.ringOffset }
    var writerClosed: UnsafePointer<Atomic<UInt32>> {
        unsafe UnsafePointer(word(data, RingLayout.writerClosedOffset, UInt32.self))
    }
    var readerClosed: UnsafePointer<Atomic<UInt32>> {
        unsafe UnsafePointer(word(control, RingLayout.readerClosedOffset, UInt32.self))
    }
    var cursor: UnsafePointer<Atomic<UInt64>> {
        unsafe UnsafePointer(word(control, RingLayout.cursorOffset, UInt64.self))
    }
    var readerArmed: ArmedWord { unsafe ArmedWord(word(control, RingLayout.readerArmedOffset, UInt32.self)) }
    var writerArmed: ArmedWord { unsafe ArmedWord(word(control, RingLayout.writerArmedOffset, UInt32.self)) }

    private func word<Value: AtomicRepresentable>(
        _ mapping: Mapping, _ offset: Int, _: Value.Type
    ) -> UnsafeMutablePointer<Atomic<Value>> {
        unsafe (mapping.base + offset).assumingMemoryBound(to: Atomic<Value>.self)
    }
}

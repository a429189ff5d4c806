// Naru: messages between programs by the fastest valid mechanism.
// Copyright the Naru authors. Licensed under the Apache License, Version 2.0 (see LICENSE).

/// Puts fragments together again, within a bound. A pure value: it reads records and makes no system call.
///
/// It trusts nothing that the peer says: memory grows with the bytes that came, never with the bytes that were
/// promised.
struct Assembler: ~Copyable {
    private var buffer: [UInt8] = []
    private var current: FragmentHeader?
    private var flags: RecordHeader.Flags = []
    private let maximum: Int

    /// - Parameter maximum: the most bytes a message on the lane may have, as it travels.
    init(maximum: Int) {
        self.maximum = maximum
    }

    /// What became of a fragment.
    enum Step: Equatable {
        case more
        case complete(RecordHeader.Flags)
        case violation(String)
    }

    /// Whether a message is half there.
    var isPartial: Bool { current != nil }

    /// How many bytes of it.
    var byteCount: Int { buffer.count }

    /// Takes one fragment record.
    mutating func append(_ header: RecordHeader, _ bytes: RawSpan) -> Step {
        guard let fragment = FragmentHeader(bytes) else {
            return .violation("a fragment of \(bytes.byteCount) bytes, shorter than its header")
        }
        if let current {
            guard fragment == current, header.flags == flags else {
                return .violation("a fragment of message \(fragment.message) inside message \(current.message)")
            }
        } else {
            guard fragment.total <= UInt64(maximum) else {
                return .violation("a message of \(fragment.total) bytes, above the link's maximum of \(maximum)")
            }
            current = fragment
            flags = header.flags
            buffer.removeAll(keepingCapacity: true)
        }
        let payload = bytes.extracting(droppingFirst: FragmentHeader.byteCount)
        guard UInt64(buffer.count) + UInt64(payload.byteCount) <= fragment.total else {
            return .violation("fragments of message \(fragment.message) exceed its \(fragment.total) bytes")
        }
        unsafe payload.withUnsafeBytes { unsafe buffer.append(contentsOf: $0) }
        guard buffer.count == Int(fragment.total) else { return .more }
        current = nil
        return .complete(flags)
    }

    /// Drops what is there of a message, and returns its flags; none when nothing is half there.
    mutating func abort() -> RecordHeader.Flags {
        guard current != nil else { return [] }
        current = nil
        buffer.removeAll(keepingCapacity: false)
        return flags
    }

    /// The assembled message, valid until the next fragment.
    var bytes: RawSpan {
        @_lifetime(borrow self)
        get { unsafe buffer.span.bytes }
    }

    /// Frees memory after an unusually large message.
    mutating func release() {
        if buffer.capacity > 1 << 20 { buffer = [] } else { buffer.removeAll(keepingCapacity: true) }
    }
}

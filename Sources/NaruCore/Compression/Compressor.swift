// Naru: messages between programs by the fastest valid mechanism.
// Copyright the Naru authors. Licensed under the Apache License, Version 2.0 (see LICENSE).

/// The codec stage of a sending end: compresses a message where that helps.
///
/// A compressed payload is the message's size, eight bytes, least significant first, then the codec's bytes.
@safe final class Compressor {
    static let headerByteCount = 8

    private let encoder: any MessageEncoder
    private var scratch = unsafe UnsafeMutableRawBufferPointer(start: nil, count: 0)

    init(_ codec: any Codec, level: Int?) throws(NaruError) {
        let level = level ?? codec.defaultLevel
        guard codec.levels.contains(level) else {
            throw NaruError(
                .invalidConfiguration, operation: "open", object: "compression \(codec.name):\(level)",
                reason: "levels are \(codec.levels.lowerBound) to \(codec.levels.upperBound)")
        }
        encoder = try codec.makeEncoder(level: level)
    }

    deinit {
        unsafe scratch.deallocate()
    }

    /// Compresses into private memory.
    /// - Returns: bytes of the compressed payload, or `nil` when it would not save a sixteenth.
    func compress(_ bytes: RawSpan) throws(NaruError) -> Int? {
        let worth = bytes.byteCount - bytes.byteCount / 16 - Self.headerByteCount
        guard worth > 0 else { return nil }
        reserve(worth + Self.headerByteCount)
        let output = unsafe UnsafeMutableRawBufferPointer(
            rebasing: scratch[Self.headerByteCount..<Self.headerByteCount + worth])
        guard let count = unsafe try encoder.encode(bytes, into: output) else { return nil }
        unsafe scratch.storeBytes(of: UInt64(bytes.byteCount).littleEndian, as: UInt64.self)
        return Self.headerByteCount + count
    }

    /// Lends the payload that ``compress(_:)`` made.
    func withCompressed<R>(_ byteCount: Int, _ body: (RawSpan) throws(NaruError) -> R) throws(NaruError) -> R {
        try body(unsafe RawSpan(_unsafeBytes: UnsafeRawBufferPointer(rebasing: scratch[..<byteCount])))
    }

    private func reserve(_ byteCount: Int) {
        guard unsafe scratch.count < byteCount else { return }
        unsafe scratch.deallocate()
        unsafe scratch = .allocate(byteCount: byteCount, alignment: 16)
    }
}

/// The codec stage of a receiving end. Everything it reads comes from a peer.
@safe final class Decompressor {
    private let decoder: any MessageDecoder
    private let maximumMessageBytes: Int
    private var input = unsafe UnsafeMutableRawBufferPointer(start: nil, count: 0)
    private var scratch = unsafe UnsafeMutableRawBufferPointer(start: nil, count: 0)

    init(_ codec: any Codec, maximumMessageBytes: Int) throws(NaruError) {
        decoder = try codec.makeDecoder()
        self.maximumMessageBytes = maximumMessageBytes
    }

    deinit {
        unsafe input.deallocate()
        unsafe scratch.deallocate()
    }

    /// Decompresses a payload and lends the message.
    ///
    /// The payload is copied to private memory first, because the peer may still write where it lies, and codecs do not
    /// read everything once. The declared size is checked against the link's maximum before anything is allocated.
    /// - Throws: ``NaruError/Code/corrupted``.
    func decompress(_ payload: RawSpan) throws(NaruError) -> Int {
        guard payload.byteCount >= Compressor.headerByteCount else {
            throw corrupted("a compressed message of \(payload.byteCount) bytes")
        }
        unsafe Self.grow(&input, to: payload.byteCount)
        unsafe payload.withUnsafeBytes { unsafe input.copyMemory(from: $0) }
        let declared = UInt64(littleEndian: unsafe input.loadUnaligned(as: UInt64.self))
        guard declared <= UInt64(maximumMessageBytes) else {
            throw corrupted("a declared size of \(declared) bytes, above the link's maximum of \(maximumMessageBytes)")
        }
        let size = Int(declared)
        unsafe Self.grow(&scratch, to: size)
        let compressed = unsafe RawSpan(
            _unsafeBytes: UnsafeRawBufferPointer(rebasing: input[Compressor.headerByteCount..<payload.byteCount]))
        unsafe try decoder.decode(compressed, into: UnsafeMutableRawBufferPointer(rebasing: scratch[..<size]))
        return size
    }

    /// The message that ``decompress(_:)`` made, valid until the next.
    @_lifetime(borrow self)
    func bytes(_ byteCount: Int) -> RawSpan {
        // Valid until the next decompress: the receiver lends it inside one closure, and a re-entrant receive throws.
        let span = unsafe RawSpan(_unsafeBytes: UnsafeRawBufferPointer(rebasing: scratch[..<byteCount]))
        return unsafe _overrideLifetime(span, borrowing: self)
    }

    private static func grow(_ buffer: inout UnsafeMutableRawBufferPointer, to byteCount: Int) {
        guard unsafe buffer.count < byteCount || buffer.baseAddress == nil else { return }
        unsafe buffer.deallocate()
        unsafe buffer = .allocate(byteCount: max(byteCount, 64), alignment: 16)
    }

    private func corrupted(_ reason: String) -> NaruError {
        NaruError(.corrupted, operation: "decompress", object: "message", reason: reason)
    }
}

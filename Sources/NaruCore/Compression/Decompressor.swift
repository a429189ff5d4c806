// Naru: messages between programs by the fastest valid mechanism.
// Copyright the Naru authors. Licensed under the Apache License, Version 2.0 (see LICENSE).

/// The codec stage of a receiving end. Everything it reads comes from a peer.
@safe final class Decompressor {
    private enum Stage {
        case perMessage(any MessageDecoder)
        case history(any HistoryDecoder)
    }

    private let stage: Stage
    /// Whether the next message with history must begin it.
    private var isBroken = true
    private let maximumMessageBytes: Int
    private var input = unsafe UnsafeMutableRawBufferPointer(start: nil, count: 0)
    private var scratch = unsafe UnsafeMutableRawBufferPointer(start: nil, count: 0)

    init(_ codec: any Codec, history: Bool, maximumMessageBytes: Int) throws(NaruError) {
        if history {
            guard let codec = codec as? any HistoryCodec else { throw .keepsNoHistory(codec) }
            stage = .history(try codec.makeHistoryDecoder())
        } else {
            stage = .perMessage(try codec.makeDecoder())
        }
        self.maximumMessageBytes = maximumMessageBytes
    }

    deinit {
        unsafe input.deallocate()
        unsafe scratch.deallocate()
    }

    /// A message with history was given up half way: what follows cannot refer to it.
    func breakHistory() {
        isBroken = true
    }

    /// Decompresses a payload into private memory; see ``bytes(_:)``.
    ///
    /// The payload is copied to private memory first, because the peer may still write where it lies, and codecs do not
    /// read everything once. The declared size is checked against the link's maximum before anything is allocated.
    /// - Returns: bytes of the message.
    /// - Throws: ``NaruError/Code/corrupted``; ``NaruError/Code/protocolViolation`` for flags that were not agreed and
    ///   a message that refers to others which were never received.
    func decompress(_ payload: RawSpan, _ flags: RecordHeader.Flags) throws(NaruError) -> Int {
        switch stage {
        case .perMessage(let decoder):
            guard flags.isDisjoint(with: [.history, .reset]) else {
                throw violation("a message with history, which was not agreed")
            }
            guard payload.byteCount >= Compressor.headerByteCount else {
                throw corrupted("a compressed message of \(payload.byteCount) bytes")
            }
            copy(payload)
            let declared = UInt64(littleEndian: unsafe input.loadUnaligned(as: UInt64.self))
            let size = try room(for: declared)
            unsafe try decoder.decode(
                codecBytes(Compressor.headerByteCount..<payload.byteCount),
                into: UnsafeMutableRawBufferPointer(rebasing: scratch[..<size]))
            return size
        case .history(let decoder):
            guard flags.contains(.history) else { throw violation("a message without the history that was agreed") }
            let startsAnew = flags.contains(.reset)
            guard startsAnew || !isBroken else {
                throw violation("a message that refers to earlier ones, of which there are none")
            }
            isBroken = true
            copy(payload)
            let (declared, header) = try declaredSize(of: payload.byteCount)
            let size = try room(for: declared)
            unsafe try decoder.decode(
                codecBytes(header..<payload.byteCount), startingAnew: startsAnew,
                into: UnsafeMutableRawBufferPointer(rebasing: scratch[..<size]))
            isBroken = false
            return size
        }
    }

    private func declaredSize(of byteCount: Int) throws(NaruError) -> (UInt64, Int) {
        guard let found = unsafe MessageSize.load(UnsafeRawBufferPointer(rebasing: input[..<byteCount])) else {
            throw corrupted("a compressed message of \(byteCount) bytes without its size")
        }
        return found
    }

    private func copy(_ payload: RawSpan) {
        unsafe Self.grow(&input, to: payload.byteCount)
        unsafe payload.withUnsafeBytes { unsafe input.copyMemory(from: $0) }
    }

    /// Makes room for a message of the declared size, within the link's maximum.
    private func room(for declared: UInt64) throws(NaruError) -> Int {
        guard declared <= UInt64(maximumMessageBytes) else {
            throw corrupted("a declared size of \(declared) bytes, above the link's maximum of \(maximumMessageBytes)")
        }
        let size = Int(declared)
        unsafe Self.grow(&scratch, to: size)
        return size
    }

    /// What was copied of the payload.
    @_lifetime(borrow self)
    private func codecBytes(_ range: Range<Int>) -> RawSpan {
        // Valid until the next copy: the codec has it for the length of one call.
        let span = unsafe RawSpan(_unsafeBytes: UnsafeRawBufferPointer(rebasing: input[range]))
        return unsafe _overrideLifetime(span, borrowing: self)
    }

    /// The message that ``decompress(_:_:)`` made, valid until the next.
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

    private func violation(_ reason: String) -> NaruError {
        NaruError(.protocolViolation, operation: "decompress", object: "message", reason: reason)
    }

    private func corrupted(_ reason: String) -> NaruError {
        NaruError(.corrupted, operation: "decompress", object: "message", reason: reason)
    }
}

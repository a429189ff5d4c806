// Naru: messages between programs by the fastest valid mechanism.
// Copyright the Naru authors. Licensed under the Apache License, Version 2.0 (see LICENSE).

/// The codec stage of a sending end: compresses a message where that helps.
///
/// A message that was compressed by itself is its size, eight bytes, least significant first, then the codec's bytes.
/// One that was compressed with history is its size as ``MessageSize``, then the codec's bytes.
///
/// With history, what was compressed must be sent: the receiver cannot decode what comes after it otherwise. So
/// ``judge(_:)`` decides before the codec sees the message, the sender compresses only when the lane has room, and
/// the history counts as broken from ``compress(_:)`` until ``accepted()``: whatever happens in between, a cancelled
/// send or an error, the next message begins a new one.
@safe final class Compressor {
    static let headerByteCount = 8

    private enum Stage {
        case perMessage(any MessageEncoder)
        case history(any HistoryEncoder)
    }

    /// What is to become of a message.
    enum Verdict {
        /// It is too small to gain by it.
        case tooSmall
        /// It would not become smaller.
        case incompressible
        /// Compress it when there is room for so many bytes.
        case compress(mostBytes: Int)
    }

    /// A message that was compressed.
    struct Compressed {
        var flags: RecordHeader.Flags
        /// Bytes of the payload.
        var byteCount: Int
    }

    private let stage: Stage
    private let minimumMessageBytes: Int
    private let maximumMessageBytes: Int
    private var isBroken = true
    private var scratch = unsafe UnsafeMutableRawBufferPointer(start: nil, count: 0)

    /// - Parameter maximumMessageBytes: the link's; a payload never has more.
    init(_ codec: any Codec, level: Int?, history: Bool, maximumMessageBytes: Int) throws(NaruError) {
        self.maximumMessageBytes = maximumMessageBytes
        let level = level ?? codec.defaultLevel
        guard codec.levels.contains(level) else {
            throw NaruError(
                .invalidConfiguration, operation: "open", object: "compression \(codec.name):\(level)",
                reason: "levels are \(codec.levels.lowerBound) to \(codec.levels.upperBound)")
        }
        if history {
            guard let codec = codec as? any HistoryCodec else { throw .keepsNoHistory(codec) }
            stage = .history(try codec.makeHistoryEncoder(level: level))
            minimumMessageBytes = codec.minimumHistoryMessageBytes
        } else {
            stage = .perMessage(try codec.makeEncoder(level: level))
            minimumMessageBytes = codec.minimumMessageBytes
        }
    }

    deinit {
        unsafe scratch.deallocate()
    }

    /// Decides about a message, without the codec.
    func judge(_ bytes: RawSpan) -> Verdict {
        guard bytes.byteCount >= minimumMessageBytes else { return .tooSmall }
        switch stage {
        case .perMessage:
            return Self.worth(bytes.byteCount) > 0 ? .compress(mostBytes: bytes.byteCount) : .tooSmall
        case .history(let encoder):
            guard Compressibility.isLikely(bytes) else { return .incompressible }
            let most = MessageSize.byteCount(of: bytes.byteCount) + encoder.bound(bytes.byteCount)
            return .compress(mostBytes: most)
        }
    }

    /// Compresses into private memory.
    /// - Returns: `nil` when the message is to be sent raw: by itself it would not save a sixteenth, or with history it
    ///   became larger than any message of the link may be.
    func compress(_ bytes: RawSpan) throws(NaruError) -> Compressed? {
        switch stage {
        case .perMessage(let encoder): try compress(bytes, encoder)
        case .history(let encoder): try compress(bytes, encoder)
        }
    }

    private func compress(_ bytes: RawSpan, _ encoder: any MessageEncoder) throws(NaruError) -> Compressed? {
        let worth = Self.worth(bytes.byteCount)
        guard worth > 0 else { return nil }
        reserve(worth + Self.headerByteCount)
        let output = unsafe UnsafeMutableRawBufferPointer(
            rebasing: scratch[Self.headerByteCount..<Self.headerByteCount + worth])
        guard let count = unsafe try encoder.encode(bytes, into: output) else { return nil }
        unsafe scratch.storeBytes(of: UInt64(bytes.byteCount).littleEndian, as: UInt64.self)
        return Compressed(flags: .compressed, byteCount: Self.headerByteCount + count)
    }

    private func compress(_ bytes: RawSpan, _ encoder: any HistoryEncoder) throws(NaruError) -> Compressed? {
        let header = MessageSize.byteCount(of: bytes.byteCount)
        reserve(header + encoder.bound(bytes.byteCount))
        let startsAnew = isBroken
        isBroken = true
        let count = unsafe try encoder.encode(
            bytes, startingAnew: startsAnew, into: UnsafeMutableRawBufferPointer(rebasing: scratch[header...]))
        guard header + count <= maximumMessageBytes else { return nil }
        unsafe MessageSize.store(bytes.byteCount, to: scratch)
        return Compressed(
            flags: startsAnew ? [.compressed, .history, .reset] : [.compressed, .history], byteCount: header + count)
    }

    /// The message that ``compress(_:)`` made is on the lane, whole.
    func accepted() {
        isBroken = false
    }

    /// Lends the payload that ``compress(_:)`` made.
    func withCompressed<R>(_ byteCount: Int, _ body: (RawSpan) throws(NaruError) -> R) throws(NaruError) -> R {
        try body(unsafe RawSpan(_unsafeBytes: UnsafeRawBufferPointer(rebasing: scratch[..<byteCount])))
    }

    /// The most bytes a message compressed by itself may become, for a sixteenth to be saved.
    private static func worth(_ byteCount: Int) -> Int { byteCount - byteCount / 16 - headerByteCount }

    private func reserve(_ byteCount: Int) {
        guard unsafe scratch.count < byteCount else { return }
        unsafe scratch.deallocate()
        unsafe scratch = .allocate(byteCount: byteCount, alignment: 16)
    }
}

extension NaruError {
    /// History was agreed with a codec that keeps none.
    static func keepsNoHistory(_ codec: any Codec) -> NaruError {
        NaruError(
            .unsupported, operation: "open", object: "compression \(codec.name)",
            reason: "history was agreed, and this end's codec keeps none", remedy: "force the codec per message")
    }
}

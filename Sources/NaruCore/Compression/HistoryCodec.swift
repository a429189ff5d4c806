// Naru: messages between programs by the fastest valid mechanism.
// Copyright the Naru authors. Licensed under the Apache License, Version 2.0 (see LICENSE).

/// A codec that can also keep *history*: a message is compressed as the continuation of those before it on its lane, so
/// that small messages that resemble each other become small even though each is complete when it arrives.
///
/// Both ends' codecs must be of this kind, and the link one that may keep history: see ``Compression/history``. What
/// one release's encoder does with the feature, every release's decoder of that codec must understand; a codec that
/// wants to do more (a larger window) needs a feature of another name.
public protocol HistoryCodec: Codec {
    /// The fewest bytes of a message that is worth compressing with history; smaller ones travel raw.
    var minimumHistoryMessageBytes: Int { get }
    /// Makes the encoder of one lane. It is used by one thread or task at a time.
    func makeHistoryEncoder(level: Int) throws(NaruError) -> any HistoryEncoder
    /// Makes the decoder of one lane. It is used by one thread or task at a time.
    func makeHistoryDecoder() throws(NaruError) -> any HistoryDecoder
}

/// Compresses the messages of one lane, each with the history of those before it.
public protocol HistoryEncoder: AnyObject {
    /// The most bytes that a message of `byteCount` bytes can become, whatever it holds.
    func bound(_ byteCount: Int) -> Int

    /// Compresses `bytes` whole into `output`, which the caller owns and which has at least ``bound(_:)`` bytes. From
    /// then on the message is history: unless the result reaches the decoder, the next call has to start anew, and so
    /// it has to after an error.
    /// - Parameter startingAnew: forget everything before this message; `true` the first time.
    /// - Returns: how many bytes were written.
    func encode(
        _ bytes: RawSpan, startingAnew: Bool, into output: UnsafeMutableRawBufferPointer
    ) throws(NaruError) -> Int
}

/// Decompresses the messages of one lane, in the order in which they were compressed. The input comes from a peer and
/// is not trusted; the memory that it can make the decoder keep is bounded by the codec.
public protocol HistoryDecoder: AnyObject {
    /// Decompresses `bytes` into `output`, whose size is the declared one, already bounded by the caller.
    /// - Parameter startingAnew: forget everything before this message; `true` the first time and after an error.
    /// - Throws: ``NaruError/Code/corrupted`` when the bytes do not decode to exactly `output.count` bytes. Writes
    ///   never pass the end of `output`.
    func decode(
        _ bytes: RawSpan, startingAnew: Bool, into output: UnsafeMutableRawBufferPointer
    ) throws(NaruError)
}

/// What a codec can do beyond compressing each message by itself, as it is named in the handshake.
enum CodecFeature {
    /// It is a ``HistoryCodec``.
    static let history = "history"

    /// The features of a codec of this build.
    static func all(of codec: any Codec) -> [String] {
        codec is any HistoryCodec ? [history] : []
    }
}

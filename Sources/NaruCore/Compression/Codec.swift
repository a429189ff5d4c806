// Naru: messages between programs by the fastest valid mechanism.
// Copyright the Naru authors. Licensed under the Apache License, Version 2.0 (see LICENSE).

/// A way to compress messages, provided by a plugin. Negotiated by name; one end encodes, the other decodes.
public protocol Codec: Sendable {
    /// The codec's name in configuration and handshake: `zstd`.
    var name: String { get }
    /// The levels it takes, weakest first, and the one used when none is named.
    var levels: ClosedRange<Int> { get }
    /// The level used when the configuration names none.
    var defaultLevel: Int { get }
    /// The fewest bytes of a message that is worth compressing by itself; smaller ones travel raw. By default 0.
    var minimumMessageBytes: Int { get }
    /// Makes the encoder of one lane. It is used by one thread or task at a time.
    func makeEncoder(level: Int) throws(NaruError) -> any MessageEncoder
    /// Makes the decoder of one lane. It is used by one thread or task at a time.
    func makeDecoder() throws(NaruError) -> any MessageDecoder
}

extension Codec {
    /// Every message is tried.
    public var minimumMessageBytes: Int { 0 }
}

/// Compresses the messages of one lane, each by itself. Keeps its working memory from message to message.
public protocol MessageEncoder: AnyObject {
    /// Compresses `bytes` into `output`, which the caller owns.
    /// - Returns: how many bytes were written, or `nil` when the result would not fit `output`: the caller sizes it to
    ///   what would be worth sending, and sends the message raw otherwise.
    func encode(_ bytes: RawSpan, into output: UnsafeMutableRawBufferPointer) throws(NaruError) -> Int?
}

/// Decompresses the messages of one lane, each by itself. The input comes from a peer and is not trusted.
public protocol MessageDecoder: AnyObject {
    /// Decompresses `bytes` into `output`, whose size is the declared one, already bounded by the caller.
    /// - Throws: ``NaruError/Code/corrupted`` when the bytes do not decode to exactly `output.count` bytes. Writes
    ///   never pass the end of `output`.
    func decode(_ bytes: RawSpan, into output: UnsafeMutableRawBufferPointer) throws(NaruError)
}

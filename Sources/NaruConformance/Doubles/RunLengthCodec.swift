// Naru: messages between programs by the fastest valid mechanism.
// Copyright the Naru authors. Licensed under the Apache License, Version 2.0 (see LICENSE).

public import NaruCore

/// A codec for testing: runs of one byte become a count and the byte. Helps only where bytes repeat.
public struct RunLengthCodec: Codec {
    /// `runs`.
    public let name = "runs"
    /// One level.
    public let levels = 1...1
    /// The one level.
    public let defaultLevel = 1

    /// Makes the codec.
    public init() {}

    /// Makes an encoder.
    public func makeEncoder(level: Int) throws(NaruError) -> any MessageEncoder { RunLengthEncoder() }
    /// Makes a decoder.
    public func makeDecoder() throws(NaruError) -> any MessageDecoder { RunLengthDecoder() }
}

private final class RunLengthEncoder: MessageEncoder {
    func encode(_ bytes: RawSpan, into output: UnsafeMutableRawBufferPointer) throws(NaruError) -> Int? {
        var written = 0
        var index = 0
        while index < bytes.byteCount {
            // In bounds: both indices are below the byte count.
            let byte = unsafe bytes.unsafeLoad(fromByteOffset: index, as: UInt8.self)
            var run = 1
            while run < 255, index + run < bytes.byteCount,
                unsafe bytes.unsafeLoad(fromByteOffset: index + run, as: UInt8.self) == byte
            {
                run += 1
            }
            guard written + 2 <= output.count else { return nil }
            unsafe output[written] = UInt8(run)
            unsafe output[written + 1] = byte
            written += 2
            index += run
        }
        return written
    }
}

private final class RunLengthDecoder: MessageDecoder {
    func decode(_ bytes: RawSpan, into output: UnsafeMutableRawBufferPointer) throws(NaruError) {
        var written = 0
        var index = 0
        while index + 1 < bytes.byteCount {
            // In bounds: index + 1 is below the byte count.
            let run = Int(unsafe bytes.unsafeLoad(fromByteOffset: index, as: UInt8.self))
            let byte = unsafe bytes.unsafeLoad(fromByteOffset: index + 1, as: UInt8.self)
            guard run > 0, written + run <= output.count else { throw corrupted("runs pass the message's end") }
            for offset in written..<written + run { unsafe output[offset] = byte }
            written += run
            index += 2
        }
        guard index == bytes.byteCount, written == output.count else { throw corrupted("runs end early") }
    }

    private func corrupted(_ reason: String) -> NaruError {
        NaruError(.corrupted, operation: "decode", object: "message", reason: reason)
    }
}

// Naru: messages between programs by the fastest valid mechanism.
// Copyright the Naru authors. Licensed under the Apache License, Version 2.0 (see LICENSE).

public import NaruCore

/// A codec with history for testing: a message is what it begins and ends with in common with the one before it, and
/// what lies between. Each carries its number since the history began, so that one too few or one twice is found.
///
///      number (1) | bytes in common at the start (4) | bytes in common at the end (4) | the bytes between
///
/// Integers are least significant first. By itself a message is compressed as ``RunLengthCodec`` does.
public struct RecallCodec: HistoryCodec {
    /// `recall`.
    public let name = "recall"
    /// One level.
    public let levels = 1...1
    /// The one level.
    public let defaultLevel = 1
    /// 16: the codec adds 9.
    public let minimumHistoryMessageBytes = 16

    /// Makes the codec.
    public init() {}

    /// Makes an encoder that keeps no history.
    public func makeEncoder(level: Int) throws(NaruError) -> any MessageEncoder {
        try RunLengthCodec().makeEncoder(level: level)
    }
    /// Makes a decoder that keeps no history.
    public func makeDecoder() throws(NaruError) -> any MessageDecoder { try RunLengthCodec().makeDecoder() }
    /// Makes an encoder.
    public func makeHistoryEncoder(level: Int) throws(NaruError) -> any HistoryEncoder { RecallEncoder() }
    /// Makes a decoder.
    public func makeHistoryDecoder() throws(NaruError) -> any HistoryDecoder { RecallDecoder() }
}

private let headerBytes = 9

/// The history of one end.
private struct Recall {
    var last: [UInt8] = []
    var number: UInt8 = 0

    mutating func startAnew() {
        last = []
        number = 0
    }

    mutating func remember(_ bytes: UnsafeRawBufferPointer) {
        unsafe last = Array(bytes)
        number &+= 1
    }
}

private final class RecallEncoder: HistoryEncoder {
    private var recall = Recall()

    func bound(_ byteCount: Int) -> Int { byteCount + headerBytes }

    func encode(
        _ bytes: RawSpan, startingAnew: Bool, into output: UnsafeMutableRawBufferPointer
    ) throws(NaruError) -> Int {
        if startingAnew { recall.startAnew() }
        return unsafe bytes.withUnsafeBytes { input in
            let last = recall.last
            let most = min(last.count, input.count)
            // In bounds: every index is below the count of the memory it is used on.
            var start = 0
            while start < most, unsafe last[start] == input[start] { start += 1 }
            var end = 0
            while end < most - start, unsafe last[last.count - 1 - end] == input[input.count - 1 - end] { end += 1 }
            unsafe output[0] = recall.number
            unsafe output.storeBytes(of: UInt32(start).littleEndian, toByteOffset: 1, as: UInt32.self)
            unsafe output.storeBytes(of: UInt32(end).littleEndian, toByteOffset: 5, as: UInt32.self)
            let middle = unsafe UnsafeRawBufferPointer(rebasing: input[start..<input.count - end])
            unsafe UnsafeMutableRawBufferPointer(rebasing: output[headerBytes...]).copyMemory(from: middle)
            unsafe recall.remember(input)
            return headerBytes + middle.count
        }
    }
}

private final class RecallDecoder: HistoryDecoder {
    private var recall = Recall()

    func decode(
        _ bytes: RawSpan, startingAnew: Bool, into output: UnsafeMutableRawBufferPointer
    ) throws(NaruError) {
        if startingAnew { recall.startAnew() }
        guard bytes.byteCount >= headerBytes else { throw corrupted("it is shorter than its header") }
        // In bounds: the header is there.
        let number = unsafe bytes.unsafeLoad(fromByteOffset: 0, as: UInt8.self)
        let start = Int(UInt32(littleEndian: unsafe bytes.unsafeLoadUnaligned(fromByteOffset: 1, as: UInt32.self)))
        let end = Int(UInt32(littleEndian: unsafe bytes.unsafeLoadUnaligned(fromByteOffset: 5, as: UInt32.self)))
        let middle = bytes.byteCount - headerBytes
        guard number == recall.number else { throw corrupted("it is number \(number), not \(recall.number)") }
        guard start + end <= recall.last.count, start + middle + end == output.count else {
            throw corrupted("its parts are \(start), \(middle) and \(end) of \(output.count) bytes")
        }
        for index in 0..<start { unsafe output[index] = recall.last[index] }
        for index in 0..<middle {
            unsafe output[start + index] = bytes.unsafeLoad(fromByteOffset: headerBytes + index, as: UInt8.self)
        }
        for index in 0..<end {
            unsafe output[output.count - 1 - index] = recall.last[recall.last.count - 1 - index]
        }
        unsafe recall.remember(UnsafeRawBufferPointer(output))
    }

    private func corrupted(_ reason: String) -> NaruError {
        NaruError(.corrupted, operation: "decode", object: "message", reason: reason)
    }
}

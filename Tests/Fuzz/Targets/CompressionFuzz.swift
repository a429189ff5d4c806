// Naru: messages between programs by the fastest valid mechanism.
// Copyright the Naru authors. Licensed under the Apache License, Version 2.0 (see LICENSE).

import NaruZstd

@testable import NaruCore

/// The input is a byte that says whether there is history, then payloads: flags, a length of two bytes, the bytes.
enum CompressionFuzz {
    /// The most bytes of a message.
    static let maximum = 1 << 16

    static func run(_ bytes: [UInt8]) throws(Finding) {
        try sizes(bytes)
        #if Zstd
            var input = Input(bytes)
            let history = input.byte() & 1 != 0
            guard case .success(let decompressor) = decompressor(history) else {
                preconditionFailure("there is no memory for a decoder")
            }
            var messages: [[UInt8]] = []
            // Whether a message with history may refer to those before it.
            var isWhole = false
            while !input.isEmpty {
                let flags = RecordHeader.Flags(rawValue: input.byte())
                let payload = input.bytes(Int(input.number(2)))
                let result = outcome { () throws(NaruError) in
                    unsafe try decompressor.decompress(payload.span.bytes, flags)
                }
                switch result {
                case .failure(let error):
                    try require(error, isOneOf: .corrupted, .protocolViolation)
                    // A message that does not belong here at all leaves the history as it is.
                    if error.code == .corrupted { isWhole = false }
                case .success(let byteCount):
                    try require((0...maximum).contains(byteCount), "a message of \(byteCount) bytes")
                    try require(!history || flags.contains(.reset) || isWhole, "a message of a history that is broken")
                    isWhole = history
                    messages.append([UInt8](copying: decompressor.bytes(byteCount)))
                }
            }
            try roundTrip(messages, history)
        #endif
    }

    private static func sizes(_ bytes: [UInt8]) throws(Finding) {
        // The memory is the array's, for the length of the call.
        guard let found = unsafe bytes.withUnsafeBytes({ unsafe MessageSize.load($0) }) else { return }
        try require(found.size < 1 << 63, "a size of \(found.size)")
        let size = Int(found.size)
        try require(MessageSize.byteCount(of: size) == found.byteCount, "a size in another form than its own")
        var again = [UInt8](repeating: 0, count: found.byteCount)
        unsafe again.withUnsafeMutableBytes { unsafe MessageSize.store(size, to: $0) }
        try require(again == Array(bytes.prefix(found.byteCount)), "a size becomes another")
    }

    #if Zstd
        private static func decompressor(_ history: Bool) -> Result<Decompressor, NaruError> {
            outcome { () throws(NaruError) in
                try Decompressor(ZstdCodec(), history: history, maximumMessageBytes: maximum)
            }
        }

        /// What was decoded is compressed and decoded again.
        private static func roundTrip(_ messages: [[UInt8]], _ history: Bool) throws(Finding) {
            guard !messages.isEmpty else { return }
            let result = outcome { () throws(NaruError) in
                let decompressor = try decompressor(history).get()
                let compressor = try Compressor(ZstdCodec(), level: nil, history: history, maximumMessageBytes: maximum)
                var again: [[UInt8]] = []
                for message in messages {
                    guard case .compress = unsafe compressor.judge(message.span.bytes),
                        let made = unsafe try compressor.compress(message.span.bytes)
                    else {
                        again.append(message)
                        continue
                    }
                    let byteCount = try compressor.withCompressed(made.byteCount) { bytes throws(NaruError) in
                        try decompressor.decompress(bytes, made.flags)
                    }
                    compressor.accepted()
                    again.append([UInt8](copying: decompressor.bytes(byteCount)))
                }
                return again
            }
            guard case .success(messages) = result else {
                throw Finding(description: "messages become others: \(result)")
            }
        }
    #endif
}

// Naru: messages between programs by the fastest valid mechanism.
// Copyright the Naru authors. Licensed under the Apache License, Version 2.0 (see LICENSE).

@testable import NaruCore

/// The input is read twice: as the bytes of a connection, and as the body of one frame.
enum FramesFuzz {
    private struct Reading {
        var frames: [ControlFrame] = []
        var error: NaruError?
    }

    static func run(_ bytes: [UInt8]) throws(Finding) {
        let memo = HandshakeMemo()
        let whole = read(bytes, pieces: bytes.count, HandshakeMemo())
        for (name, reading) in [
            ("in pieces", read(bytes, pieces: 1 + bytes.count % 7, HandshakeMemo())),
            ("with a new memo", read(bytes, pieces: bytes.count, memo)),
            ("with a memo that knows it", read(bytes, pieces: bytes.count, memo)),
        ] {
            try require(reading.frames == whole.frames, "the frames \(name) are others")
            try require(reading.error?.code == whole.error?.code, "the end \(name) is another")
        }
        if let error = whole.error { try require(error, isOneOf: .protocolViolation) }
        for frame in whole.frames { try roundTrip(frame) }
        switch outcome({ () throws(NaruError) in try ControlFrame(body: bytes[...]) }) {
        case .success(let frame): try roundTrip(frame)
        case .failure(let error): try require(error, isOneOf: .protocolViolation)
        }
        try require(
            memo.count <= 4 * HandshakeMemo.maximumEntries, "a memo of \(memo.count) entries")
    }

    private static func read(_ bytes: [UInt8], pieces: Int, _ memo: HandshakeMemo) -> Reading {
        var reader = ControlFrameReader()
        var reading = Reading()
        var rest = bytes[...]
        while !rest.isEmpty {
            // Read only, and during the call.
            unsafe rest.prefix(pieces).withUnsafeBytes { unsafe reader.append($0) }
            rest = rest.dropFirst(pieces)
            do throws(NaruError) {
                while let frame = try reader.next(memo) { reading.frames.append(frame) }
            } catch {
                reading.error = error
                return reading
            }
        }
        return reading
    }

    /// What was decoded, encoded and decoded again is the same, also with a memo that knows it.
    static func roundTrip(_ frame: ControlFrame, _ memo: HandshakeMemo = HandshakeMemo()) throws(Finding) {
        for _ in 0..<2 {
            switch outcome({ () throws(NaruError) in try frame.encoded(memo) }) {
            case .failure(let error):
                // What a peer leaves out is written, so a frame may grow beyond the limit.
                try require(error, isOneOf: .invalidArgument)
            case .success(let encoded):
                let again = outcome { () throws(NaruError) in try ControlFrame(body: encoded.dropFirst(4), memo) }
                guard case .success(frame) = again else {
                    throw Finding(description: "\(frame) encodes to \(again)")
                }
            }
        }
    }
}

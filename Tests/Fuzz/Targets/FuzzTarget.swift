// Naru: messages between programs by the fastest valid mechanism.
// Copyright the Naru authors. Licensed under the Apache License, Version 2.0 (see LICENSE).

import NaruCore

/// The decoders that are fuzzed: all that read what a peer, a file or the environment can write.
///
/// A target takes any bytes, makes them the input of one decoder and checks what must hold whatever they are. It is
/// the same in the fuzzing program and in the test that replays the corpus.
public enum FuzzTarget: String, CaseIterable, Sendable {
    /// An address, a compression and an environment variable, as texts.
    case address
    /// A configuration file and environment variables.
    case configuration
    /// Frames of a control connection, HELLO and proposals in JSON among them.
    case frames
    /// Two handshake machines and what happens to the messages between them.
    case handshake
    /// What plugins say while a link opens: announcements of rings, proofs, offers.
    case opening
    /// The reader of a ring of any contents, with a larger ring behind it.
    case ring
    /// The writer of a ring, whose reader may be hostile.
    case writer
    /// Record headers, fragments and how they are put together.
    case fragments
    /// A byte stream of any contents, in any pieces.
    case stream
    /// Messages of a queue, and the sidecars of named objects.
    case queue
    /// Names, sidecars and locks that lie in folders.
    case names
    /// Compressed payloads, each by itself or with history.
    case compression

    /// Feeds the target.
    /// - Throws: ``Finding`` when something does not hold that must.
    public func run(_ bytes: [UInt8]) throws(Finding) {
        switch self {
        case .address: try AddressFuzz.run(bytes)
        case .configuration: try ConfigurationFuzz.run(bytes)
        case .frames: try FramesFuzz.run(bytes)
        case .handshake: try HandshakeFuzz.run(bytes)
        case .opening: try OpeningFuzz.run(bytes)
        case .ring: try RingFuzz.run(bytes)
        case .writer: try WriterFuzz.run(bytes)
        case .fragments: try FragmentsFuzz.run(bytes)
        case .stream: try StreamFuzz.run(bytes)
        case .queue: try QueueFuzz.run(bytes)
        case .names: try NamesFuzz.run(bytes)
        case .compression: try CompressionFuzz.run(bytes)
        }
    }
}

/// A property that an input broke.
public struct Finding: Error, CustomStringConvertible {
    /// What did not hold.
    public let description: String
}

/// Breaks off with a finding unless `condition` holds.
func require(_ condition: Bool, _ property: @autoclosure () -> String) throws(Finding) {
    guard condition else { throw Finding(description: property()) }
}

/// Requires that an error is one of those that input may cause, and says why.
func require(_ error: NaruError, isOneOf codes: NaruError.Code...) throws(Finding) {
    try require(codes.contains(error.code), "an error of another kind: \(error.code), \(error)")
    try require(!error.reason.isEmpty, "an error without a reason: \(error.code)")
}

/// What came of a call.
func outcome<Value>(_ body: () throws(NaruError) -> Value) -> Result<Value, NaruError> {
    do throws(NaruError) {
        return .success(try body())
    } catch {
        return .failure(error)
    }
}

/// Reads an input from its begin; behind its end everything is zero.
struct Input {
    private var rest: ArraySlice<UInt8>

    init(_ bytes: [UInt8]) { rest = bytes[...] }

    var isEmpty: Bool { rest.isEmpty }

    mutating func byte() -> UInt8 { rest.popFirst() ?? 0 }

    /// A number of so many bytes, least significant first.
    mutating func number(_ byteCount: Int) -> UInt64 {
        (0..<byteCount).reduce(0) { $0 | UInt64(byte()) << (8 * UInt64($1)) }
    }

    /// So many bytes, or as many as are left.
    mutating func bytes(_ count: Int) -> [UInt8] {
        defer { rest = rest.dropFirst(count) }
        return Array(rest.prefix(count))
    }

    mutating func remaining() -> [UInt8] { bytes(rest.count) }
}

/// A number's bytes, least significant first: what ``Input/number(_:)`` reads.
func littleEndian(_ value: UInt64, _ byteCount: Int) -> [UInt8] {
    (0..<byteCount).map { UInt8(truncatingIfNeeded: value >> (8 * UInt64($0))) }
}

// Naru: messages between programs by the fastest valid mechanism.
// Copyright the Naru authors. Licensed under the Apache License, Version 2.0 (see LICENSE).

internal import NaruCore
internal import NaruSystem

/// What the two ends say to each other to prove that they hold the two ends of one pair of sockets.
///
/// Each end that has something to prove writes one record into the lane: an id, which it also says on the control
/// connection, and a secret, which it does not. Who answers with the secret has read the lane.
///
///      dialer  → listener   control   version, id, and the other end of the pair
///      dialer  → listener   lane      record (id, secret)
///      listener → dialer    control   version, that secret, own id
///      listener → dialer    lane      record (own id, own secret), where the listener sends
///
/// A listener's own secret is not asked back: the dialer has made the pair and knows what it holds; the record shows
/// that the way back works.
struct UnixSocketProof: Hashable {
    static let version: UInt8 = 1
    static let wordBytes = 16
    /// The record: header word, id, secret. A multiple of eight, as `StreamFormat` wants it.
    static let recordBytes = RecordHeader.byteCount + 2 * wordBytes

    let id: [UInt8]
    let secret: [UInt8]

    /// A new proof.
    init() {
        id = SystemRandom.bytes(Self.wordBytes)
        secret = SystemRandom.bytes(Self.wordBytes)
    }

    /// A proof read from a lane; `nil` when the bytes are none.
    init?(record: [UInt8]) {
        guard record.count == Self.recordBytes, Array(record[..<RecordHeader.byteCount]) == Self.header else {
            return nil
        }
        id = Array(record[RecordHeader.byteCount...].prefix(Self.wordBytes))
        secret = Array(record.suffix(Self.wordBytes))
    }

    /// The record for the lane.
    var record: [UInt8] { Self.header + id + secret }

    private static var header: [UInt8] {
        let word = RecordHeader(kind: .data).word(byteCount: 2 * wordBytes)
        return (0..<8).map { UInt8(truncatingIfNeeded: word >> (8 * $0)) }
    }
}

/// Reads a proof's record from a lane, exactly, in as many steps as it takes.
struct UnixSocketProofReader {
    private var record: [UInt8] = []

    /// Reads on; `nil` while bytes are missing.
    /// - Throws: `peerVanished` at the end of the stream, `protocolViolation` when it is no proof or has another id.
    mutating func read(_ stream: Descriptor, id: [UInt8]) throws(NaruError) -> UnixSocketProof? {
        while record.count < UnixSocketProof.recordBytes {
            let missing = UnixSocketProof.recordBytes - record.count
            guard let bytes = try naming({ () throws(SystemError) in try stream.receive(upTo: missing) }) else {
                throw .opening(.peerVanished, "the peer closed the socket before its proof")
            }
            if bytes.isEmpty { return nil }
            record += bytes
        }
        guard let proof = UnixSocketProof(record: record), proof.id == id else {
            throw .opening(.protocolViolation, "the socket's first record is not the peer's proof")
        }
        return proof
    }
}

/// Runs a system call of an opening.
func naming<Value>(_ call: () throws(SystemError) -> Value) throws(NaruError) -> Value {
    do { return try call() } catch { throw NaruError(error, operation: "open", object: "unix-socket") }
}

extension NaruError {
    /// An opening that the peer spoilt.
    static func opening(_ code: Code, _ reason: String) -> NaruError {
        NaruError(code, operation: "open", object: "unix-socket", reason: reason)
    }
}

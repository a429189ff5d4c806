// Naru: messages between programs by the fastest valid mechanism.
// Copyright the Naru authors. Licensed under the Apache License, Version 2.0 (see LICENSE).

internal import NaruCore
internal import NaruSystem

/// What the two ends say to each other to prove that they hold the two ends of one connection. All numbers are random,
/// 16 bytes.
///
///      listener → dialer    control   version, token, the port to connect to where it is not the one they met at
///      dialer  → listener   lane      preamble with the token
///      dialer  → listener   lane      first record (nonce)
///      listener → dialer    control   version, that nonce, its own nonce
///      listener → dialer    lane      first record (own nonce), where the listener sends
///
/// The token leads the connection to the opening that it is for; who answers with the nonce has read the lane.
struct TCPProof {
    static let version: UInt8 = 1
    static let wordBytes = 16
    /// The record: header word, nonce. A multiple of eight, as `StreamFormat` wants it.
    static let recordBytes = RecordHeader.byteCount + wordBytes

    let nonce: [UInt8]

    /// A new proof.
    init() {
        nonce = SystemRandom.bytes(Self.wordBytes)
    }

    /// A proof read from a lane; `nil` when the bytes are none.
    init?(record: [UInt8]) {
        guard record.count == Self.recordBytes, Array(record[..<RecordHeader.byteCount]) == Self.header else {
            return nil
        }
        nonce = Array(record.suffix(Self.wordBytes))
    }

    /// The record for the lane.
    var record: [UInt8] { Self.header + nonce }

    private static var header: [UInt8] {
        let word = RecordHeader(kind: .data).word(byteCount: wordBytes)
        return (0..<8).map { UInt8(truncatingIfNeeded: word >> (8 * $0)) }
    }
}

/// Reads a proof's record from a lane, exactly, in as many steps as it takes.
struct TCPProofReader {
    private var record: [UInt8] = []

    /// Reads on; `nil` while bytes are missing.
    /// - Throws: `peerVanished` at the end of the stream, `protocolViolation` when it is no proof.
    mutating func read(_ stream: Descriptor) throws(NaruError) -> TCPProof? {
        while record.count < TCPProof.recordBytes {
            let missing = TCPProof.recordBytes - record.count
            guard let bytes = try naming({ () throws(SystemError) in try stream.receive(upTo: missing) }) else {
                throw .opening(.peerVanished, "the peer closed the connection before its proof")
            }
            if bytes.isEmpty { return nil }
            record += bytes
        }
        guard let proof = TCPProof(record: record) else {
            throw .opening(.protocolViolation, "the connection's first record is no proof")
        }
        return proof
    }
}

/// Where a lane's connection goes, as the listener says.
enum TCPOffer {
    /// To the port at which the two ends met.
    static let atMeeting: [UInt8] = [0]

    /// To a loopback address.
    static func at(_ address: InetAddress) -> [UInt8] {
        [UInt8(address.version), UInt8(truncatingIfNeeded: address.port >> 8), UInt8(truncatingIfNeeded: address.port)]
    }

    /// Reads it; the peer may only name loopback, so that it cannot have this end connect anywhere else.
    static func address(_ bytes: [UInt8], metAt meeting: InetAddress?) -> InetAddress? {
        if bytes == atMeeting { return meeting }
        guard bytes.count == 3, meeting == nil else { return nil }
        let port = UInt16(bytes[1]) << 8 | UInt16(bytes[2])
        switch bytes[0] {
        case 4: return InetAddress("127.0.0.1", port: port)
        case 6: return InetAddress("::1", port: port)
        default: return nil
        }
    }
}

/// Runs a system call of an opening.
func naming<Value>(_ call: () throws(SystemError) -> Value) throws(NaruError) -> Value {
    do { return try call() } catch { throw NaruError(error, operation: "open", object: "tcp") }
}

extension NaruError {
    /// An opening that the peer spoilt.
    static func opening(_ code: Code, _ reason: String) -> NaruError {
        NaruError(code, operation: "open", object: "tcp", reason: reason)
    }
}

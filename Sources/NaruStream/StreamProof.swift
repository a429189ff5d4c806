// Naru: messages between programs by the fastest valid mechanism.
// Copyright the Naru authors. Licensed under the Apache License, Version 2.0 (see LICENSE).

public import NaruCore
public import NaruSystem

/// What the two ends of a stream say to each other to prove that they hold the two ends of one thing.
///
/// Each end that has something to prove writes one record into the lane: an id, which it also says on the control
/// connection, and a secret, which it does not. Who answers with the secret has read the lane.
///
///      dialer  → listener   control   id
///      dialer  → listener   lane      record (id, secret)
///      listener → dialer    control   that secret, own id
///      listener → dialer    lane      record (own id, own secret), where the listener sends
///
/// Whoever made the thing knows what it holds: its peer's record, which it reads, shows that the way back works.
public struct StreamProof: Hashable, Sendable {
    /// The bytes of an id, and of a secret.
    public static let wordBytes = 16
    /// The record: header word, id, secret. A multiple of eight, as ``StreamFormat`` wants it.
    public static let recordBytes = RecordHeader.byteCount + 2 * wordBytes

    /// What is said on the control connection as well.
    public let id: [UInt8]
    /// What only a reader of the lane knows.
    public let secret: [UInt8]

    /// A new proof.
    public init() {
        id = SystemRandom.bytes(Self.wordBytes)
        secret = SystemRandom.bytes(Self.wordBytes)
    }

    /// A proof read from a lane; `nil` when the bytes are none.
    public init?(record: [UInt8]) {
        guard record.count == Self.recordBytes, Array(record[..<RecordHeader.byteCount]) == Self.header else {
            return nil
        }
        id = Array(record[RecordHeader.byteCount...].prefix(Self.wordBytes))
        secret = Array(record.suffix(Self.wordBytes))
    }

    /// The record for the lane.
    public var record: [UInt8] { Self.header + id + secret }

    private static var header: [UInt8] {
        let word = RecordHeader(kind: .data).word(byteCount: 2 * wordBytes)
        return (0..<8).map { UInt8(truncatingIfNeeded: word >> (8 * $0)) }
    }

    /// Writes the record into a new stream, whose buffer is empty and takes it whole. Does not block.
    /// - Throws: ``NaruCore/NaruError/Code/peerVanished`` when nobody holds the other end,
    ///   ``NaruCore/NaruError/Code/protocolViolation`` when the buffer is not empty, what the kernel refused.
    public func write(to stream: Descriptor, _ kind: StreamKind, transport: TransportName) throws(NaruError) {
        let written: IOResult
        do throws(SystemError) {
            // The kernel only reads the array, during the call.
            written = unsafe try record.span.bytes.withUnsafeBytes { (buffer) throws(SystemError) in
                unsafe try StreamEnd.write(stream, kind, buffer, UnsafeRawBufferPointer(start: nil, count: 0))
            }
        } catch {
            if StreamFailure.isHangUp(error) {
                throw .opening(transport, .peerVanished, "the peer closed its end before this one's proof")
            }
            throw NaruError(error, operation: "open", object: transport.rawValue)
        }
        guard written == .bytes(Self.recordBytes) else {
            throw .opening(transport, .protocolViolation, "what should be empty takes no \(Self.recordBytes) B")
        }
    }
}

/// Reads a proof's record from a lane, exactly, in as many steps as it takes.
public struct StreamProofReader: Sendable {
    private let kind: StreamKind
    private let transport: TransportName
    private var record: [UInt8] = []

    /// A reader of a stream of this kind.
    public init(_ kind: StreamKind, transport: TransportName) {
        self.kind = kind
        self.transport = transport
    }

    /// Reads on; `nil` while bytes are missing. Does not block.
    /// - Throws: ``NaruCore/NaruError/Code/peerVanished`` at the end of the stream,
    ///   ``NaruCore/NaruError/Code/protocolViolation`` when it is no proof or has another id, what the kernel refused.
    public mutating func read(_ stream: Descriptor, id: [UInt8]) throws(NaruError) -> StreamProof? {
        while record.count < StreamProof.recordBytes {
            var bytes = [UInt8](repeating: 0, count: StreamProof.recordBytes - record.count)
            let result: IOResult
            do throws(SystemError) {
                // The kernel only writes into the array, during the call.
                var span = bytes.mutableSpan
                var room = unsafe span.mutableBytes
                result = unsafe try room.withUnsafeMutableBytes { (buffer) throws(SystemError) in
                    unsafe try StreamEnd.read(stream, kind, into: buffer)
                }
            } catch {
                throw NaruError(error, operation: "open", object: transport.rawValue)
            }
            switch result {
            case .bytes(let count): record += bytes[..<count]
            case .wouldBlock: return nil
            case .endOfFile:
                throw .opening(transport, .peerVanished, "the peer closed the stream before its proof")
            }
        }
        guard let proof = StreamProof(record: record), proof.id == id else {
            throw .opening(transport, .protocolViolation, "the stream's first record is not the peer's proof")
        }
        return proof
    }
}

extension NaruError {
    /// An opening that the peer spoilt.
    static func opening(_ transport: TransportName, _ code: Code, _ reason: String) -> NaruError {
        NaruError(code, operation: "open", object: transport.rawValue, reason: reason)
    }
}

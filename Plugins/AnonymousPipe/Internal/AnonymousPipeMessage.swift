// Naru: messages between programs by the fastest valid mechanism.
// Copyright the Naru authors. Licensed under the Apache License, Version 2.0 (see LICENSE).

internal import NaruCore
internal import NaruStream
internal import NaruSystem

/// What the two openings say to each other on the control connection.
///
///      dialer → listener    ends      version, id, and the far ends: of the pipe that it writes to, its proof in it,
///                                     and of the one that it reads from
///      listener → dialer    answer    version, the secret of that proof, own id; its own proof is written
enum AnonymousPipeMessage {
    private static let version: UInt8 = 1

    static func ends(id: [UInt8], _ ends: [Descriptor]) -> OpeningMessage {
        OpeningMessage(bytes: [version] + id, descriptors: ends)
    }

    /// The dialer's id, from a message with exactly the ends wanted.
    static func parseEnds(_ message: OpeningMessage, _ wanted: [DescriptorAccess]) throws(NaruError) -> [UInt8] {
        guard message.bytes.count == 1 + StreamProof.wordBytes, message.bytes.first == version else {
            throw violation("something that is no message of this opening")
        }
        guard message.descriptors.count == wanted.count else {
            throw violation("\(message.descriptors.count) descriptors, not \(wanted.count)")
        }
        for (end, access) in zip(message.descriptors, wanted) {
            guard (try? end.status().kind) == .fifo, (try? end.access()) == [access, .nonBlocking] else {
                throw violation("a descriptor that is not the end of a pipe that was agreed, non-blocking")
            }
        }
        return Array(message.bytes.dropFirst())
    }

    static func answer(secret: [UInt8], id: [UInt8]) -> OpeningMessage {
        OpeningMessage(bytes: [version] + secret + id)
    }

    static func parseAnswer(_ message: OpeningMessage) throws(NaruError) -> (secret: [UInt8], id: [UInt8]) {
        let word = StreamProof.wordBytes
        guard message.bytes.count == 1 + 2 * word, message.bytes.first == version, message.descriptors.isEmpty else {
            throw violation("something that is no answer")
        }
        return (Array(message.bytes[1...word]), Array(message.bytes.suffix(word)))
    }

    static func violation(_ what: String) -> NaruError {
        NaruError(
            .protocolViolation, operation: "open", object: TransportName.pipe.rawValue, reason: "the peer said \(what)")
    }
}

// Naru: messages between programs by the fastest valid mechanism.
// Copyright the Naru authors. Licensed under the Apache License, Version 2.0 (see LICENSE).

internal import FoundationEssentials

/// One frame of a control connection: a length of four bytes, least significant first, then that many bytes.
///
/// A body that begins with `{` is a ``ControlMessage`` in JSON. The others begin with a byte that names them and the
/// link's id, 16 bytes:
///
///      opening   2 | link (16) | descriptor count (1) | bytes of the plugin's
///      bell      3 | link (16)
///      taken     4 | link (16) | message count (8)
///      closing   5 | link (16) | 0: without finishing, 1: finished
///      propose  16 | link (16) | the proposal in JSON; the link named there counts for nothing
///      ready    17 | link (16)
///      invite   18 | nonce (16) | the name of a door, or nothing      the listener's first, over a network
///      visit    19 | nonce (16)                                       the dialer's first, at the door
enum ControlFrame: Sendable, Equatable {
    case message(ControlMessage)
    case opening(LinkID, [UInt8], descriptorCount: Int)
    case bell(LinkID)
    case taken(LinkID, UInt64)
    case closing(LinkID, finished: Bool)
    case invite(LocalWay.Invitation)
    case visit(LinkID)

    /// The largest body, bytes.
    static let maximumByteCount = 65_536
    /// The most descriptors an opening message may carry.
    static let maximumDescriptors = 8
    /// The most bytes an opening message may carry.
    static let maximumOpeningBytes = 16_384

    private enum Tag: UInt8 {
        case opening = 2, bell, taken, closing
        case propose = 16, ready, invite, visit
    }

    /// The frame's bytes, length first.
    /// - Parameter memo: What was said before, so that it is not encoded again.
    func encoded(_ memo: HandshakeMemo = HandshakeMemo()) throws(NaruError) -> [UInt8] {
        var body: [UInt8] = []
        switch self {
        case .message(.hello(let hello)):
            body = try memo.body(hello)
        case .message(.propose(let proposal)):
            body = [Tag.propose.rawValue] + proposal.agreement.link.bytes + (try memo.json(proposal))
        case .message(.ready(let link)):
            body = [Tag.ready.rawValue] + link.bytes
        case .message(let message):
            body = try HandshakeMemo.encoded(message)
        case .opening(let link, let bytes, let descriptorCount):
            body = [Tag.opening.rawValue] + link.bytes + [UInt8(descriptorCount)] + bytes
        case .bell(let link):
            body = [Tag.bell.rawValue] + link.bytes
        case .taken(let link, let count):
            body = [Tag.taken.rawValue] + link.bytes + littleEndianBytes(count)
        case .closing(let link, let finished):
            body = [Tag.closing.rawValue] + link.bytes + [finished ? 1 : 0]
        case .invite(let invitation):
            body = [Tag.invite.rawValue] + invitation.nonce.bytes + Array(invitation.door.utf8)
        case .visit(let nonce):
            body = [Tag.visit.rawValue] + nonce.bytes
        }
        guard body.count <= Self.maximumByteCount else {
            throw NaruError(
                .invalidArgument, operation: "encode", object: "control message",
                reason: "\(body.count) bytes exceed the limit of \(Self.maximumByteCount)")
        }
        return littleEndianBytes(UInt32(body.count)) + body
    }

    /// Reads one body. Everything in it comes from a peer.
    /// - Parameter memo: What was heard before, so that it is not decoded again.
    init(body: ArraySlice<UInt8>, _ memo: HandshakeMemo = HandshakeMemo()) throws(NaruError) {
        func violation(_ reason: String) -> NaruError {
            NaruError(.protocolViolation, operation: "read", object: "control message", reason: reason)
        }
        guard let first = body.first else { throw violation("an empty message") }
        if first == UInt8(ascii: "{") {
            if let known = memo.hello(body) {
                self = .message(.hello(known))
                return
            }
            do {
                self = .message(try JSONDecoder().decode(ControlMessage.self, from: Data(body)))
            } catch {
                throw violation("a message that does not decode: \(Self.brief(error))")
            }
            if case .message(.hello(let hello)) = self { memo.learn(hello, body) }
            return
        }
        guard let tag = Tag(rawValue: first) else { throw violation("a message of unknown type \(first)") }
        let rest = body.dropFirst()
        guard let link = LinkID(bytes: rest.prefix(16)) else { throw violation("a message without a link's id") }
        let payload = rest.dropFirst(16)
        switch tag {
        case .propose:
            do {
                self = .message(.propose(try memo.proposal(payload, link)))
            } catch {
                throw violation("a proposal that does not decode: \(Self.brief(error))")
            }
        case .ready:
            guard payload.isEmpty else { throw violation("a garbled `ready`") }
            self = .message(.ready(link))
        case .opening:
            guard let count = payload.first, Int(count) <= Self.maximumDescriptors else {
                throw violation("an opening message with more than \(Self.maximumDescriptors) descriptors")
            }
            guard payload.count - 1 <= Self.maximumOpeningBytes else {
                throw violation("an opening message of \(payload.count - 1) bytes")
            }
            self = .opening(link, Array(payload.dropFirst()), descriptorCount: Int(count))
        case .bell:
            self = .bell(link)
        case .taken:
            guard payload.count == 8 else { throw violation("an acknowledgement of \(payload.count) bytes") }
            self = .taken(link, payload.reversed().reduce(0) { $0 << 8 | UInt64($1) })
        case .closing:
            guard payload.count == 1, let how = payload.first, how < 2 else { throw violation("a garbled closing") }
            self = .closing(link, finished: how == 1)
        case .invite:
            guard payload.count <= LocalWay.Invitation.maximumDoorBytes, payload.allSatisfy({ (33...126).contains($0) })
            else { throw violation("a garbled invitation") }
            self = .invite(LocalWay.Invitation(nonce: link, door: String(decoding: payload, as: UTF8.self)))
        case .visit:
            guard payload.isEmpty else { throw violation("a garbled visit") }
            self = .visit(link)
        }
    }

    /// A decoding error in a few words, for a log line.
    private static func brief(_ error: any Error) -> String {
        switch error {
        case DecodingError.keyNotFound(let key, _): "`\(key.stringValue)` is missing"
        case DecodingError.typeMismatch(_, let context), DecodingError.valueNotFound(_, let context):
            "`\(context.codingPath.map(\.stringValue).joined(separator: "."))` has the wrong type"
        default: "not the JSON expected"
        }
    }
}

private func littleEndianBytes<Value: FixedWidthInteger>(_ value: Value) -> [UInt8] {
    (0..<Value.bitWidth / 8).map { UInt8(truncatingIfNeeded: value >> (Value(truncatingIfNeeded: $0) * 8)) }
}

extension LinkID {
    /// The id's 16 bytes, most significant first.
    public var bytes: [UInt8] {
        (0..<8).map { UInt8(truncatingIfNeeded: high >> (56 - 8 * UInt64($0))) }
            + (0..<8).map { UInt8(truncatingIfNeeded: low >> (56 - 8 * UInt64($0))) }
    }

    /// An id from exactly 16 bytes.
    public init?(bytes: some Collection<UInt8>) {
        guard bytes.count == 16 else { return nil }
        self.init(
            high: bytes.prefix(8).reduce(0) { $0 << 8 | UInt64($1) },
            low: bytes.dropFirst(8).reduce(0) { $0 << 8 | UInt64($1) })
    }
}

/// Cuts a stream of bytes into frames. A pure value; memory is bounded by one frame and one read.
struct ControlFrameReader: Sendable {
    private var buffer: [UInt8] = []
    private var start = 0

    /// Whether every byte that came belongs to a frame that was given.
    var isEmpty: Bool { start == buffer.count }

    /// Adds bytes that came.
    mutating func append(_ bytes: UnsafeRawBufferPointer) {
        if start > 0 {
            buffer.removeFirst(start)
            start = 0
        }
        unsafe buffer.append(contentsOf: bytes)
    }

    /// The next whole frame, or `nil` until more bytes come.
    mutating func next(_ memo: HandshakeMemo = HandshakeMemo()) throws(NaruError) -> ControlFrame? {
        let rest = buffer[start...]
        guard rest.count >= 4 else { return nil }
        let length = rest.prefix(4).reversed().reduce(0) { $0 << 8 | Int($1) }
        guard length <= ControlFrame.maximumByteCount else {
            throw NaruError(
                .protocolViolation, operation: "read", object: "control message",
                reason: "a length of \(length) bytes, above the limit of \(ControlFrame.maximumByteCount)")
        }
        guard rest.count >= 4 + length else { return nil }
        start += 4 + length
        let frame = try ControlFrame(body: rest.dropFirst(4).prefix(length), memo)
        // Links are idle most of their lives: a buffer that held HELLO is not kept for the few bytes of a bell.
        if start == buffer.count { (buffer, start) = ([], 0) }
        return frame
    }
}

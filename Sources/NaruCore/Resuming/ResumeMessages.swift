// Naru: messages between programs by the fastest valid mechanism.
// Copyright the Naru authors. Licensed under the Apache License, Version 2.0 (see LICENSE).

/// What two ends that resume say to each other on each duplex link, beside the messages.
///
///      sender → receiver    first      1 | stream (16) | known to be taken (8) | resumeBytes (8)
///      receiver → sender    first      1 | 0: a stream it does not know, 1: the stream it had | taken through (8)
///      sender → receiver    then       the messages from the next one on, as they are
///      receiver → sender    then       taken through (8), now and then
///
/// Numbers are least significant byte first; a stream's id is random. Messages count from 1 over all links of a stream.
struct ResumeGreeting: Hashable {
    var stream: LinkID
    var taken: UInt64
    var resumeBytes: UInt64

    static let version: UInt8 = 1

    var bytes: [UInt8] { [Self.version] + stream.bytes + littleEndian(taken) + littleEndian(resumeBytes) }

    init(stream: LinkID, taken: UInt64, resumeBytes: UInt64) {
        self.stream = stream
        self.taken = taken
        self.resumeBytes = resumeBytes
    }

    /// From a peer; `nil` when it is none.
    init?(_ bytes: [UInt8]) {
        guard bytes.count == 33, bytes[0] == Self.version, let stream = LinkID(bytes: bytes[1..<17]),
            let taken = number(bytes[17..<25]), let resumeBytes = number(bytes[25...])
        else { return nil }
        self.init(stream: stream, taken: taken, resumeBytes: resumeBytes)
    }
}

/// A receiver's answer to the greeting.
struct ResumeAnswer: Hashable {
    var isKnown: Bool
    var taken: UInt64

    var bytes: [UInt8] { [ResumeGreeting.version, isKnown ? 1 : 0] + littleEndian(taken) }

    init(isKnown: Bool, taken: UInt64) {
        self.isKnown = isKnown
        self.taken = taken
    }

    /// From a peer; `nil` when it is none.
    init?(_ bytes: [UInt8]) {
        guard bytes.count == 10, bytes[0] == ResumeGreeting.version, bytes[1] < 2, let taken = number(bytes[2...])
        else { return nil }
        self.init(isKnown: bytes[1] == 1, taken: taken)
    }
}

/// A receiver's word on how far it has taken the stream.
enum ResumeAcknowledgement {
    static func bytes(_ taken: UInt64) -> [UInt8] { littleEndian(taken) }

    /// From a peer; `nil` when it is none.
    static func taken(_ bytes: RawSpan) -> UInt64? { number([UInt8](copying: bytes)[...]) }
}

private func littleEndian(_ value: UInt64) -> [UInt8] {
    (0..<8).map { UInt8(truncatingIfNeeded: value >> (8 * UInt64($0))) }
}

private func number(_ bytes: ArraySlice<UInt8>) -> UInt64? {
    bytes.count == 8 ? bytes.reversed().reduce(0) { $0 << 8 | UInt64($1) } : nil
}

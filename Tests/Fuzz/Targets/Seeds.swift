// Naru: messages between programs by the fastest valid mechanism.
// Copyright the Naru authors. Licensed under the Apache License, Version 2.0 (see LICENSE).

import NaruSystem
import NaruZstd

@testable import NaruCore
@testable import NaruRing
@testable import NaruSharedMemory
@testable import NaruStream
@testable import NaruTCP

/// Inputs that fuzzing starts from: real encodings, as the library makes them. `NaruFuzz seeds` writes them into the
/// corpus, which also keeps every input that once broke something.
extension FuzzTarget {
    /// Each seed and its name.
    public var seeds: [(name: String, bytes: [UInt8])] {
        switch self {
        case .address: Self.named(Self.addresses.map { Array($0.utf8) })
        case .configuration: Self.named(Self.configurations)
        case .frames: Self.named(Self.framesSeeds)
        case .handshake: Self.named(Self.talks)
        case .opening: Self.named(Self.openings)
        case .ring: Self.named(Self.rings)
        case .writer: Self.named(Self.writers)
        case .fragments: Self.named(Self.fragmentsSeeds)
        case .stream: Self.named(Self.streams)
        case .names: Self.named(Self.folderTexts.map { Array($0.utf8) })
        case .queue: Self.named(Self.queues)
        case .compression: Self.named(Self.payloads)
        case .network: Self.named(Self.meetings)
        }
    }

    private static func named(_ seeds: [[UInt8]]) -> [(name: String, bytes: [UInt8])] {
        seeds.enumerated().map { ("seed-\($0.offset)", $0.element) }
    }

    /// Queues of records, with one at the end that is none, and sidecars.
    private static var queues: [[UInt8]] {
        func message(_ header: RecordHeader, _ bytes: [UInt8], length: Int? = nil) -> [UInt8] {
            let word = littleEndian(header.word(byteCount: length ?? bytes.count), 8)
            return littleEndian(UInt64(word.count + bytes.count), 2) + word + bytes
        }
        let plain = message(RecordHeader(), Array("hello".utf8)) + message(RecordHeader(), [])
        let others =
            message(RecordHeader(kind: .fragment, flags: .compressed), [UInt8](repeating: 7, count: 40))
            + message(RecordHeader(kind: .finish), littleEndian(3, 8))
        let original = littleEndian(RecordHeader().word(byteCount: 70_000), 8)
        let reference = message(RecordHeader(kind: .outOfLine), original + littleEndian(9, 8))
        let sidecar = """
            {"boot":"boot","created":1,"id":{"high":1,"low":2},"isMade":true,"isTransient":false,"kind":"posix-queue",\
            "name":"naru-0-jobs","namespace":"ipc:[1]","object":"/naru-0-jobs",\
            "terms":{"depth":"10","messageBytes":"8192","payloads":"/dev/shm/naru-0-jobs-1"},"version":1}
            """
        return [
            plain, plain + others, others + reference, plain + message(RecordHeader(), [1], length: 2),
            [3, 0, 1, 2, 3],
            Array(sidecar.utf8), Array(sidecar.utf8.reversed()),
        ]
    }

    private static let addresses = [
        "frames", "local:frames", "tcp://host:80", "zstd:3:per-message", "auto", "NARU_LINKS_MY_LINK_MESSAGE_BYTES",
        "NARU_LINKS_X_MAXIMUM_MESSAGE_BYTES",
    ]

    private static let folderTexts = [
        "naru-0-fifo-0123abcd-4711-815-0123456789abcdef", "naru-1000-a-longer-word-89abcdef-1-0-0000000000000000",
        "1: FLOCK  ADVISORY  WRITE 1234 fe:00:16220257 0 EOF\n2: -> POSIX  ADVISORY  WRITE 1 00:01:2 0 EOF",
        #"{"boot":"b","created":1,"id":{"high":1,"low":2},"isMade":true,"isTransient":false,"#
            + #""kind":"semaphore","name":"naru-0-gate","namespace":"ipc:[1]","object":"key 7","#
            + #""terms":{"count":"3","use":"permits"},"version":1}"#,
    ]

    private static var meetings: [[UInt8]] {
        let word = [UInt8](0..<16)
        let stream = LinkID(high: 1, low: 2)
        return [
            Preamble.control.bytes, Preamble.lane(token: word).bytes, TCPOffer.atMeeting, [4, 0x23, 0x28],
            ResumeGreeting(stream: stream, taken: 3, resumeBytes: 1 << 20).bytes,
            ResumeAnswer(isKnown: true, taken: 7).bytes,
            // Three messages, two given, one taken, a restart behind the second.
            [0, 5, 0, 6, 0, 7, 1, 1, 4, 1, 3, 2, 0, 0, 0, 0, 0, 0, 0],
        ]
    }

    private static var configurations: [[UInt8]] {
        let file = """
            {"links": {"frames": {"address": "local:frames", "direction": "simplex", "transports": ["auto"], "deny": [],
            "require": ["zero-copy"], "prefer": ["pollable"], "optimize": "latency", "wait": "balanced",
            "messageBytes": 4096, "maximumMessageBytes": 67108864, "overflow": "block", "compression": "zstd:3",
            "allowedUsers": []}}}
            """
        let variables = [
            "NARU_LINKS_FRAMES_TRANSPORTS=unix-socket, tcp", "NARU_LINKS_FRAMES_MESSAGE_BYTES=64",
            "NARU_LINKS_A_COMPRESSION=zstd:per-message", "NARU_LINKS_X_MAXIMUM_MESSAGE_BYTES=1",
            "NARU_LINK_A_WAIT=power",
        ]
        let unknown = #"{"linkz": null, "links": {"a": {"wiat": 1.5, "wait": "power", "deny": ["x", "tcp"]}}}"#
        return [
            Array(file.utf8), Array(unknown.utf8), Array(([file] + variables).joined(separator: "\0").utf8),
            Array((["{}"] + variables).joined(separator: "\0").utf8),
            Array(#"{"links": {"frames": {"messageBytes": -1, "maximumMessageBytes": 0}}}"#.utf8),
        ]
    }

    /// Every kind of frame, encoded.
    private static var framesSeeds: [[UInt8]] {
        let link = LinkID(high: 1, low: 2)
        let hello = HandshakeFuzz.end(.dialer, 0b1110_0000).hello
        let terms = LaneTerms(transport: .sharedMemory, codec: "zstd", level: 3, history: true)
        let agreement = Agreement(
            link: link, forward: [terms], backward: [], requirements: Requirements(), relation: .assumed(.sameHost))
        let quote = Selector.quote(Requirements(), local: hello.records, remote: hello.records, costs: .shipped)
        let all: [ControlFrame] = [
            .message(.hello(hello)), .message(.propose(Proposal(agreement: agreement, quote: quote))),
            .message(.ready(link)), .message(.reject(Rejection(link: link, reason: "no room", remedy: "make room"))),
            .message(.refuse(HandshakeRefusal(code: .busy, reason: "another is here", remedy: nil))),
            .opening(link, [1, 2, 3], descriptorCount: 2), .bell(link), .taken(link, 7), .closing(link, finished: true),
        ]
        let encoded = all.compactMap { try? $0.encoded() }
        return encoded + [encoded.suffix(7).flatMap(\.self)] + encoded.prefix(5).map { Array($0.dropFirst(4)) }
    }

    private static var talks: [[UInt8]] {
        func step(_ step: HandshakeTalk.Step, _ side: UInt8, _ more: [UInt8] = []) -> [UInt8] {
            [step.rawValue << 1 | side] + more
        }
        let quick = step(.settle, 0)
        let slow = (0..<4).flatMap { _ in step(.deliver, 1) + step(.deliver, 0) + step(.opened, 0) + step(.opened, 1) }
        let failing = (0..<6).flatMap { _ in step(.deliver, 1) + step(.deliver, 0) + step(.failed, 1) }
        let body = framesSeeds[9 + 1]
        return [
            [0, 0] + quick, [0b1110_0000, 0b1100_0000] + quick, [1, 1] + quick, [0, 0] + slow, [0, 0] + failing,
            [0, 2] + quick,
            [0, 0] + step(.tamper, 1, [30, 0, 3]) + quick, [0, 0] + step(.duplicate, 1) + step(.drop, 0) + quick,
            [0, 0] + step(.inject, 1, littleEndian(UInt64(body.count), 2) + body) + quick + step(.opening, 0, [0]),
        ]
    }

    private static var openings: [[UInt8]] {
        let header = RingHeader(ringBytes: 65536, link: OpeningFuzz.link)
        let offer = [1] + littleEndian(1, 8) + RingAnnouncement.encode(header)
        return [
            header.encoded, RingAnnouncement.encode(header), StreamProof().record, [UInt8(offer.count)] + offer,
            [9, 2] + littleEndian(1, 8) + [9, 3] + littleEndian(1, 8),
            [1] + [UInt8](repeating: 7, count: 16) + Array("/tmp\0\(pipeName(1))\0\(pipeName(2))".utf8),
            [1] + [UInt8](repeating: 7, count: 32), [1] + [UInt8](repeating: 7, count: 16), [1],
        ]
    }

    private static func pipeName(_ number: Int) -> String { "naru-\(HostInformation.userID)-fifo-a-1-2-\(number)" }

    /// A header word's bytes.
    private static func word(
        _ kind: RecordHeader.Kind, _ byteCount: Int, flags: UInt8 = 0, extension extensionBytes: UInt16 = 0
    ) -> [UInt8] {
        let header = RecordHeader(kind: kind, flags: .init(rawValue: flags), extensionByteCount: extensionBytes)
        return littleEndian(header.word(byteCount: byteCount), 8)
    }

    private static func ring(at place: UInt64, _ first: [UInt8], _ second: [UInt8] = []) -> [UInt8] {
        littleEndian(place, 2) + littleEndian(UInt64(first.count), 2) + first + second
    }

    private static var rings: [[UInt8]] {
        let records = word(.data, 5) + [1, 2, 3, 4, 5, 0, 0, 0] + word(.fragment, 16, flags: 3) + littleEndian(1, 8)
        let finish = word(.finish, 8) + littleEndian(2, 8)
        let successor = word(.switch, 8) + littleEndian(1, 8)
        let extended = word(.data, 8, flags: 8, extension: 4) + littleEndian(7, 8)
        // Padding to the ring's end, 64 bytes before it, then records at its begin.
        let around = word(.padding, 56) + [UInt8](repeating: 0, count: 56) + extended
        return [
            ring(at: 0, records + littleEndian(16, 8) + finish), ring(at: 504, around),
            ring(at: 3, extended + successor, extended),
            ring(at: 0, word(.padding, 48) + [UInt8](repeating: 0, count: 48) + word(.data, 1024)),
            ring(at: 0, word(.data, 1025)), ring(at: 511, word(.data, 0) + word(.abort, 8)),
            ring(at: 510, word(.data, 9)),
        ]
    }

    private static var writers: [[UInt8]] {
        func step(_ step: WriterFuzz.Step, _ more: [UInt8] = []) -> [UInt8] { [step.rawValue] + more }
        let filled = (0..<6).flatMap { _ in step(.sendLarge, littleEndian(1000, 2)) }
        let lent = step(.reserve, littleEndian(100, 2)) + step(.commit, littleEndian(60, 2))
        return [
            [0, 0] + step(.send, [5]) + step(.take, [9]),
            [64, 0] + filled + step(.take, [2]) + filled + step(.take, [9]),
            [8, 1] + lent + step(.hold) + lent + step(.send, [8]) + step(.publish) + step(.take, [9]) + step(.close),
            [0, 0] + filled + step(.arm, [200, 0]) + step(.spin, [1]) + step(.take, [1]) + step(.disarm),
            [0, 0] + filled + step(.cursor, littleEndian(1008, 8)) + filled + step(.cursor, littleEndian(8, 8))
                + filled,
            [0, 0] + filled + step(.move, littleEndian(1008, 2)) + step(.word, [0, 1, 2, 0, 0, 0]) + filled
                + step(.abort),
            [0, 0] + step(.reserve, [10, 0]) + step(.commit, [60, 0]),
        ]
    }

    private static var fragmentsSeeds: [[UInt8]] {
        func fragment(_ message: UInt8, _ total: UInt64, _ payload: [UInt8]) -> [UInt8] {
            [FragmentsFuzz.Step.fragment.rawValue, 1, message, 2] + littleEndian(total, 2) + [UInt8(payload.count)]
                + payload
        }
        let begin = word(.fragment, 24)
        return [
            begin + fragment(1, 6, [1, 2, 3]) + fragment(1, 6, [4, 5, 6]) + fragment(2, 0, []),
            begin + fragment(1, 600, [1]) + [FragmentsFuzz.Step.abort.rawValue] + fragment(2, 2, [7, 8])
                + [FragmentsFuzz.Step.release.rawValue] + fragment(3, 601, [1]),
            begin + [FragmentsFuzz.Step.short.rawValue, 15] + Array(repeating: 1, count: 15),
        ]
    }

    private static var streams: [[UInt8]] {
        let records = word(.data, 5) + [1, 2, 3, 4, 5, 0, 0, 0] + word(.fragment, 0) + word(.data, 1024)
        let large = records + Array(repeating: 7, count: 1024)
        return [
            [0] + large + word(.finish, 8) + littleEndian(3, 8), [255] + large, [2] + records,
            [1] + word(.data, 2, extension: 3), [1] + word(.data, 1025), [1] + word(.padding, 0),
        ]
    }

    private static var payloads: [[UInt8]] {
        #if Zstd
            let text = Array(String(repeating: #"{"id":17,"name":"sensor-4","value":91}"#, count: 30).utf8)
            return [false, true].compactMap { history in
                guard
                    let compressor = try? Compressor(
                        ZstdCodec(), level: nil, history: history, maximumMessageBytes: CompressionFuzz.maximum)
                else { return nil }
                var input: [UInt8] = [history ? 1 : 0]
                for message in [text, text, Array(text.prefix(1100))] {
                    guard let made = unsafe try? compressor.compress(message.span.bytes) else { return nil }
                    compressor.accepted()
                    input += [made.flags.rawValue] + littleEndian(UInt64(made.byteCount), 2)
                    _ = try? compressor.withCompressed(made.byteCount) { input += [UInt8](copying: $0) }
                }
                return input
            } + [[0x80, 0x01], [0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x7f], [0x80, 0x00]]
        #else
            return [[0x80, 0x01], [0x80, 0x00]]
        #endif
    }
}

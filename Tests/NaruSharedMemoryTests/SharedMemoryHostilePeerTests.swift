// Naru: messages between programs by the fastest valid mechanism.
// Copyright the Naru authors. Licensed under the Apache License, Version 2.0 (see LICENSE).

import NaruCore
import NaruRing
import NaruSystem
import Testing

@testable import NaruSharedMemory

/// What a peer may send instead of its ring. Each is refused by an error, and nothing of it is mapped.
@Suite struct SharedMemoryHostilePeerTests {
    private func expectRefused(
        _ comment: Comment, userID: UInt32 = HostInformation.userID, sourceLocation: SourceLocation = #_sourceLocation,
        _ tamper: (OpeningMessage) -> OpeningMessage
    ) throws {
        let pair = try OpeningPair(.simplex, userID: userID)
        #expect(comment, sourceLocation: sourceLocation) {
            _ = try pair.open(tamper: tamper)
        } throws: { error in
            (error as? NaruError)?.code == .protocolViolation
        }
    }

    private func file(
        _ byteCount: Int, _ seals: MemoryFile.Seals, holding bytes: [UInt8] = []
    ) throws -> Descriptor {
        let file = try MemoryFile.create(name: "hostile", byteCount: byteCount)
        if !bytes.isEmpty {
            let mapping = try Mapping(file, byteCount: byteCount, access: .readWrite, prefault: false)
            unsafe mapping.base.copyMemory(from: bytes, byteCount: bytes.count)
        }
        try MemoryFile.seal(file, seals)
        return file
    }

    /// The announced ring's data memory, copied to a file sealed otherwise or with another size.
    private func data(
        _ message: OpeningMessage, _ seals: MemoryFile.Seals = MemoryFiles.dataSeals, extra: Int = 0
    ) throws -> Descriptor {
        let header = Array(message.bytes.dropFirst(8))
        return try file(message.descriptors[0].status().byteCount + extra, seals, holding: header)
    }

    @Test func aForgedButCorrectRingIsAccepted() throws {
        // The base of the tests below: it is what they change that is refused.
        let lanes = try OpeningPair(.simplex).open(tamper: { message in
            let data = try! data(message)
            return OpeningMessage(bytes: message.bytes, descriptors: [data, message.descriptors[1]])
        })
        #expect(lanes.listener.inbound != nil)
    }

    @Test func filesThatAreNotSealedAreRefused() throws {
        let all = MemoryFiles.dataSeals
        for missing in [MemoryFile.Seals.shrink, .grow, .futureWrite, .seal, all] {
            try expectRefused("data without \(missing.rawValue)") {
                $0.with(data: try! data($0, all.subtracting(missing)))
            }
        }
        for missing in [MemoryFile.Seals.shrink, .grow, .seal, MemoryFiles.controlSeals] {
            try expectRefused("control without \(missing.rawValue)") {
                $0.with(control: try! file(4096, MemoryFiles.controlSeals.subtracting(missing)))
            }
        }
    }

    @Test func aControlFileThatCannotBeWrittenIsRefused() throws {
        let pair = try OpeningPair(.simplex)
        #expect {
            _ = try pair.open(tamper: { $0.with(control: try! file(4096, MemoryFiles.dataSeals)) })
        } throws: { error in
            (error as? NaruError)?.code == .system
        }
    }

    @Test func filesOfAnotherSizeAreRefused() throws {
        for extra in [-4096, -1, 1, 4096] {
            try expectRefused("data \(extra)") { $0.with(data: try! data($0, extra: extra)) }
            try expectRefused("control \(extra)") {
                $0.with(control: try! file(4096 + extra == 0 ? 1 : 4096 + extra, MemoryFiles.controlSeals))
            }
        }
    }

    @Test func descriptorsOfAnotherTypeAreRefused() throws {
        let (socket, _) = try UnixSocket.pair(kind: .stream)
        let null = try FileSystem.open("/dev/null", [.read, .write], permissions: 0)
        let program = try FileSystem.open("/proc/self/exe", [.read], permissions: 0)
        let directory = try FileSystem.open("/", [.read, .directory], permissions: 0)
        let counter = try EventCounter().descriptor
        for (name, other) in [
            ("socket", socket), ("device", null), ("file", program), ("directory", directory), ("eventfd", counter),
        ] {
            try expectRefused("\(name) as data") { $0.with(data: other) }
            try expectRefused("\(name) as control") { $0.with(control: other) }
        }
    }

    @Test func anotherNumberOfDescriptorsIsRefused() throws {
        try expectRefused("none") { OpeningMessage(bytes: $0.bytes) }
        try expectRefused("one") { OpeningMessage(bytes: $0.bytes, descriptors: [$0.descriptors[0]]) }
        try expectRefused("three") {
            OpeningMessage(bytes: $0.bytes, descriptors: $0.descriptors + [$0.descriptors[0]])
        }
        try expectRefused("swapped") { OpeningMessage(bytes: $0.bytes, descriptors: $0.descriptors.reversed()) }
    }

    @Test func theRingOfAnotherAnnouncementIsRefused() throws {
        // Right in type, size and seals, but its nonce was never announced.
        let other = RingHeader(ringBytes: 262_144, link: .random())
        let ring = try RingFiles.create(other, SharedMemoryBudget())
        try expectRefused("files of another ring") {
            OpeningMessage(bytes: $0.bytes, descriptors: [ring.files.data, ring.files.control])
        }
        try expectRefused("a whole ring of another link") { _ in
            OpeningMessage(
                bytes: RingAnnouncement.encode(other), descriptors: [ring.files.data, ring.files.control])
        }
    }

    @Test func everyBitOfTheAnnouncementCounts() throws {
        for bit in 0..<RingAnnouncement.byteCount * 8 {
            try expectRefused("bit \(bit)") {
                var message = $0
                message.bytes[bit / 8] ^= 1 << (bit % 8)
                return message
            }
        }
    }

    @Test func anAnnouncementOfAnotherSizeIsRefused() throws {
        for count in [0, 1, 7, 8, 63] {
            try expectRefused("\(count) bytes") {
                OpeningMessage(bytes: Array($0.bytes.prefix(count)), descriptors: $0.descriptors)
            }
        }
        try expectRefused("one byte more") {
            OpeningMessage(bytes: $0.bytes + [0], descriptors: $0.descriptors)
        }
    }

    @Test func filesOfAnotherUserAreRefused() throws {
        try expectRefused("another user's", userID: HostInformation.userID + 1) { $0 }
    }

    @Test func aMessageToAnEndThatOnlySendsIsRefused() throws {
        let pair = try OpeningPair(.simplex)
        defer { pair.reactor.shutdown() }
        let opening = try SharedMemoryTransport().open(pair.dialer)
        #expect {
            _ = try opening.advance(.message(OpeningMessage(bytes: [1])))
        } throws: { error in
            (error as? NaruError)?.code == .protocolViolation
        }
    }

    /// The reader cannot turn its map, or the descriptor it was given, into one that writes.
    @Test func theDataFileIsReadOnlyForGood() throws {
        let header = RingHeader(ringBytes: 4096, link: .random())
        let ring = try RingFiles.create(header, SharedMemoryBudget())
        let byteCount = RingLayout.dataByteCount(ringBytes: 4096)
        #expect(throws: SystemError.self) {
            try Mapping(ring.files.data, byteCount: byteCount, access: .readWrite, prefault: false)
        }
        #expect(throws: SystemError.self) { try ring.files.data.truncate(to: 0) }
        #expect(throws: SystemError.self) { try ring.files.data.truncate(to: byteCount * 2) }
        #expect(throws: SystemError.self) { try MemoryFile.seal(ring.files.data, .write) }
        #expect(throws: SystemError.self) { try ring.files.control.truncate(to: 0) }
    }
}

extension OpeningMessage {
    fileprivate func with(data: Descriptor) -> OpeningMessage {
        OpeningMessage(bytes: bytes, descriptors: [data, descriptors[1]])
    }

    fileprivate func with(control: Descriptor) -> OpeningMessage {
        OpeningMessage(bytes: bytes, descriptors: [descriptors[0], control])
    }
}

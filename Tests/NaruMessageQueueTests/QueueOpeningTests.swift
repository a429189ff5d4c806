// Naru: messages between programs by the fastest valid mechanism.
// Copyright the Naru authors. Licensed under the Apache License, Version 2.0 (see LICENSE).

import Glibc
import NaruCore
import NaruSystem
import Testing

@testable import NaruMessageQueue

/// Private queues between two ends, and what a hostile peer may pass instead.
@Suite(.serialized, .timeLimit(.minutes(2))) struct QueueOpeningTests {
    /// A bell that nobody hears.
    private struct SilentBell: Bell {
        func ring() {}
    }

    private let directory: String
    private let reactor: Reactor
    private let cleaner: Cleaner

    /// Removes the folder with the test.
    private final class Cleaner {
        let folder: String
        let reactor: Reactor
        init(_ folder: String, _ reactor: Reactor) { (self.folder, self.reactor) = (folder, reactor) }
        deinit {
            reactor.shutdown()
            for name in (try? FileSystem.list(folder)) ?? [] { try? FileSystem.remove("\(folder)/\(name)") }
            try? FileSystem.removeDirectory(folder)
        }
    }

    init() throws {
        directory = "/tmp/naru-opening-\(String(SystemRandom.word(), radix: 36))"
        try FileSystem.makeDirectory(directory, permissions: 0o700)
        reactor = try Reactor(name: "test")
        cleaner = Cleaner(directory, reactor)
    }

    private func request(_ role: Role, _ kind: Kind) -> OpeningRequest {
        let terms = [LaneTerms(transport: kind.transport.name)]
        return OpeningRequest(
            agreement: Agreement(
                link: .random(), forward: terms, backward: [], requirements: Requirements(),
                relation: .init(locality: .sameHost, sameUser: true, sharedNamespaces: ["ipc", "mnt"])),
            role: role, peerBell: SilentBell(), ownBell: SilentBell(),
            peer: PeerCredentials(
                processID: ProcessIdentity.current.processID, userID: HostInformation.userID, groupID: 0),
            reactor: reactor, directories: RuntimeDirectories([directory]))
    }

    private func message(_ opening: any Opening) throws -> OpeningMessage {
        guard case .send(let message) = try opening.advance(.proceed) else {
            throw NaruError.opening(.system, "it sends nothing")
        }
        return message
    }

    private func code(_ body: () throws -> Void) -> NaruError.Code? {
        do {
            try body()
            return nil
        } catch {
            return (error as? NaruError)?.code
        }
    }

    @Test(arguments: Kind.allCases) func nothingIsLeftOfALink(_ kind: Kind) throws {
        let dialer = try kind.transport.open(request(.dialer, kind))
        let listener = try kind.transport.open(request(.listener, kind))
        let offer = try message(dialer)
        #expect(offer.descriptors.count == (kind == .posix ? 2 : 1))
        #expect(try FileSystem.list(directory).count == (kind == .posix ? 0 : 1))
        guard case .send(let answer) = try listener.advance(.message(offer)),
            case .done(let receiver) = try listener.advance(.proceed),
            case .receive = try dialer.advance(.proceed), case .done(let sender) = try dialer.advance(.message(answer))
        else {
            Issue.record("the openings do not yield lanes")
            return
        }
        let bytes = OwnedMessage(pattern(3, 100))
        #expect(try sender.outbound?.trySend(RecordHeader(), RawSpan(), bytes.bytes) == true)
        sender.outbound?.close()
        var found: [UInt8] = []
        #expect(
            try receiver.inbound?.drain(8) { record in
                found = [UInt8](copying: record.bytes)
                return .take
            } == 1)
        #expect(found == pattern(3, 100))
        guard case .ended? = try receiver.inbound?.arm(.thread) else {
            Issue.record("the sender's end is not seen")
            return
        }
        receiver.inbound?.close()
        #expect(try FileSystem.list(directory).isEmpty)
    }

    @Test(arguments: Kind.allCases) func whatIsNoDoorbellIsRefused(_ kind: Kind) throws {
        let dialer = try kind.transport.open(request(.dialer, kind))
        let offer = try message(dialer)
        let unsealed = try MemoryFile.create(name: "x", byteCount: QueueDoorbell.byteCount)
        let small = try MemoryFile.create(name: "x", byteCount: 64)
        try MemoryFile.seal(small, [.shrink, .grow, .seal])
        let null = try FileSystem.open("/dev/null", [.read, .write])
        for page in [unsealed, small, null] {
            let listener = try kind.transport.open(request(.listener, kind))
            let forged = OpeningMessage(bytes: offer.bytes, descriptors: [page] + offer.descriptors.dropFirst())
            #expect(code { _ = try listener.advance(.message(forged)) } == .protocolViolation)
        }
        let listener = try kind.transport.open(request(.listener, kind))
        #expect(code { _ = try listener.advance(.message(OpeningMessage(bytes: [1]))) } == .protocolViolation)
    }

    @Test func whatIsNoPrivateQueueIsRefused() throws {
        let name = "/naru-test-\(String(SystemRandom.word(), radix: 36))"
        let open = try POSIXQueue.create(name, depth: 1, messageBytes: 512, permissions: 0o666)
        defer { try? POSIXQueue.remove(name) }
        // Open to others by its mode, whatever the umask of this process made of it.
        let isOpen = try open.descriptor.status().permissions & 0o077 != 0
        let other = "\(name)-small"
        let small = try POSIXQueue.create(other, depth: 1, messageBytes: 16)
        defer { try? POSIXQueue.remove(other) }
        let null = try FileSystem.open("/dev/null", [.read, .write])
        let dialer = try PosixQueueTransport(.small).open(request(.dialer, .posix))
        let page = try #require(try message(dialer).descriptors.first)
        for queue in [small.descriptor, null] + (isOpen ? [open.descriptor] : []) {
            let listener = try PosixQueueTransport(.small).open(request(.listener, .posix))
            let forged = OpeningMessage(bytes: [1], descriptors: [page, try queue.duplicate()])
            #expect(code { _ = try listener.advance(.message(forged)) } == .protocolViolation)
        }
    }

    @Test func whatIsNoSidecarIsRefused() throws {
        let dialer = try SysvQueueTransport(.small).open(request(.dialer, .sysv))
        let offer = try message(dialer)
        let path = String(decoding: offer.bytes.dropFirst(), as: UTF8.self)
        let texts = ["", "/", "x", "/nowhere/x.object", path + "x", "/dev/null", "/etc/passwd", path + "\0.object"]
        for text in texts {
            let listener = try SysvQueueTransport(.small).open(request(.listener, .sysv))
            let forged = OpeningMessage(bytes: [1] + Array(text.utf8), descriptors: offer.descriptors)
            #expect(code { _ = try listener.advance(.message(forged)) } == .protocolViolation, "\(text)")
        }
        withExtendedLifetime(dialer) {}
    }

    @Test(arguments: Kind.allCases) func anAnswerWithoutTheSecretIsRefused(_ kind: Kind) throws {
        for answer in [[], [1], [2] + [UInt8](repeating: 0, count: 16), [1] + [UInt8](repeating: 0, count: 16)] {
            let dialer = try kind.transport.open(request(.dialer, kind))
            _ = try message(dialer)
            _ = try dialer.advance(.proceed)
            #expect(
                code { _ = try dialer.advance(.message(OpeningMessage(bytes: answer))) } == .protocolViolation,
                "\(answer)")
        }
        #expect(try FileSystem.list(directory).isEmpty)
    }

    /// A peer that takes away the flag by which calls do not block, which both share.
    @Test func sharedFlagsMakeNobodyBlock() throws {
        let queues = PrivatePosixQueues(size: QueueSize(depth: 1, messageBytes: 256))
        let made = try queues.make()
        let joined = try queues.join([], made.descriptors)
        let secret = [UInt8](repeating: 7, count: PrivateQueue.secretBytes)
        // The flags belong to the open queue, which both have.
        #expect(fcntl(made.descriptors[0].raw, F_SETFL, 0) == 0)
        try made.put(secret)
        #expect(code { try made.put(secret) } == .system)
        #expect(try joined.takeSecret() == secret)
        #expect(code { _ = try joined.takeSecret() } == .protocolViolation)
    }
}

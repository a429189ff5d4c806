// Naru: messages between programs by the fastest valid mechanism.
// Copyright the Naru authors. Licensed under the Apache License, Version 2.0 (see LICENSE).

import NaruConformance
import NaruCore
import NaruNamedPipe
import NaruSystem
import Testing

/// What an end does that is not Naru, or is broken, or means harm: a typed error, and no name left.
@Suite struct NamedPipeHostileTests {
    /// How an opening ends in which messages are changed on their way.
    private func outcome(
        _ place: Place, _ tamper: @escaping (Role, OpeningMessage) -> OpeningMessage
    ) throws -> NaruError.Code? {
        var pair = place.pair(.duplex)
        pair.tamper = tamper
        do {
            _ = try pair.open()
            return nil
        } catch {
            return error.code
        }
    }

    /// As above, changing the listener's first message: names; its second: objects; its third: the answer.
    private func changed(
        _ place: Place, _ number: Int, _ change: @escaping (inout OpeningMessage) throws -> Void
    ) throws -> NaruError.Code? {
        var count = 0
        var failure: (any Error)?
        let code = try outcome(place) { role, message in
            guard role == .listener else { return message }
            defer { count += 1 }
            var message = message
            if count == number {
                do { try change(&message) } catch { failure = error }
            }
            return message
        }
        if let failure { throw failure }
        return code
    }

    @Test func anUnchangedOpeningPasses() throws {
        try Place.run { (place: Place) throws in #expect(try outcome(place) { $1 } == nil) }
    }

    @Test func namesThatAreNoneOfALinkAreRefused() throws {
        try Place.run { (place: Place) throws in
            let id = [UInt8](repeating: 1, count: 16)
            let prefix = "naru-\(HostInformation.userID)-fifo-"
            func names(_ words: String...) throws -> NaruError.Code? {
                let text = Array(words.map { Array($0.utf8) }.joined(separator: [0]))
                return try changed(place, 0) { $0.bytes = [1] + id + text }
            }
            #expect(try names(place.folder) == .protocolViolation)
            #expect(try names(place.folder, prefix + "1") == .protocolViolation)
            #expect(try names(place.folder, prefix + "1", prefix + "1") == .protocolViolation)
            #expect(try names(place.folder, prefix + "1", prefix + "2", prefix + "3") == .protocolViolation)
            #expect(try names(place.folder, "\(prefix)1", "\(prefix)../2") == .protocolViolation)
            #expect(try names(place.folder, "\(prefix)1", "frames.sock") == .protocolViolation)
            let long = prefix + String(repeating: "1", count: 200)
            #expect(try names(place.folder, prefix + "1", long) == .protocolViolation)
            #expect(try names("/dev", prefix + "1", prefix + "2") == .unsupported)
            #expect(try names("run", prefix + "1", prefix + "2") == .unsupported)
            #expect(try names("/tmp/naru-none", prefix + "1", prefix + "2") == .unsupported)
            // Nothing lies there.
            #expect(try names(place.folder, prefix + "1", prefix + "2") == .system)
            #expect(try place.names() == [])
        }
    }

    @Test func whatTookThePlaceOfAPipeIsRefused() throws {
        try Place.run { (place: Place) throws in
            func replaced(by make: @escaping (String) throws -> Void) throws -> NaruError.Code? {
                defer { for name in (try? place.names()) ?? [] { try? FileSystem.remove("\(place.folder)/\(name)") } }
                return try changed(place, 1) { _ in
                    for name in try place.names() {
                        try FileSystem.remove("\(place.folder)/\(name)")
                        try make("\(place.folder)/\(name)")
                    }
                }
            }
            // Another pipe, a file, a pipe that others may open.
            let another = try replaced { try FileSystem.makeFIFO($0, permissions: 0o600) }
            #expect(another == .protocolViolation || another == .peerVanished)
            #expect(try replaced { _ = try FileSystem.open($0, [.write, .create]) } == .protocolViolation)
            #expect(
                try replaced { path in
                    try FileSystem.makeFIFO(path, permissions: 0o600)
                    try FileSystem.setPermissions(path, permissions: 0o666)
                } == .protocolViolation)
        }
    }

    @Test func anAnswerWithoutTheSecretIsRefused() throws {
        try Place.run { (place: Place) throws in
            #expect(try changed(place, 2) { $0.bytes[1] ^= 1 } == .protocolViolation)
            #expect(try changed(place, 2) { $0.bytes.removeLast() } == .protocolViolation)
            #expect(try changed(place, 2) { $0.bytes[0] = 2 } == .protocolViolation)
            #expect(try changed(place, 1) { $0.bytes[1] ^= 1 } == .protocolViolation)
            #expect(try changed(place, 0) { $0.bytes[1] ^= 1 } == .protocolViolation)
            #expect(try place.names() == [])
        }
    }

    /// Steps a listener, and a dialer if there is one, so far that the pipes are made and the dialer is to open them.
    private func made(_ pair: OpeningPair, _ listener: any Opening, _ dialer: any Opening) throws -> OpeningMessage {
        guard case .send(let names) = try listener.advance(.proceed), case .receive = try dialer.advance(.proceed),
            case .send(let note) = try dialer.advance(.message(names)), case .receive = try dialer.advance(.proceed),
            case .receive = try listener.advance(.proceed),
            case .send(let objects) = try listener.advance(.message(note))
        else { throw NaruError(.protocolViolation, operation: "open", object: "test", reason: "another order") }
        return objects
    }

    /// Whoever is killed removes nothing: its opening is kept, the other's is dropped.
    @Test(arguments: [Role.dialer, .listener]) func anEndThatDiesLeavesNoName(_ victim: Role) throws {
        try Place.run { (place: Place) throws in
            let pair = place.pair(.duplex)
            var listener: (any Opening)? = try pair.transport.open(pair.request(.listener))
            var dialer: (any Opening)? = try pair.transport.open(pair.request(.dialer))
            if let listener, let dialer { _ = try made(pair, listener, dialer) }
            #expect(try place.names().count == 2)
            if victim == .dialer { listener = nil } else { dialer = nil }
            #expect(try place.names() == [])
            withExtendedLifetime((listener, dialer)) {}
        }
    }

    /// A dialer that hangs, or that has gone, does not keep what the listener made.
    @Test func aListenerThatIsAloneMakesNothing() throws {
        try Place.run { (place: Place) throws in
            let pair = place.pair(.duplex)
            let listener = try pair.transport.open(pair.request(.listener))
            _ = try listener.advance(.proceed)
            _ = try listener.advance(.proceed)
            #expect(try place.names() == [])
        }
    }
}

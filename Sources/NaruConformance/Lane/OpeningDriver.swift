// Naru: messages between programs by the fastest valid mechanism.
// Copyright the Naru authors. Licensed under the Apache License, Version 2.0 (see LICENSE).

internal import NaruCore
internal import NaruSystem

/// Steps the two openings of a link against each other, as two handshakes would. Blocks.
struct OpeningDriver {
    /// How the openings ended.
    enum Outcome {
        case opened(dialer: Lanes, listener: Lanes)
        case failed(Role, NaruError)
        /// Both wait for something that does not come.
        case stuck
    }

    private enum Wish {
        case proceed, message
        case descriptor(Descriptor, PollEvents)
    }

    private struct Side {
        var opening: (any Opening)?
        var lanes: Lanes?
        var inbox: [OpeningMessage] = []
        var wish = Wish.proceed
    }

    private var sides: [Role: Side]
    /// Kept, where there is one: the openings use its reactor's thread and its folder.
    private let bench: OpeningBench?
    /// How many steps were made.
    private(set) var steps = 0
    /// Every message, with who sent it.
    private(set) var messages: [(from: Role, message: OpeningMessage)] = []
    /// Changes or drops a message on its way; its number counts from 0 over both directions.
    var intercept: (Int, Role, OpeningMessage) -> OpeningMessage? = { _, _, message in message }
    /// How long to wait for a descriptor.
    var patience = Duration.seconds(20)
    /// Stops after so many steps.
    var maximumSteps = 1000

    init(_ subject: Subject, _ bench: OpeningBench) throws {
        self.init(
            dialer: try subject.transport.open(bench.request(.dialer)),
            listener: try subject.transport.open(bench.request(.listener)), bench)
    }

    init(dialer: any Opening, listener: any Opening, _ bench: OpeningBench? = nil) {
        sides = [.dialer: Side(opening: dialer), .listener: Side(opening: listener)]
        self.bench = bench
    }

    /// Steps both until they are done, one fails, or nothing goes on.
    mutating func run() -> Outcome {
        while steps < maximumSteps {
            if let dialer = sides[.dialer]?.lanes, let listener = sides[.listener]?.lanes {
                return .opened(dialer: dialer, listener: listener)
            }
            var moved = false
            for role in [Role.dialer, .listener] {
                do throws(NaruError) {
                    if try step(role) { moved = true }
                } catch {
                    dropAll()
                    return .failed(role, error)
                }
            }
            if !moved, !waitForDescriptors() { break }
        }
        dropAll()
        return .stuck
    }

    /// One step of one side; `false` when it waits.
    private mutating func step(_ role: Role) throws(NaruError) -> Bool {
        guard var side = sides[role], let opening = side.opening, let event = next(&side) else { return false }
        steps += 1
        let step = try opening.advance(event)
        side.wish = .proceed
        switch step {
        case .send(let message):
            messages.append((role, message))
            if let message = intercept(messages.count - 1, role, message) {
                sides[role == .dialer ? .listener : .dialer]?.inbox.append(message)
            }
        case .receive: side.wish = .message
        case .wait(let descriptor, let events): side.wish = .descriptor(descriptor, events)
        case .done(let lanes):
            side.lanes = lanes
            side.opening = nil
        }
        sides[role]?.wish = side.wish
        sides[role]?.opening = side.opening
        sides[role]?.lanes = side.lanes
        sides[role]?.inbox = side.inbox
        return true
    }

    /// What has happened for a side; `nil` for nothing.
    private func next(_ side: inout Side) -> OpeningEvent? {
        switch side.wish {
        case .proceed: return .proceed
        case .message: return side.inbox.isEmpty ? nil : .message(side.inbox.removeFirst())
        case .descriptor(let descriptor, let events):
            let ready = (try? descriptor.pollOnce(events)) ?? .error
            return ready.isEmpty ? nil : .proceed
        }
    }

    /// Waits until one of the descriptors waited for is ready; `false` when none is waited for, or none becomes so.
    private func waitForDescriptors() -> Bool {
        let waits = sides.values.compactMap { side -> (Descriptor, PollEvents)? in
            if case .descriptor(let descriptor, let events) = side.wish { (descriptor, events) } else { nil }
        }
        guard let first = waits.first else { return false }
        let second = waits.count > 1 ? waits[1] : nil
        let ready = try? Descriptor.pollAny(
            first.0, first.1, second?.0, second?.1 ?? [], deadline: .after(patience))
        guard let ready else { return true }
        return !(ready.0.isEmpty && ready.1.isEmpty)
    }

    /// Drops the openings and closes the lanes of a side that was done.
    mutating func dropAll() {
        for role in [Role.dialer, .listener] {
            sides[role]?.lanes?.outbound?.close()
            sides[role]?.lanes?.inbound?.close()
            sides[role] = nil
        }
        messages = []
    }
}

/// What openings are given: an agreement, bells, a reactor.
final class OpeningBench: Sendable {
    let agreement: Agreement
    let bells: [Role: CountingBell]
    let reactor: Reactor
    /// Where the openings may make what has to have a name.
    let directory: String

    /// Which way the link goes.
    enum Shape: Sendable {
        case forward, backward, duplex
    }

    /// A bench for one link; the shape falls back to duplex where the transport has no simplex.
    init(_ subject: Subject, _ shape: Shape = .forward) throws {
        let hasSimplex = subject.record.directions.contains(.simplex)
        let shape = hasSimplex ? shape : .duplex
        let terms = [LaneTerms(transport: subject.transport.name)]
        let locality = subject.record.localities.contains(.sameProcess) ? Locality.sameProcess : .sameHost
        agreement = Agreement(
            link: .random(), forward: shape == .backward ? [] : terms, backward: shape == .forward ? [] : terms,
            requirements: Requirements(direction: shape == .duplex ? .duplex : .simplex),
            relation: Relation(
                locality: locality, sameUser: true,
                sharedNamespaces: HostIdentity.current().namespaces.keys.sorted()))
        bells = [.dialer: try CountingBell(), .listener: try CountingBell()]
        let folder = HostInformation.environment("TMPDIR") ?? "/tmp"
        directory = "\(folder)/naru-kit-\(String(SystemRandom.word(), radix: 36))"
        reactor = try Reactor(name: "naru-kit")
        try FileSystem.makeDirectory(directory, permissions: 0o700)
    }

    deinit {
        reactor.shutdown()
        // What openings leave behind is found by the lines that look for it, before this.
        for name in (try? FileSystem.list(directory)) ?? [] { try? FileSystem.remove("\(directory)/\(name)") }
        try? FileSystem.removeDirectory(directory)
    }

    /// Complains when openings that are gone have left a name behind.
    func expectNothingLeft() throws {
        let left = try FileSystem.list(directory)
        if !left.isEmpty { throw Complaint("openings left \(left.sorted().joined(separator: ", ")) behind") }
    }

    /// The request of one end.
    func request(_ role: Role) throws -> OpeningRequest {
        guard let own = bells[role], let peer = bells[role == .dialer ? .listener : .dialer] else {
            throw Complaint("the kit has no bell for the \(role)")
        }
        return OpeningRequest(
            agreement: agreement, role: role, peerBell: peer, ownBell: own,
            peer: PeerCredentials(
                processID: ProcessIdentity.current.processID, userID: HostInformation.userID, groupID: 0),
            reactor: reactor, directories: RuntimeDirectories([directory]))
    }
}

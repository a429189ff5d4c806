// Naru: messages between programs by the fastest valid mechanism.
// Copyright the Naru authors. Licensed under the Apache License, Version 2.0 (see LICENSE).

import NaruConformance
import NaruCore
import NaruSystem
import Testing

/// Links that are attached to a medium which holds the agreement.
@Suite(.timeLimit(.minutes(1))) struct AttachingTests {
    private let held = HeldTransport()
    private let limit = Deadline.after(.seconds(20))

    private func pair(_ others: [any Transport] = []) throws -> RuntimePair {
        try RuntimePair([held] + others)
    }

    private func request(_ direction: Direction, _ must: [Property] = []) -> LinkRequest {
        LinkRequest(requirements: Requirements(must: must, direction: direction, wait: .power))
    }

    @Test func theMediumKeepsMessagesWhileNobodyReceives() async throws {
        let pair = try pair()
        let sender = try await pair.dialer.sender(pair.address, request(.simplex, [.persistent]), deadline: limit)
        for index in UInt8(0)..<3 { try await sender.send([index], deadline: limit) }
        #expect(try await sender.finish(deadline: limit) == .handedOver)
        #expect(sender.control.peer == nil)
        sender.close()
        #expect(held.endCount(of: "core") == 0)

        let receiver = try await pair.listener.receiver(
            pair.address, request(.simplex, [.persistent]), deadline: limit)
        #expect(receiver.control.agreement.link == sender.control.agreement.link)
        var found: [UInt8] = []
        try await receiver.forEach { found += [UInt8](copying: $0.bytes) }
        #expect(found == [0, 1, 2])
        #expect(receiver.isFinished)
    }

    @Test func eachMessageOfAQueueGoesToOneAndNoFinishEndsTheOthers() async throws {
        let pair = try pair()
        let first = try await pair.dialer.sender(pair.address, request(.queue), deadline: limit)
        let second = try await pair.listener.sender(pair.address, request(.queue), deadline: limit)
        let one = try await pair.dialer.receiver(pair.address, request(.queue), deadline: limit)
        let other = try await pair.listener.receiver(pair.address, request(.queue), deadline: limit)
        try await first.send([1], deadline: limit)
        #expect(try await first.finish(deadline: limit) == .handedOver)
        try await second.send([2], deadline: limit)
        #expect(try await one.receive(deadline: limit) { [UInt8](copying: $0.bytes) } == [1])
        #expect(try await other.receive(deadline: limit) { [UInt8](copying: $0.bytes) } == [2])
        let error = try await naruError {
            _ = try await one.receive(deadline: .after(.milliseconds(5))) { _ in }
        }
        #expect(error?.code == .deadlineExceeded)
    }

    @Test func waitersAreWokenByTimeByCloseAndByCancellation() async throws {
        let pair = try pair()
        let sender = try await pair.dialer.sender(pair.address, request(.queue), deadline: limit)
        let receiver = try await pair.listener.receiver(pair.address, request(.queue), deadline: limit)
        for index in 0..<HeldTransport.capacity { try await sender.send([UInt8(index)], deadline: limit) }
        let full = try await naruError { try await sender.send([9], deadline: .after(.milliseconds(5))) }
        #expect(full?.code == .deadlineExceeded)
        let control = receiver.control
        for index in 0..<HeldTransport.capacity {
            #expect(try await receiver.receive(deadline: limit) { [UInt8](copying: $0.bytes) } == [UInt8(index)])
        }
        // The last error of a receiver that waits: it has begun to wait, or closes at once; either is right.
        control.close()
        #expect(try await naruError { _ = try await receiver.receive(deadline: limit) { _ in } }?.code == .closed)
    }

    @Test func labelsSortAndReachTheReceiver() async throws {
        let pair = try pair()
        let sender = try await pair.dialer.sender(pair.address, request(.queue, [.priority]), deadline: limit)
        try await sender.send([1], label: MessageLabel(priority: 1), deadline: limit)
        try await sender.send([2], label: MessageLabel(priority: 7), deadline: limit)
        try await sender.send([3], deadline: limit)
        try await sender.send([4], label: MessageLabel(priority: 7), deadline: limit)
        let refused = try await naruError { try await sender.send([5], label: MessageLabel(type: 3), deadline: limit) }
        #expect(refused?.code == .unsupported)
        let receiver = try await pair.listener.receiver(pair.address, request(.queue, [.priority]), deadline: limit)
        var found: [[Int]] = []
        for _ in 0..<4 {
            _ = try await receiver.receive(deadline: limit) { view in
                found.append([Int(view.bytes.byteCount), receiver.label.priority])
            }
        }
        #expect(found.map { $0[1] } == [7, 7, 1, 0])
        #expect(try await naruError { try receiver.select(.type(1)) }?.code == .unsupported)
    }

    @Test func whatIsNotThereYetIsAskedForUntilTheDeadline() async throws {
        let pair = try pair()
        held.setOpen("core", false)
        let error = try await naruError {
            _ = try await pair.dialer.sender(pair.address, request(.queue), deadline: .after(.milliseconds(30)))
        }
        #expect(error?.code == .unreachable)
        #expect(error?.reason == "the queue is shut")
        let task = Task { [held] in
            await Task.yield()
            held.setOpen("core", true)
        }
        let sender = try await pair.dialer.sender(pair.address, request(.queue), deadline: limit)
        try await sender.send([1], deadline: limit)
        await task.value
    }

    @Test func confirmedAndAttachedExcludeEachOther() async throws {
        let pair = try pair([MemoryTransport()])
        let error = try await naruError {
            _ = try await pair.dialer.sender(pair.address, request(.queue, [.confirmed]), deadline: limit)
        }
        #expect(error?.code == .noTransport)
        #expect(error?.reason.contains("no receiver answers a finish") == true)
        #expect(error?.reason.contains("needs a live peer") == true)
        // And a link with a live peer is not attached.
        let link = try await pair.connect()
        #expect(link.sender.decision.chosen?.transport == "memory")
        #expect(link.sender.decision.candidates.contains { $0.reason.contains("its medium holds the agreement") })
        try await expectWorks(link)
    }

    @Test func objectsOfOtherProgramsAreRawOnly() async throws {
        let pair = try pair()
        let address = Address.medium("held", object: "/x")
        let error = try await naruError {
            _ = try await pair.dialer.sender(address, request(.simplex), deadline: limit)
        }
        #expect(error?.code == .invalidArgument)
        let raw = LinkRequest(requirements: Requirements(wait: .power), isRaw: true)
        let sender = try await pair.dialer.sender(address, raw, deadline: limit)
        let receiver = try await pair.listener.receiver(address, raw, deadline: limit)
        try await expectWorks((sender, receiver))
        #expect(try await naruError { _ = try pair.dialer.listener(address, raw) }?.code == .unsupported)
        let named = LinkRequest(requirements: Requirements(direction: .queue), isRaw: true)
        let unnamed = try await naruError {
            _ = try await pair.dialer.sender(pair.address, named, deadline: limit)
        }
        #expect(unnamed?.code == .invalidArgument)
        let local = try await naruError { _ = try await pair.dialer.sender(pair.address, raw, deadline: limit) }
        #expect(local?.code == .invalidArgument)
        // A link that is negotiated has no raw form either, and says so before anything else.
        for address in [try Address(parsing: "tcp:127.0.0.1:9"), .inherited(name: "held")] {
            let error = try await naruError { _ = try await pair.dialer.sender(address, raw, deadline: limit) }
            #expect(error?.code == .invalidArgument)
            #expect(error?.remedy?.contains("fifo:PATH") == true)
        }
    }

    @Test func aForcedCodecIsRefusedAndNotLeftOut() async throws {
        let pair = try pair()
        var forced = request(.queue)
        forced.compression = .forced("x")
        let error = try await naruError { _ = try await pair.dialer.sender(pair.address, forced, deadline: limit) }
        #expect(error?.code == .unsupported)
        var auto = request(.queue)
        auto.compression = .auto
        _ = try await pair.dialer.sender(pair.address, auto, deadline: limit)
    }

    @Test func aShutdownEndsAttemptsAndLinks() async throws {
        let pair = try pair()
        let sender = try await pair.dialer.sender(pair.address, request(.queue), deadline: limit)
        pair.dialer.shutdown()
        #expect(try await naruError { try await sender.send([1]) }?.code == .closed)
        let late = try await naruError {
            _ = try await pair.dialer.sender(pair.address, request(.queue), deadline: limit)
        }
        #expect(late?.code == .closed)
        sender.close()
        #expect(held.endCount(of: "core") == 0)
    }
}

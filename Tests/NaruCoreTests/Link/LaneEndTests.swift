// Naru: messages between programs by the fastest valid mechanism.
// Copyright the Naru authors. Licensed under the Apache License, Version 2.0 (see LICENSE).

import NaruSystem
import Testing

@testable import NaruCore

/// A lane has ended, and the news of why has not come yet.
@Suite(.timeLimit(.minutes(1))) struct LaneEndTests {
    private let reactor: Reactor
    private let link: Link

    init() throws {
        reactor = try Reactor(name: "test")
        let relation = Relation(locality: .sameHost, sameUser: true, sharedNamespaces: [])
        link = Link(
            agreement: Agreement(
                link: .random(), forward: [LaneTerms(transport: .sharedMemory)], backward: [],
                requirements: Requirements(), relation: relation),
            decision: Decision(request: Requirements(), relation: relation, costSource: "test", candidates: []),
            role: .dialer, name: "frames", reactor: reactor, peer: nil, connection: nil)
    }

    private func wait(_ style: WaitStyle, _ deadline: Deadline) async -> NaruError.Code? {
        link.outbound.prepare()
        do {
            switch style {
            case .task: try await link.sleep(link.outbound, .ended, deadline: deadline, "send")
            case .thread: try link.block(link.outbound, .ended, deadline: deadline, "send")
            }
            return nil
        } catch {
            return error.code
        }
    }

    @Test(arguments: [WaitStyle.task, .thread])
    func aDeadlineThatComesFirstLeavesTheLinkAsItIs(_ style: WaitStyle) async {
        for _ in 0..<3 {
            #expect(await wait(style, .after(.milliseconds(1))) == .deadlineExceeded)
            #expect(await wait(style, .now) == .deadlineExceeded)
            #expect(link.closeReason == nil)
        }
        // The news comes, and is what counts.
        link.close(.finished)
        #expect(await wait(style, .now) == nil)
        #expect(link.closeReason == .finished)
        reactor.shutdown()
    }

    /// However short each wait is: the grace counts from the first.
    @Test(arguments: [WaitStyle.task, .thread], [Duration.milliseconds(3), .seconds(20)])
    func withoutNewsThePeerCountsAsVanishedInTheEnd(_ style: WaitStyle, _ patience: Duration) async {
        let limit = Deadline.after(.seconds(20))
        while link.closeReason == nil, !limit.isPast { _ = await wait(style, .after(patience)) }
        #expect(link.closeReason == .peerVanished)
        reactor.shutdown()
    }

    @Test func aWaitForTheNewsIsCancelled() async throws {
        let waiting = Task { await wait(.task, .never) }
        waiting.cancel()
        #expect(await waiting.value == .cancelled)
        #expect(link.closeReason == nil)
        reactor.shutdown()
    }
}

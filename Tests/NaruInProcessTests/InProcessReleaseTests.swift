// Naru: messages between programs by the fastest valid mechanism.
// Copyright the Naru authors. Licensed under the Apache License, Version 2.0 (see LICENSE).

import NaruCore
import NaruInProcess
import Testing

/// Nothing is kept once both ends have closed.
@Suite struct InProcessReleaseTests {
    /// Which end closes first, and whether it closes or is just dropped.
    enum Order: CaseIterable {
        case senderFirst, receiverFirst, dropped
    }

    @Test(arguments: Order.allCases)
    func unreadMessagesAreReleased(order: Order) throws {
        var weakMessages: [() -> OwnedMessage?] = []
        var link: TestLink? = try TestLink(.init(ringByteCount: 1024))
        // Most of a lap first, so that the unread ones lie across the end of the ring, behind a wrap.
        for _ in 0..<6 {
            #expect(try link?.outbound().trySend(pattern(0, 120)) == true)
            #expect(try link?.inbound().take().count == 1)
        }
        for index in 0..<11 {
            let message = OwnedMessage(pattern(index, 300))
            weakMessages.append { [weak message] in message }
            #expect(try link?.outbound().trySend(RecordHeader(), adopting: message) == true)
            if index < 5 { #expect(try link?.inbound().take(1).count == 1) }
        }
        #expect(weakMessages.map { $0() != nil } == (0..<11).map { $0 >= 5 })
        switch order {
        case .senderFirst:
            try link?.outbound().close()
            #expect(weakMessages.last?() != nil)
            try link?.inbound().close()
        case .receiverFirst:
            try link?.inbound().close()
            try link?.outbound().close()
        case .dropped:
            link = nil
        }
        #expect(weakMessages.allSatisfy { $0() == nil })
    }

    @Test func heldMessagesAreReleased() throws {
        let link = try TestLink()
        weak var weakMessage: OwnedMessage?
        do {
            let message = OwnedMessage([1])
            weakMessage = message
            link.dialer.outbound?.hold()
            #expect(try link.outbound().trySend(RecordHeader(), adopting: message))
        }
        try link.inbound().close()
        #expect(weakMessage != nil)
        try link.outbound().close()
        #expect(weakMessage == nil)
    }
}

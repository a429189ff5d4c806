// Naru: messages between programs by the fastest valid mechanism.
// Copyright the Naru authors. Licensed under the Apache License, Version 2.0 (see LICENSE).

import NaruSystem
import Testing

@testable import NaruCore

@Suite struct MailboxTests {
    private let gone = NaruError(.closed, operation: "accept", object: "local:test", reason: "the listener closed")

    /// A peer may have come, sent and gone before anybody took its link.
    @Test func whatIsThereAtTheEndIsTakenFirst() throws {
        let mailbox = Mailbox<Int>()
        mailbox.put(1)
        mailbox.end(gone)
        #expect(!mailbox.put(2))
        #expect(try mailbox.waitBlocking(deadline: .never, "accept", "local:test") == 1)
        #expect(throws: NaruError.self) { try mailbox.waitBlocking(deadline: .never, "accept", "local:test") }
    }

    @Test func aClosedMailboxDropsWhatNobodyTook() throws {
        let mailbox = Mailbox<Int>()
        mailbox.put(1)
        mailbox.close(gone)
        #expect(throws: NaruError.self) { try mailbox.waitBlocking(deadline: .never, "accept", "local:test") }
    }

    @Test func closedAfterItsEndItDropsToo() throws {
        let mailbox = Mailbox<Int>()
        mailbox.put(1)
        mailbox.end(gone)
        mailbox.close(gone)
        #expect(throws: NaruError.self) { try mailbox.waitBlocking(deadline: .never, "accept", "local:test") }
    }
}

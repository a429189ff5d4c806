// Naru: messages between programs by the fastest valid mechanism.
// Copyright the Naru authors. Licensed under the Apache License, Version 2.0 (see LICENSE).

import NaruConformance
import NaruCore
import NaruSystem
import Testing

/// The moment between the end of a reader's lane and the news of why, held open: the thread that would bring the news
/// is kept busy.
@Suite(.timeLimit(.minutes(1))) struct GoneReaderTests {
    @Test(arguments: MemoryTransport.Temper.allCases)
    func aSenderThatDoesNotWaitSaysThatTheReaderIsGone(_ temper: MemoryTransport.Temper) async throws {
        let pair = try RuntimePair([MemoryTransport(temper)])
        let (sender, receiver) = try await pair.connect()
        let (busy, free) = (try EventCounter(), try EventCounter())
        pair.dialer.reactor.perform {
            busy.signal()
            _ = try? free.descriptor.poll(.readable, deadline: .after(.seconds(20)))
        }
        _ = try busy.descriptor.poll(.readable, deadline: .after(.seconds(20)))
        receiver.close()
        for _ in 0..<2 {
            let error = try await naruError { while unsafe try sender.trySend([1, 2, 3].span.bytes) {} }
            #expect(error?.code == .peerVanished)
            #expect(error?.closeReason == .peerVanished)
        }
        free.signal()
    }

    /// A reader that closes and says so is told as finished, however late the thread is that brings the news.
    @Test(arguments: MemoryTransport.Temper.allCases)
    func newsThatComeLateAreStillTheReason(_ temper: MemoryTransport.Temper) async throws {
        let pair = try RuntimePair([MemoryTransport(temper)])
        let (sender, receiver) = try await pair.connect()
        let (busy, free) = (try EventCounter(), try EventCounter())
        pair.dialer.reactor.perform {
            busy.signal()
            _ = try? free.descriptor.poll(.readable, deadline: .after(.seconds(20)))
        }
        _ = try busy.descriptor.poll(.readable, deadline: .after(.seconds(20)))
        receiver.close()
        let control = sender.control
        let opener = try SystemThread(name: "test") {
            // Until the sender has met the end of the lane and waited longer than for a prompt word.
            let limit = Deadline.after(.milliseconds(400))
            while control.closeReason == nil, !limit.isPast { Processor.yield() }
            free.signal()
        }
        let error = try await naruError {
            while true { try sender.blocking.send([1, 2, 3], deadline: .after(.seconds(20))) }
        }
        opener.join()
        #expect(error?.code == .finished)
        #expect(control.closeReason == .finished)
    }
}

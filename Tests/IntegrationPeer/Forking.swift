// Naru: messages between programs by the fastest valid mechanism.
// Copyright the Naru authors. Licensed under the Apache License, Version 2.0 (see LICENSE).

import CIntegrationPeer
import Naru
import NaruSystem

/// An end of a link that forks in the middle of its work. The child tries everything that an endpoint can do, closes it
/// and lets go of it; then the parent goes on as if nothing had been.
///
/// Prints `linked TRANSPORT`, `child RESULT` (0: every operation threw `forked`, else a bit for each that did not),
/// then `finished COUNT`.
final class Forking {
    private var naru: Naru?
    private var sender: Sender?
    private var receiver: Receiver?
    private var listener: Listener?

    static func send(_ link: String) async throws {
        let forking = Forking()
        let naru = try await Naru()
        let sender = try await naru.sender(link)
        Peer.report("linked \(sender.transport)")
        // A lane may have gathered the latest of these: the child has a copy of what is not written yet.
        for number in 1...100 as ClosedRange<UInt64> { try await sender.send(message(number)) }
        (forking.naru, forking.sender) = (naru, sender)
        forking.listener = try naru.listener("forked-listener")
        forking.fork()
        for number in 101...200 as ClosedRange<UInt64> { try await sender.send(message(number)) }
        try await sender.finish()
        Peer.report("finished 200")
        await naru.shutdown()
    }

    static func receive(_ link: String) async throws {
        let forking = Forking()
        let naru = try await Naru()
        let receiver = try await naru.receiver(link)
        Peer.report("linked \(receiver.transport)")
        var taken: UInt64 = 0
        func take(_ message: MessageView) throws {
            guard Contents.isRight(message.bytes, taken + 1) else { throw WrongMessage(number: taken + 1) }
            taken += 1
        }
        while taken < 100 { _ = try await receiver.receive(take) }
        (forking.naru, forking.receiver) = (naru, receiver)
        forking.fork()
        try await receiver.forEach(take)
        Peer.report("finished \(taken)")
        await naru.shutdown()
    }

    private static func message(_ number: UInt64) -> [UInt8] {
        var bytes = [UInt8](repeating: 0, count: 64)
        Contents.fill(&bytes, number)
        return bytes
    }

    private func fork() {
        let context = unsafe Unmanaged.passUnretained(self).toOpaque()
        // This object outlives the call, which returns in the parent only.
        let result = unsafe peer_fork(
            { unsafe Unmanaged<Forking>.fromOpaque($0).takeUnretainedValue().child() }, context)
        (naru, sender, receiver) = (nil, nil, nil)
        listener?.close()
        listener = nil
        Peer.report("child \(result)")
    }

    /// In the child.
    private func child() -> Int32 {
        var failures: Int32 = 0
        func expectForked(_ bit: Int32, _ operation: () throws -> Void) {
            do {
                try operation()
                failures |= bit
            } catch {
                if (error as? NaruError)?.code != .forked { failures |= bit }
            }
        }
        if let sender {
            expectForked(1) { _ = unsafe try sender.trySend([1, 2, 3].span.bytes) }
            expectForked(2) { try sender.blocking.send([1, 2, 3]) }
            expectForked(4) { try sender.blocking.flush() }
            expectForked(8) { try sender.blocking.finish() }
            expectForked(16) { try sender.blocking.withLoan(byteCount: 8) { _ in } }
            sender.control.close()
            sender.close()
        }
        if let receiver {
            expectForked(1) { _ = try receiver.blocking.receive { _ in } }
            expectForked(2) { _ = try receiver.blocking.next() }
            receiver.control.close()
            receiver.close()
        }
        if let naru {
            expectForked(32) { _ = try naru.blocking.sender("forked-other") }
            expectForked(64) { _ = try naru.listener("forked-other") }
        }
        listener?.close()
        naru?.blocking.shutdown()
        (sender, receiver, listener, naru) = (nil, nil, nil, nil)
        return failures
    }
}

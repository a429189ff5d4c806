// Naru: messages between programs by the fastest valid mechanism.
// Copyright the Naru authors. Licensed under the Apache License, Version 2.0 (see LICENSE).

internal import Synchronization

/// Closes a TCP connection so that what was sent still arrives.
///
/// A socket that is closed while something it received was not read makes the kernel reset the connection, and what had
/// not reached the other end by then is lost. So the sending side is shut down first, and what comes is read and thrown
/// away until the other end has closed too.
public enum LingeringClose {
    /// How much is thrown away at most: a peer that never stops sending is not waited for.
    private static let maximumBytes = 64 << 20

    private struct State {
        var registration: Reactor.Registration?
        var timer: Reactor.Timer?
        var discarded = 0
        var isOver = false
    }

    /// Takes over a connected socket and closes it when the other end has, after `time` at the latest, or at once where
    /// the reactor is shut down. Nobody may use the descriptor any more.
    public static func close(_ descriptor: Descriptor, reactor: Reactor, within time: Duration) {
        descriptor.shutdownWrite()
        let state = Guard()
        let end: @Sendable () -> Void = {
            let (registration, timer, first) = state.value.withLock { value in
                defer { (value.registration, value.timer, value.isOver) = (nil, nil, true) }
                return (value.registration, value.timer, !value.isOver)
            }
            guard first else { return }
            if let registration { reactor.remove(registration) }
            if let timer { reactor.cancel(timer) }
            descriptor.close()
        }
        guard
            let registration = try? reactor.add(
                descriptor, events: [.readable], oneShot: false,
                handler: { _ in if discard(descriptor, state) { end() } })
        else { return end() }
        let timer = reactor.schedule(at: .after(time), end)
        let isOver = state.value.withLock { value in
            if !value.isOver { (value.registration, value.timer) = (registration, timer) }
            return value.isOver
        }
        if isOver {
            reactor.remove(registration)
            reactor.cancel(timer)
        }
    }

    private final class Guard: Sendable {
        let value = Mutex(State())
    }

    /// Reads what is there; whether there will be no more, or there was too much.
    private static func discard(_ descriptor: Descriptor, _ state: Guard) -> Bool {
        // Safe: the buffer is the callee's for the call only.
        unsafe withUnsafeTemporaryAllocation(byteCount: 65_536, alignment: 8) { buffer in
            for _ in 0..<16 {
                switch unsafe try? descriptor.receive(into: buffer) {
                case .bytes(let count)?:
                    let total = state.value.withLock { value in
                        value.discarded += count
                        return value.discarded
                    }
                    if total > maximumBytes { return true }
                case .wouldBlock?: return false
                default: return true  // The end of the stream, or an error.
                }
            }
            return false
        }
    }
}

// Naru: messages between programs by the fastest valid mechanism.
// Copyright the Naru authors. Licensed under the Apache License, Version 2.0 (see LICENSE).

internal import NaruCore
internal import NaruSystem
internal import Synchronization

/// A transport whose openings pause where a line wants it; otherwise the transport it wraps.
struct PausingTransport: Transport {
    private let base: any Transport
    /// Where openings pause, and those that do.
    let pause = Pause()

    init(_ base: any Transport) {
        self.base = base
    }

    var name: TransportName { base.name }
    func probe() -> CapabilityRecord { base.probe() }

    func open(_ request: OpeningRequest) throws(NaruError) -> any Opening {
        let opening = try base.open(request)
        guard let step = pause.step(of: request.role) else { return opening }
        do {
            return PausingOpening(opening, step, pause, try EventCounter())
        } catch {
            throw NaruError(error, operation: "open", object: "pause")
        }
    }
}

/// A place in openings, and what waits there.
final class Pause: Sendable {
    private struct State {
        var place: (role: Role, step: Int)?
        var waiting: [ObjectIdentifier: EventCounter] = [:]
    }
    private let state = Mutex(State())

    /// Openings of this role that begin from now on pause before their `advance` of this number, counted from 0; `nil`:
    /// none does.
    func set(_ role: Role?, atStep step: Int = 0) {
        state.withLock { $0.place = role.map { ($0, step) } }
    }

    /// How many openings wait now.
    var count: Int { state.withLock { $0.waiting.count } }

    /// Lets those that wait fail.
    func fail() {
        for counter in state.withLock({ Array($0.waiting.values) }) { counter.signal() }
    }

    fileprivate func step(of role: Role) -> Int? {
        state.withLock { $0.place?.role == role ? $0.place?.step : nil }
    }

    fileprivate func enter(_ opening: PausingOpening, _ counter: EventCounter) {
        state.withLock { $0.waiting[ObjectIdentifier(opening)] = counter }
    }

    fileprivate func leave(_ id: ObjectIdentifier) {
        state.withLock { $0.waiting[id] = nil }
    }
}

private final class PausingOpening: Opening {
    private let base: any Opening
    private var stepsLeft: Int
    private let pause: Pause
    private let counter: EventCounter

    init(_ base: any Opening, _ step: Int, _ pause: Pause, _ counter: EventCounter) {
        self.base = base
        stepsLeft = step
        self.pause = pause
        self.counter = counter
    }

    deinit {
        pause.leave(ObjectIdentifier(self))
    }

    func advance(_ event: OpeningEvent) throws(NaruError) -> OpeningStep {
        defer { stepsLeft -= 1 }
        switch stepsLeft {
        case 0:
            pause.enter(self, counter)
            return .wait(counter.descriptor, .readable)
        case ..<0:
            throw NaruError(
                .resourceExhausted, operation: "open", object: "pause", reason: "it failed when it was let go")
        default: return try base.advance(event)
        }
    }
}

// Naru: messages between programs by the fastest valid mechanism.
// Copyright the Naru authors. Licensed under the Apache License, Version 2.0 (see LICENSE).

public import NaruSystem

extension Runtime {
    /// The operations that wait, for threads of the program's own. Never call them from a task.
    public var blocking: BlockingRuntime { BlockingRuntime(self) }
}

/// The blocking forms of a ``Runtime``'s operations.
public struct BlockingRuntime: Sendable {
    let runtime: Runtime

    init(_ runtime: Runtime) {
        self.runtime = runtime
    }

    /// As ``Runtime/sender(_:_:deadline:)``; blocks the calling thread.
    public func sender(
        _ address: Address, _ request: LinkRequest = LinkRequest(), deadline: Deadline = .after(.seconds(30))
    ) throws(NaruError) -> sending Sender {
        if request.isAttached(at: address) {
            var attacher = runtime.attacher(address, request, sends: true, receives: false, deadline)
            return try runtime.makeSender(try attacher.attachBlocking())
        }
        if case .inherited(let name) = address {
            return try sender(try runtime.inheritedEnd(name), request, deadline: deadline)
        }
        var dialer = runtime.dialer(address, request, sends: true, receives: false, deadline)
        return try runtime.makeSender(try dialer.dialBlocking())
    }

    /// As ``Runtime/receiver(_:_:deadline:)``; blocks the calling thread.
    public func receiver(
        _ address: Address, _ request: LinkRequest = LinkRequest(), deadline: Deadline = .after(.seconds(30))
    ) throws(NaruError) -> sending Receiver {
        if request.isAttached(at: address) {
            var attacher = runtime.attacher(address, request, sends: false, receives: true, deadline)
            return try runtime.makeReceiver(try attacher.attachBlocking())
        }
        if case .inherited(let name) = address {
            return try receiver(try runtime.inheritedEnd(name), request, deadline: deadline)
        }
        let listener = try runtime.listener(address, request, sends: false, receives: true, .one)
        guard let established = try listener.nextBlocking(deadline: deadline) else { throw listener.nobodyCame() }
        return try runtime.makeReceiver(established, listener)
    }

    /// As ``Runtime/channel(_:_:deadline:)``; blocks the calling thread.
    public func channel(
        _ address: Address, _ request: LinkRequest = LinkRequest(), deadline: Deadline = .after(.seconds(30))
    ) throws(NaruError) -> sending Channel {
        try request.duplex.checkNegotiated(at: address, "open a channel of")
        if case .inherited(let name) = address {
            return try channel(try runtime.inheritedEnd(name), request, deadline: deadline)
        }
        var dialer = runtime.dialer(address, request.duplex, sends: true, receives: true, deadline)
        return try runtime.makeChannel(try dialer.dialBlocking())
    }
}

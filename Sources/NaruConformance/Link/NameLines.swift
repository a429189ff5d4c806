// Naru: messages between programs by the fastest valid mechanism.
// Copyright the Naru authors. Licensed under the Apache License, Version 2.0 (see LICENSE).

internal import NaruCore
internal import NaruSystem
internal import Synchronization

extension Conformance {
    /// Names that are absent, stale, contested; listeners that go in the middle.
    static let nameLines: [ConformanceLine] = [
        .link(
            "link.stale",
            "A socket that nobody listens on any more counts as nobody; the next listener replaces it."
        ) { subject in
            try await LinkBench.run(subject) { bench in
                try UnixSocket.listen(path: bench.socketPath, backlog: 1, permissions: 0o600).close()
                for deadline in [Deadline.now, .after(.milliseconds(20))] {
                    try await expectError(.unreachable, "a dial to a stale socket") {
                        _ = try await bench.dialer.sender(bench.address, bench.request(), deadline: deadline)
                    }
                    try await Worker.run {
                        try expectError(.unreachable, "a blocking dial to a stale socket") {
                            _ = try bench.dialer.blocking.sender(bench.address, bench.request(), deadline: deadline)
                        }
                    }
                }
                try await transfer([1, 2], .copy, .task, try await bench.connect())
            }
        },
        .link(
            "link.now",
            "A dial that does not wait: to nobody it is unreachable, to a listener it connects or says that time is up."
        ) { subject in
            try await LinkBench.run(subject) { bench in
                let (address, request) = (bench.address, bench.request())
                try await expectError(.unreachable, "a dial to nobody that does not wait") {
                    _ = try await bench.dialer.sender(address, request, deadline: .now)
                }
                try await expectError(.unreachable, "a receiver that does not wait for its sender") {
                    _ = try await bench.listener.receiver(address, request, deadline: .now)
                }
                try await Worker.run {
                    try expectError(.unreachable, "a blocking dial to nobody that does not wait") {
                        _ = try bench.dialer.blocking.sender(address, request, deadline: .now)
                    }
                    try expectError(.unreachable, "a blocking receiver that does not wait for its sender") {
                        _ = try bench.listener.blocking.receiver(address, request, deadline: .now)
                    }
                }
                let listener = try bench.listen()
                for _ in 0..<20 {
                    let code = try await thrownCode {
                        _ = try await bench.dialer.sender(address, request, deadline: .now)
                    }
                    try expect(
                        code == nil || code == .deadlineExceeded,
                        "a dial to a listener that does not wait: found the error \(code?.description ?? "none")")
                }
                listener.close()
                try await transfer([1, 2], .copy, .task, try await bench.connect())
            }
        },
        .link(
            "link.accept",
            "An accept ends with a link, at its deadline, when its task is cancelled, or when its listener closes."
        ) { subject in
            try await LinkBench.run(subject) { bench in
                let listener = try bench.listen()
                for deadline in [Deadline.now, .after(.milliseconds(5))] {
                    let found = try await listener.nextReceiver(deadline: deadline) != nil
                    try expect(!found, "an accept yields a link that nobody dialed")
                }
                try await expectCancelled("an accept") {
                    _ = try await listener.nextReceiver(deadline: Limit.wait)
                }
                // What gave up takes nothing from those that come after it.
                try await transfer([1, 2], .copy, .task, try await bench.connect(to: listener))
                try await together {
                    try await expectError(.closed, "an accept whose listener closes") {
                        _ = try await listener.nextReceiver(deadline: Limit.wait)
                    }
                } _: {
                    try await Task.sleep(for: .milliseconds(3))
                    for _ in 0..<3 { listener.close() }
                }
                try await expectError(.closed, "an accept from a listener that has closed") {
                    _ = try await listener.nextReceiver(deadline: .now)
                }
            }
        },
        .link(
            "link.contested", alone: true,
            "Two that take and leave one name at once: one has it at a time, the other is told busy, nothing stays."
        ) { subject in
            try await LinkBench.run(subject) { bench in
                let holders = Holders()
                try await together {
                    try await Worker.run { try holders.contest(bench.dialer, bench) }
                } _: {
                    try await Worker.run { try holders.contest(bench.listener, bench) }
                }
                let left = try FileSystem.list(bench.folder.path)
                try expectEqual(left, [], "what two that came and went left in their folder")
                try await transfer([1, 2], .copy, .task, try await bench.connect())
            }
        },
        .link(
            "link.restart.opening",
            "The listener restarts in the middle of a handshake: the dialer comes to the new one, and links once."
        ) { subject in
            try await pausing(subject) { bench, pause in
                for role in [Role.dialer, .listener] {
                    for step in 0..<Self.mostSteps {
                        pause.set(role, atStep: step)
                        let first = try bench.listen()
                        let isOver = try await Self.restart(first, bench, pause)
                        if isOver { break }
                    }
                }
            }
        },
        .link(
            "link.close.opening", alone: true,
            "The listener closes while an opening fails: the dialer has a typed error, and nothing stays."
        ) { subject in
            try await pausing(subject) { bench, pause in
                for role in [Role.dialer, .listener] {
                    pause.set(role, atStep: 1)
                    try await ProcessResources.expectNoGrowth(rounds: 24) { round in
                        let listener = try bench.listen()
                        try await together {
                            let code = try await thrownCode {
                                _ = try await bench.dialer.sender(
                                    bench.address, bench.request(), deadline: .after(.milliseconds(60)))
                            }
                            // The last two where the deadline passed while the listener went.
                            let expected: [NaruError.Code] = [
                                .noTransport, .unreachable, .deadlineExceeded, .closed, .peerVanished,
                            ]
                            try expect(
                                code.map(expected.contains) == true,
                                "a dial whose listener closes while its opening fails: \(code?.description ?? "none")")
                        } _: {
                            let deadline = Deadline.after(.milliseconds(50))
                            while pause.count == 0, !deadline.isPast { try await Task.sleep(for: .milliseconds(1)) }
                            try await Worker.run {
                                try Worker.together {
                                    round % 2 == 0 ? pause.fail() : listener.close()
                                } _: {
                                    round % 2 == 0 ? listener.close() : pause.fail()
                                }
                            }
                        }
                    }
                    try await until("openings that were given up are gone") { pause.count == 0 }
                }
            }
        },
    ]

    /// More steps than any opening is taken to have.
    private static let mostSteps = 20

    /// Runs a line with a transport whose openings can be made to pause.
    private static func pausing(
        _ subject: Subject, _ body: (LinkBench, Pause) async throws -> Void
    ) async throws -> ConformanceOutcome {
        let transport = PausingTransport(subject.transport)
        let paused = Subject(transport: transport, record: subject.record, patience: subject.patience)
        return try await LinkBench.run(paused) { try await body($0, transport.pause) }
    }

    /// Closes a listener in whose handshake an opening pauses, and opens another; `true` when none paused, because it
    /// was done before.
    private static func restart(_ first: Listener, _ bench: LinkBench, _ pause: Pause) async throws -> Bool {
        let (send, receive) = (Handoff<Sender?>(nil), Handoff<Receiver?>(nil))
        let isLinked = Flag()
        let wasPaused = Flag()
        try await together {
            send.put(try await bench.dialer.sender(bench.address, bench.request(), deadline: Limit.wait))
            isLinked.set()
        } _: {
            try await until("an opening pauses, or there is a link") { pause.count > 0 || isLinked.isSet }
            pause.set(nil)
            guard pause.count > 0 else {
                receive.put(try await first.nextReceiver(deadline: Limit.wait))
                return first.close()
            }
            wasPaused.set()
            first.close()
            let second = try bench.listen()
            receive.put(try await second.nextReceiver(deadline: Limit.wait))
            try expect(
                try await second.nextReceiver(deadline: .after(.milliseconds(5))) == nil, "a dial that linked twice")
            second.close()
        }
        guard let sender = try send.take(), let receiver = try receive.take() else {
            throw Complaint("no link, and no error")
        }
        try await transfer([1, 2], .copy, .task, (sender, receiver))
        try await until("openings that were given up are gone") { pause.count == 0 }
        return !wasPaused.isSet
    }
}

/// Something that has happened.
private final class Flag: Sendable {
    // Relaxed: it orders nothing; whoever looks looks again.
    private let value = Atomic(false)
    var isSet: Bool { value.load(ordering: .relaxed) }
    func set() { value.store(true, ordering: .relaxed) }
}

/// Those who have a name at the moment.
private final class Holders: Sendable {
    private let count = Atomic(0)

    /// Takes and leaves the name, again and again.
    func contest(_ runtime: Runtime, _ bench: LinkBench) throws {
        var held = 0
        var tries = 0
        // Each side is to have it often, and a side that has had it often stays until the other has.
        while held < 200 {
            tries += 1
            if tries == 1_000_000 { throw Complaint("one of two had the name \(held) times in \(tries) tries") }
            var listener: Listener?
            let code = try thrownCode { listener = try runtime.listener(bench.address, bench.request()) }
            guard let listener else {
                try expectEqual(code, .busy, "the error of a listener whose name another has")
                continue
            }
            // Sequentially consistent, so that two who hold it at once cannot both read 0.
            let others = count.add(1, ordering: .sequentiallyConsistent).oldValue
            held += 1
            count.subtract(1, ordering: .sequentiallyConsistent)
            listener.close()
            try expectEqual(others, 0, "how many others had the name meanwhile")
        }
    }
}

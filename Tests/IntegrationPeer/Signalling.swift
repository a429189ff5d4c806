// Naru: messages between programs by the fastest valid mechanism.
// Copyright the Naru authors. Licensed under the Apache License, Version 2.0 (see LICENSE).

import CIntegrationPeer
import Naru
import NaruSystem

/// Users of permits and signals in processes of their own, so that a test can stop or kill them there.
///
///     permits-hold LINK COUNT           acquires one of COUNT: `held TRANSPORT`; when its input ends `released`
///     permits-try LINK COUNT MS         `open`; when its input ends acquires COUNT in this time: `acquired COUNT`
///     permits-wait LINK                 opens, waits for one: `open`, then `acquired 1`
///     permits-loop LINK COUNT PROGRESS  acquires and releases until its input ends; PROGRESS counts
///     permits-hand-over                 makes one without a name, and has children use it; see ``handOver()``
///     permits-adopted                   holds the one that is descriptor 3, as permits-hold
///     permits-forked LINK               acquires, and tries everything in a forked child: `child RESULT`, a bit for
///                                       each operation that did not throw `forked`; then `held 1 available 0`
///     signal-post LINK COUNT            posts: `posted`; stays until its input ends
///     signal-wait LINK                  `open`, then `taken TRANSPORT`
///     make-fifo                         a named pipe in the runtime directory, until its input ends: its name
enum Signalling {
    static func run(_ arguments: [String]) async throws -> Bool {
        switch (arguments.first, arguments.count) {
        case ("permits-hold", 3): try await hold(arguments[1], Int(arguments[2]) ?? 1)
        case ("permits-try", 4):
            try await attempt(arguments[1], Int(arguments[2]) ?? 1, milliseconds: Int(arguments[3]) ?? 0)
        case ("permits-wait", 2): try await acquire(arguments[1])
        case ("permits-loop", 4): try await loop(arguments[1], Int(arguments[2]) ?? 1, Progress(path: arguments[3]))
        case ("permits-hand-over", 1): try await handOver()
        case ("permits-adopted", 1): try await adopt()
        case ("permits-forked", 2): try await forked(arguments[1])
        case ("signal-post", 3): try await post(arguments[1], Int(arguments[2]) ?? 1)
        case ("signal-wait", 2): try await wait(arguments[1])
        case ("make-fifo", 1): try makeFIFO()
        default: return false
        }
        return true
    }

    private static func hold(_ link: String, _ count: Int) async throws {
        let naru = try await Naru()
        let permits = try naru.permits(link, count: count)
        try await permits.acquire(deadline: .after(.seconds(60)))
        Peer.report("held \(permits.decision.chosen?.transport.rawValue ?? "none")")
        try Peer.awaitEndOfInput()
        try permits.release()
        Peer.report("released")
        await naru.shutdown()
    }

    private static func attempt(_ link: String, _ count: Int, milliseconds: Int) async throws {
        let naru = try await Naru()
        let permits = try naru.permits(link)
        Peer.report("open")
        try Peer.awaitEndOfInput()
        do {
            try permits.blocking.acquire(count, deadline: .after(.milliseconds(milliseconds)))
            Peer.report("acquired \(count)")
        } catch {
            Peer.report("error \(error.code)")
        }
        await naru.shutdown()
    }

    private static func acquire(_ link: String) async throws {
        let naru = try await Naru()
        let permits = try naru.permits(link)
        Peer.report("open")
        try await permits.acquire(deadline: .after(.seconds(60)))
        Peer.report("acquired 1")
        await naru.shutdown()
    }

    private static func loop(_ link: String, _ count: Int, _ progress: Progress) async throws {
        let naru = try await Naru()
        let permits = try naru.permits(link, count: count)
        let input = Descriptor(adopting: 0)
        var rounds: UInt64 = 0
        while try input.poll(.readable, deadline: .now).isEmpty {
            try await permits.withPermit(deadline: .after(.seconds(60))) {
                rounds += 1
                progress.store(rounds)
            }
        }
        Peer.report("finished")
        await naru.shutdown()
    }

    /// Prints `child released true`: a child that releases gives the permit back; `child killed false`: one that is
    /// killed does not, as the record says.
    private static func handOver() async throws {
        let naru = try await Naru()
        let permits = try naru.runtime.permits(count: 1)
        guard let descriptor = permits.descriptor else { return Peer.report("error no descriptor") }
        for isKilled in [false, true] {
            let (output, childOutput) = try UnixSocket.pair(kind: .stream)
            let (input, childInput) = try UnixSocket.pair(kind: .stream)
            let child = try ChildProcess(
                executable: ChildProcess.executablePath, arguments: ["permits-adopted"], standardInput: childInput,
                standardOutput: childOutput, inherit: [(descriptor, as: 3)])
            var line = [UInt8](repeating: 0, count: 64)
            _ = try output.poll(.readable, deadline: .after(.seconds(60)))
            _ = unsafe try line.withUnsafeMutableBytes { unsafe try output.read(into: $0) }
            guard try !permits.tryAcquire() else { return Peer.report("error two have one permit") }
            if isKilled { child.kill(Signals.kill) } else { input.close() }
            _ = child.wait()
            let isBack = try permits.tryAcquire()
            Peer.report("child \(isKilled ? "killed" : "released") \(isBack)")
            if isBack { try permits.release() }
        }
        await naru.shutdown()
    }

    private static func adopt() async throws {
        let naru = try await Naru()
        let permits = try naru.runtime.permits(adopting: Descriptor(adopting: 3))
        try await permits.acquire(deadline: .after(.seconds(60)))
        Peer.report("held \(permits.decision.chosen?.transport.rawValue ?? "none")")
        try Peer.awaitEndOfInput()
        try permits.release()
        await naru.shutdown()
    }

    private static func forked(_ link: String) async throws {
        let naru = try await Naru()
        let permits = try naru.permits(link, count: 1)
        try await permits.acquire(deadline: .after(.seconds(60)))
        let result = ForkedChild.run {
            var failures: Int32 = 0
            func expectForked(_ bit: Int32, _ operation: () throws(NaruError) -> Void) {
                do throws(NaruError) {
                    try operation()
                    failures |= bit
                } catch {
                    if error.code != .forked { failures |= bit }
                }
            }
            expectForked(1) { () throws(NaruError) in try permits.release() }
            expectForked(2) { () throws(NaruError) in _ = try permits.tryAcquire() }
            expectForked(4) { () throws(NaruError) in _ = try permits.available() }
            expectForked(8) { () throws(NaruError) in try permits.blocking.acquire(deadline: .now) }
            expectForked(16) { () throws(NaruError) in _ = try naru.permits("forked-other") }
            permits.close()
            naru.blocking.shutdown()
            return failures
        }
        Peer.report("child \(result)")
        Peer.report("held \(permits.held) available \(try permits.available())")
        await naru.shutdown()
    }

    private static func post(_ link: String, _ count: Int) async throws {
        let naru = try await Naru()
        let signal = try naru.signal(link)
        try signal.post(count)
        Peer.report("posted")
        try Peer.awaitEndOfInput()
        signal.close()
        await naru.shutdown()
    }

    private static func makeFIFO() throws {
        let name = TransientName.make("fifo").text
        let path = (HostInformation.environment("NARU_RUNTIME_DIR") ?? ".") + "/" + name
        try FileSystem.makeFIFO(path, permissions: 0o600)
        Peer.report(name)
        try Peer.awaitEndOfInput()
        try FileSystem.remove(path)
    }

    private static func wait(_ link: String) async throws {
        let naru = try await Naru()
        let signal = try naru.signal(link)
        Peer.report("open")
        try await signal.wait(deadline: .after(.seconds(60)))
        Peer.report("taken \(signal.decision.chosen?.transport.rawValue ?? "none")")
        await naru.shutdown()
    }
}

/// Runs something in a forked child.
private final class ForkedChild {
    private let body: () -> Int32

    private init(_ body: @escaping () -> Int32) { self.body = body }

    /// What `body` returned there.
    static func run(_ body: @escaping () -> Int32) -> Int32 {
        let child = ForkedChild(body)
        let context = unsafe Unmanaged.passUnretained(child).toOpaque()
        // The object outlives the call, which returns in the parent only.
        return withExtendedLifetime(child) {
            unsafe peer_fork({ unsafe Unmanaged<ForkedChild>.fromOpaque($0).takeUnretainedValue().body() }, context)
        }
    }
}

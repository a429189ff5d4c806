// Naru: messages between programs by the fastest valid mechanism.
// Copyright the Naru authors. Licensed under the Apache License, Version 2.0 (see LICENSE).

import CIntegrationPeer
import Naru
import NaruSystem
import Synchronization

/// A program for the integration tests: one end of a link, in a process of its own, that can be killed at any moment.
///
///     send LINK COUNT BYTES PROGRESS     numbered messages; PROGRESS holds how many were handed over
///     receive LINK PROGRESS              checks number and contents; PROGRESS holds how many were taken
///     receive-starved LINK PROGRESS      the same, with too few descriptors left for a ring
///     mixed-send LINK COUNT LIMIT        see ``MixedSizes``
///     mixed-receive LINK COUNT LIMIT
///     hold-sender LINK                   link up, idle until standard input ends, then one message
///     hold-receiver LINK                 link up, then whatever comes
///     flood PATH COUNT                   connections that say nothing, until standard input ends
///     many-send LINK COUNT               see ``ManyLinks``
///     many-receive LINK COUNT
///     hold-loan LINK BYTES, hold-view LINK PROGRESS, receive-blocking LINK, die-before-bell LINK PROGRESS,
///     parent LINK COMMAND, end-by-exit LINK, end-by-signal LINK, burn        see ``Holding``
///     fork-send LINK, fork-receive LINK  see ``Forking``
///     meet-send LINK, meet-receive LINK  see ``Meeting``
///     dial LINK MILLISECONDS
///     contest LINK COUNT MARK
///     permits-…, signal-…                see ``Signalling``
///     queue-send LINK TRANSPORT ID BYTES, queue-receive LINK TRANSPORT, queue-stop LINK TRANSPORT COUNT,
///     queue-remove LINK                  see ``Queues``
///     interrupted-send LINK              see ``Interrupted``
///     interrupted-receive LINK
///     random-send LINK FILE SEED, random-receive LINK FILE SEED,
///     random-dial LINK INPUT OUTPUT SEED, random-listen LINK INPUT OUTPUT SEED    see ``RandomSizes``
///     parent-send, parent-receive …      see ``Family``
///
/// It prints `linked TRANSPORT` when the link is up and one line at its end: `finished COUNT`, or
/// `error CODE NANOSECONDS REASON`, where the nanoseconds are the monotonic clock's.
@main
struct Peer {
    static func main() async {
        let arguments = Array(CommandLine.arguments.dropFirst())
        do {
            try await run(arguments)
        } catch let error as NaruError {
            report("error \(error.code) \(MonotonicClock.nanoseconds()) \(error)")
        } catch {
            report("error other \(MonotonicClock.nanoseconds()) \(error)")
        }
    }

    private static func run(_ arguments: [String]) async throws {
        switch (arguments.first, arguments.count) {
        case ("send", 5):
            try await send(
                arguments[1], count: UInt64(arguments[2]) ?? 0, byteCount: Int(arguments[3]) ?? 8,
                Progress(path: arguments[4]))
        case ("receive", 3): try await receive(arguments[1], Progress(path: arguments[2]))
        case ("receive-starved", 3): try await receive(arguments[1], Progress(path: arguments[2]), starved: true)
        case ("mixed-send", 4):
            try await MixedSizes.send(arguments[1], Int(arguments[2]) ?? 0, Int(arguments[3]) ?? 0)
        case ("mixed-receive", 4):
            try await MixedSizes.receive(arguments[1], Int(arguments[2]) ?? 0, Int(arguments[3]) ?? 0)
        case ("hold-sender", 2): try await holdSender(arguments[1])
        case ("hold-receiver", 2): try await holdReceiver(arguments[1])
        case ("flood", 3): try flood(arguments[1], count: Int(arguments[2]) ?? 0)
        case ("many-send", 3): try await ManyLinks.send(arguments[1], count: Int(arguments[2]) ?? 0)
        case ("many-receive", 3): try await ManyLinks.receive(arguments[1], count: Int(arguments[2]) ?? 0)
        case ("hold-loan", 3): try await Holding.loan(arguments[1], byteCount: Int(arguments[2]) ?? 8)
        case ("hold-view", 3): try await Holding.view(arguments[1], Progress(path: arguments[2]))
        case ("receive-blocking", 2): try await Holding.receiveBlocking(arguments[1])
        case ("die-before-bell", 3): try await Holding.dieBeforeTheBell(arguments[1], Progress(path: arguments[2]))
        case ("parent", 3): try await Holding.parent(arguments[1], arguments[2])
        case ("end-by-exit", 2): try await Holding.end(arguments[1], byExit: true)
        case ("end-by-signal", 2): try await Holding.end(arguments[1], byExit: false)
        case ("burn", 1): Holding.burn()
        case ("fork-send", 2): try await Forking.send(arguments[1])
        case ("fork-receive", 2): try await Forking.receive(arguments[1])
        case ("meet-send", 2): try await Meeting.send(arguments[1])
        case ("meet-receive", 2): try await Meeting.receive(arguments[1])
        case ("dial", 3): try await Meeting.dial(arguments[1], milliseconds: Int(arguments[2]) ?? 0)
        case ("contest", 4):
            try await Meeting.contest(arguments[1], count: Int(arguments[2]) ?? 0, mark: arguments[3])
        case ("queue-send", 5):
            try await Queues.send(
                arguments[1], transport: arguments[2], id: UInt32(arguments[3]) ?? 0, byteCount: Int(arguments[4]) ?? 0)
        case ("queue-receive", 3): try await Queues.receive(arguments[1], transport: arguments[2])
        case ("queue-stop", 4):
            try await Queues.stop(arguments[1], transport: arguments[2], count: Int(arguments[3]) ?? 0)
        case ("queue-remove", 2): try await Queues.remove(arguments[1])
        case ("interrupted-send", 2): try await Interrupted.send(arguments[1])
        case ("interrupted-receive", 2): try await Interrupted.receive(arguments[1])
        case ("random-send", 4):
            try await RandomSizes.send(arguments[1], arguments[2], seed: UInt64(arguments[3]) ?? 0)
        case ("random-receive", 4):
            try await RandomSizes.receive(arguments[1], arguments[2], seed: UInt64(arguments[3]) ?? 0)
        case ("random-dial", 5), ("random-listen", 5):
            try await RandomSizes.exchange(
                arguments[1], arguments[2], arguments[3], seed: UInt64(arguments[4]) ?? 0,
                listens: arguments[0] == "random-listen")
        case ("parent-send", 6...), ("parent-receive", 4...), ("parent-echo", 4...), ("parent-random-send", 5...),
            ("parent-random-receive", 5...), ("parent-random-both", 6...), ("echo", 2), ("pass-on", 2),
            ("end-early", 3), ("whose-streams", 2):
            try await Family.run(arguments[0], Array(arguments.dropFirst()))
        case _ where try await Signalling.run(arguments): break
        default: report("error usage 0 unknown arguments \(arguments)")
        }
    }

    private static func send(_ link: String, count: UInt64, byteCount: Int, _ progress: Progress) async throws {
        let naru = try await Naru()
        let sender = try await naru.sender(link)
        report("linked \(sender.decision.chosen?.transport.rawValue ?? "none")")
        for candidate in sender.decision.candidates
        where candidate.verdict == .refused && candidate.reason.contains("failed to open") {
            report("refused \(candidate.transport): \(candidate.reason)")
        }
        var message = [UInt8](repeating: 0, count: max(byteCount, 8))
        var number: UInt64 = 0
        while number < count {
            number += 1
            Contents.fill(&message, number)
            try await sender.send(message)
            // Only what was flushed is handed over and survives this process: lanes may gather.
            if number.isMultiple(of: 16) {
                try await sender.flush()
                progress.store(number)
            }
        }
        try await sender.finish()
        report("finished \(number)")
        sender.close()
        await naru.shutdown()
    }

    private static func receive(_ link: String, _ progress: Progress, starved: Bool = false) async throws {
        let naru = try await Naru()
        // One each for the listener's socket, its lock and the connection, and one for a lane; a ring needs two. What
        // Swift's executor keeps for itself is opened before.
        if starved { _ = try await Resources.settledDescriptors() }
        let hoard = starved ? try Hoard(leaving: 4) : nil
        let receiver = try await naru.receiver(link)
        withExtendedLifetime(hoard) {}
        report("linked \(receiver.decision.chosen?.transport.rawValue ?? "none")")
        var taken: UInt64 = 0
        try await receiver.forEach { message in
            guard Contents.isRight(message.bytes, taken + 1) else { throw WrongMessage(number: taken + 1) }
            taken += 1
            progress.store(taken)
        }
        report("finished \(taken)")
        receiver.close()
        await naru.shutdown()
    }

    private static func holdSender(_ link: String) async throws {
        let naru = try await Naru()
        let sender = try await naru.sender(link)
        report("linked \(sender.decision.chosen?.transport.rawValue ?? "none")")
        try awaitEndOfInput()
        try await sender.send([1, 2, 3])
        try await sender.finish()
        report("finished 1")
        sender.close()
        await naru.shutdown()
    }

    private static func holdReceiver(_ link: String) async throws {
        let naru = try await Naru()
        let receiver = try await naru.receiver(link)
        report("linked \(receiver.decision.chosen?.transport.rawValue ?? "none")")
        try await receiver.forEach { _ in }
        report("finished 0")
    }

    private static func flood(_ path: String, count: Int) throws {
        var connections: [Descriptor] = []
        while connections.count < count {
            do {
                connections.append(try UnixSocket.connect(path: path))
            } catch {
                guard error.errno == SystemErrno.again else { throw error }
                Processor.yield()  // The listener's backlog is full for a moment.
            }
        }
        report("linked none")
        try awaitEndOfInput()
        withExtendedLifetime(connections) {}
        report("finished \(connections.count)")
    }

    /// Waits until whoever started this process lets it go on, or for a minute.
    static func awaitEndOfInput() throws {
        let input = Descriptor(adopting: 0)
        streams.withLock { $0.append(input) }
        _ = try input.poll(.readable, deadline: .after(.seconds(60)))
    }

    /// Ends this process with a code, without unwinding.
    static func exit(_ code: Int32) -> Never { peer_exit(code) }

    /// One line, at once: the test that started this process waits for it.
    static func report(_ line: String) {
        var bytes = Array((line + "\n").utf8)
        let output = Descriptor(adopting: 1)
        _ = unsafe bytes.withUnsafeMutableBytes { unsafe try? output.write(UnsafeRawBufferPointer($0)) }
        streams.withLock { $0.append(output) }
    }

    /// Keeps the standard streams open: a descriptor closes with its last reference.
    private static let streams = Mutex<[Descriptor]>([])
}

/// Takes every descriptor of the process but a few.
struct Hoard {
    private var descriptors: [Descriptor] = []

    init(leaving count: Int) throws {
        descriptors.append(try SystemPipe.make(nonBlocking: true).reading)
        while let next = try? descriptors[0].duplicate() { descriptors.append(next) }
        descriptors.removeLast(count)
    }
}

/// A message that is not the one expected.
struct WrongMessage: Error {
    var number: UInt64
}

/// What the messages hold: their number, then bytes that follow from it.
enum Contents {
    static func fill(_ message: inout [UInt8], _ number: UInt64) {
        for index in 0..<8 { message[index] = UInt8(truncatingIfNeeded: number >> (8 * UInt64(index))) }
        guard message.count > 8 else { return }
        let seed = UInt8(truncatingIfNeeded: number &* 31)
        message[8] = seed
        message[message.count - 1] = seed &+ 1
    }

    static func isRight(_ bytes: RawSpan, _ number: UInt64) -> Bool {
        guard bytes.byteCount >= 8 else { return false }
        // Eight bytes are there, and any eight are an integer.
        guard UInt64(littleEndian: unsafe bytes.unsafeLoadUnaligned(as: UInt64.self)) == number else { return false }
        guard bytes.byteCount > 9 else { return true }
        let seed = UInt8(truncatingIfNeeded: number &* 31)
        return unsafe bytes.unsafeLoad(fromByteOffset: 8, as: UInt8.self) == seed
            && bytes.unsafeLoad(fromByteOffset: bytes.byteCount - 1, as: UInt8.self) == seed &+ 1
    }
}

/// A count in a mapped file that survives its writer's death.
struct Progress {
    private let mapping: Mapping

    init(path: String) throws {
        let file = try FileSystem.open(path, [.read, .write, .create], permissions: 0o600)
        try file.allocate(byteCount: 4096)
        mapping = try Mapping(file, byteCount: 4096, access: .readWrite, prefault: true)
    }

    private var word: UnsafeMutablePointer<Atomic<UInt64>> {
        // The mapping is page aligned, larger than the word, and lives as long as this value.
        unsafe mapping.base.assumingMemoryBound(to: Atomic<UInt64>.self)
    }

    func store(_ count: UInt64) { unsafe word.pointee.store(count, ordering: .releasing) }
    var count: UInt64 { unsafe word.pointee.load(ordering: .acquiring) }
}

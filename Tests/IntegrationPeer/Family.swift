// Naru: messages between programs by the fastest valid mechanism.
// Copyright the Naru authors. Licensed under the Apache License, Version 2.0 (see LICENSE).

import Naru
import NaruSystem

/// Parents: each starts this program again with one link attached, and plays the other end. What a child prints comes
/// out beside what the parent prints, whose lines begin with `parent`.
///
///     parent-send LINK COUNT BYTES PROGRESS CHILD…     numbered messages to the child
///     parent-receive LINK PROGRESS CHILD…              checks the child's
///     parent-echo LINK COUNT CHILD…                    both ways
///     parent-random-send LINK INPUT SEED CHILD…        a file to the child, as ``RandomSizes``
///     parent-random-receive LINK OUTPUT SEED CHILD…    a file from the child
///     parent-random-both LINK INPUT OUTPUT SEED CHILD… both at once
///     echo LINK                                        a child of parent-echo
///     pass-on LINK                                     a child that starts one of its own, without a link
///     end-early LINK CODE                              a child that never opens its link
///     whose-streams LINK                               a child that says whether its streams are as they were
enum Family {
    static func run(_ command: String, _ arguments: [String]) async throws {
        switch command {
        case "parent-send":
            try await send(
                arguments[0], UInt64(arguments[1]) ?? 0, Int(arguments[2]) ?? 8, Progress(path: arguments[3]),
                Array(arguments[4...]))
        case "parent-receive": try await receive(arguments[0], Progress(path: arguments[1]), Array(arguments[2...]))
        case "parent-echo": try await exchange(arguments[0], Int(arguments[1]) ?? 0, Array(arguments[2...]))
        case "parent-random-send":
            try await sendFile(arguments[0], arguments[1], UInt64(arguments[2]) ?? 0, Array(arguments[3...]))
        case "parent-random-receive":
            try await receiveFile(arguments[0], arguments[1], UInt64(arguments[2]) ?? 0, Array(arguments[3...]))
        case "parent-random-both":
            try await exchangeFiles(
                arguments[0], arguments[1], arguments[2], UInt64(arguments[3]) ?? 0, Array(arguments[4...]))
        case "echo": try await echo(arguments[0])
        case "pass-on": try await passOn(arguments[0])
        case "end-early": Peer.exit(Int32(arguments[1]) ?? 1)
        default: try await whoseStreams(arguments[0])
        }
    }

    private static func start(_ naru: Naru, _ link: String, _ arguments: [String]) throws -> Child {
        let child = try naru.start(ChildProgram(ChildProcess.executablePath, arguments, links: [link]))
        Peer.report("parent of \(child.processID)")
        return child
    }

    private static func sayEnd(_ child: Child) async throws {
        let identity = ProcessIdentity.of(child.processID)
        switch try await child.waitForEnd(deadline: .after(.seconds(60))) {
        case .exited(let code): Peer.report("parent: child exited \(code)")
        case .killed(let signal): Peer.report("parent: child killed \(signal)")
        }
        // Reaped: no process of that number is left, not even a zombie.
        let deadline = Deadline.after(.seconds(20))
        while let left = ProcessIdentity.of(child.processID), left == identity, !deadline.isPast { Processor.yield() }
        let isGone = ProcessIdentity.of(child.processID).map { $0 != identity } ?? true
        Peer.report(isGone ? "parent: reaped" : "parent: a zombie is left")
    }

    private static func send(
        _ link: String, _ count: UInt64, _ byteCount: Int, _ progress: Progress, _ arguments: [String]
    ) async throws {
        let naru = try await Naru()
        let child = try start(naru, link, arguments)
        do {
            let sender = try await naru.sender(link, to: child)
            Peer.report("parent linked \(sender.transport) \(sender.control.agreement.relation.locality)")
            for number in 1...max(count, 1) {
                try await sender.send(Holding.message(number, byteCount))
                if number.isMultiple(of: 16) {
                    try await sender.flush()
                    progress.store(number)
                }
            }
            try await sender.finish()
            sender.close()
            Peer.report("parent finished \(count)")
        } catch {
            Peer.report("parent error \(error.code) \(error)")
        }
        try await sayEnd(child)
        await naru.shutdown()
    }

    private static func receive(_ link: String, _ progress: Progress, _ arguments: [String]) async throws {
        let naru = try await Naru()
        let child = try start(naru, link, arguments)
        do {
            let receiver = try await naru.receiver(link, from: child)
            Peer.report("parent linked \(receiver.transport) \(receiver.control.agreement.relation.locality)")
            var taken: UInt64 = 0
            try await receiver.forEach { message in
                guard Contents.isRight(message.bytes, taken + 1) else { throw WrongMessage(number: taken + 1) }
                taken += 1
                progress.store(taken)
            }
            receiver.close()
            Peer.report("parent finished \(taken)")
        } catch let error as NaruError {
            Peer.report("parent error \(error.code) \(error)")
        }
        try await sayEnd(child)
        await naru.shutdown()
    }

    private static func exchange(_ link: String, _ count: Int, _ arguments: [String]) async throws {
        let naru = try await Naru()
        let child = try start(naru, link, arguments)
        let channel = try await naru.channel(link, with: child)
        Peer.report("parent linked \(channel.sender.transport) \(channel.control.agreement.relation.locality)")
        for number in 0..<count {
            let message = Holding.message(UInt64(number), 8 + number * 37 % 100_000)
            try await channel.send(message)
            let answer = try await channel.receive { [UInt8](copying: $0.bytes) }
            guard answer == message else { throw WrongMessage(number: UInt64(number)) }
        }
        try await channel.sender.finish()
        Peer.report("parent finished \(count)")
        channel.close()
        try await sayEnd(child)
        await naru.shutdown()
    }

    private static func echo(_ link: String) async throws {
        let naru = try await Naru()
        let channel = try await naru.channel(link)
        while let message = try await channel.receive({ [UInt8](copying: $0.bytes) }) {
            try await channel.send(message)
        }
        channel.close()
        await naru.shutdown()
    }

    private static func sendFile(_ link: String, _ path: String, _ seed: UInt64, _ arguments: [String]) async throws {
        let naru = try await Naru()
        let child = try start(naru, link, arguments)
        let sender = try await naru.sender(link, to: child)
        Peer.report("parent linked \(sender.transport)")
        let (count, bytes) = try await RandomSizes.send(sender, path, seed: seed)
        Peer.report("parent finished \(count) \(bytes)")
        sender.close()
        try await sayEnd(child)
        await naru.shutdown()
    }

    private static func receiveFile(
        _ link: String, _ path: String, _ seed: UInt64, _ arguments: [String]
    ) async throws {
        let naru = try await Naru()
        let child = try start(naru, link, arguments)
        let receiver = try await naru.receiver(link, from: child)
        Peer.report("parent linked \(receiver.transport)")
        let (count, bytes) = try await RandomSizes.receive(receiver, path, seed: seed)
        Peer.report("parent finished \(count) \(bytes)")
        receiver.close()
        try await sayEnd(child)
        await naru.shutdown()
    }

    private static func exchangeFiles(
        _ link: String, _ input: String, _ output: String, _ seed: UInt64, _ arguments: [String]
    ) async throws {
        let naru = try await Naru()
        let child = try start(naru, link, arguments)
        let halves = Channel.split(try await naru.channel(link, with: child))
        async let sending = {
            guard let sender = halves.takeSender() else { throw WrongMessage(number: 0) }
            Peer.report("parent linked \(sender.transport)")
            return try await RandomSizes.send(sender, input, seed: seed)
        }()
        guard let receiver = halves.takeReceiver() else { throw WrongMessage(number: 0) }
        let taken = try await RandomSizes.receive(receiver, output, seed: seed)
        let sent = try await sending
        Peer.report("parent finished \(sent.0 + taken.0) \(sent.1 + taken.1)")
        receiver.close()
        try await sayEnd(child)
        await naru.shutdown()
    }

    private static func passOn(_ link: String) async throws {
        let naru = try await Naru()
        let sender = try await naru.sender("inherited:")
        let program = ChildProgram(ChildProcess.executablePath, ["whose-streams", link])
        let grandchild = try naru.start(program)
        _ = try await grandchild.waitForEnd()
        // With the parent's variable, as whoever starts programs by other means passes it on.
        let other = try ChildProcess(executable: ChildProcess.executablePath, arguments: ["whose-streams", link])
        _ = other.wait()
        try await sender.send(Holding.message(1, 8))
        try await sender.finish()
        sender.close()
        await naru.shutdown()
    }

    private static func whoseStreams(_ link: String) async throws {
        let streams = [Int32(0), 1, 2].map(Descriptor.init(adopting:))
        // Never released: the streams stay open.
        for stream in streams { _ = unsafe Unmanaged.passRetained(stream) }
        let before = try streams.map { try $0.access() }
        let naru = try await Naru()
        do {
            _ = try await naru.receiver(link, deadline: .after(.milliseconds(1)))
        } catch {
            let after = try streams.map { try $0.access() }
            Peer.report("streams \(before == after) warnings \(naru.warnings.count) \(error.code)")
        }
        await naru.shutdown()
    }
}

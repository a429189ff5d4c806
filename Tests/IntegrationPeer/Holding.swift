// Naru: messages between programs by the fastest valid mechanism.
// Copyright the Naru authors. Licensed under the Apache License, Version 2.0 (see LICENSE).

import Naru
import NaruSystem

/// Ends of links that wait, or end, in the middle of something, so that a test can stop or kill them there.
///
/// Each goes on when its standard input ends.
enum Holding {
    /// Sends message 1, then holds the loan of message 2, half of it written.
    ///
    /// Prints `linked TRANSPORT`, `holding`, then `committed` and `finished 2`.
    static func loan(_ link: String, byteCount: Int) async throws {
        let naru = try await Naru()
        let sender = try await naru.sender(link)
        Peer.report("linked \(sender.transport)")
        try await sender.send(message(1, byteCount))
        try await sender.flush()
        let second = message(2, byteCount)
        try await sender.withLoan(byteCount: byteCount) { room in
            copy(second[..<(byteCount / 2)], into: &room, at: 0)
            Peer.report("holding")
            try Peer.awaitEndOfInput()
            copy(second[(byteCount / 2)...], into: &room, at: byteCount / 2)
        }
        Peer.report("committed")
        try await sender.finish()
        Peer.report("finished 2")
        await naru.shutdown()
    }

    /// Holds the view of message 1, then takes the others.
    ///
    /// Prints `linked TRANSPORT`, `holding`, `released` when the view is still what it was, and `finished COUNT`.
    static func view(_ link: String, _ progress: Progress) async throws {
        let naru = try await Naru()
        let receiver = try await naru.receiver(link)
        Peer.report("linked \(receiver.transport)")
        var taken: UInt64 = 0
        try await receiver.forEach { message in
            guard Contents.isRight(message.bytes, taken + 1) else { throw WrongMessage(number: taken + 1) }
            if taken == 0 {
                let before = [UInt8](copying: message.bytes)
                Peer.report("holding")
                try Peer.awaitEndOfInput()
                guard before == [UInt8](copying: message.bytes) else { throw WrongMessage(number: 1) }
                Peer.report("released")
            }
            taken += 1
            progress.store(taken)
        }
        Peer.report("finished \(taken)")
        await naru.shutdown()
    }

    /// Waits on a thread for what comes.
    static func receiveBlocking(_ link: String) async throws {
        let naru = try await Naru()
        let receiver = try naru.blocking.receiver(link)
        Peer.report("linked \(receiver.transport)")
        try receiver.blocking.forEach { _ in }
        Peer.report("finished 0")
    }

    /// Sends over shared memory until a message is committed and its reader is to be woken, and is killed there.
    ///
    /// `PROGRESS` counts the messages whose sending began.
    static func dieBeforeTheBell(_ link: String, _ progress: Progress) async throws {
        let naru = try await Naru(
            transports: Naru.transports.filter { $0.name == .sharedMemory }.map(FatallyRinging.init))
        let sender = try await naru.sender(link)
        Peer.report("linked \(sender.transport)")
        try Peer.awaitEndOfInput()
        for number in 1...1_000_000_000 as ClosedRange<UInt64> {
            progress.store(number)
            try await sender.send(message(number, 64))
        }
    }

    /// Starts a child of its own that holds the other end, and says how that child's end is told.
    static func parent(_ link: String, _ childCommand: String) async throws {
        let naru = try await Naru()
        let child = try ChildProcess(executable: ChildProcess.executablePath, arguments: [childCommand, link])
        defer { _ = child.wait() }
        let receiver = try await naru.receiver(link)
        Peer.report("linked \(receiver.transport)")
        try await receiver.forEach { _ in }
    }

    /// Links up, and ends: by itself, or by a signal.
    static func end(_ link: String, byExit: Bool) async throws {
        let naru = try await Naru()
        let sender = try await naru.sender(link)
        try await sender.send(message(1, 8))
        try await sender.flush()
        if byExit { Peer.exit(7) }
        Self.kill()
        withExtendedLifetime(sender) {}
    }

    /// Spins until it is killed.
    static func burn() {
        Peer.report("burning")
        while true { Processor.spinHint() }
    }

    static func message(_ number: UInt64, _ byteCount: Int) -> [UInt8] {
        var bytes = [UInt8](repeating: 0, count: byteCount)
        Contents.fill(&bytes, number)
        return bytes
    }

    private static func copy(_ bytes: ArraySlice<UInt8>, into room: inout MutableRawSpan, at offset: Int) {
        for (index, byte) in bytes.enumerated() {
            room.storeBytes(of: byte, toByteOffset: offset + index, as: UInt8.self)
        }
    }

    fileprivate static func kill() {
        if let handle = try? ProcessHandle.open(ProcessIdentity.current.processID) {
            try? ProcessHandle.signal(handle, Signals.kill)
        }
    }
}

/// A transport whose bell kills the process that rings it: the message is committed, its reader not woken.
private struct FatallyRinging: Transport {
    private struct FatalBell: Bell {
        func ring() { Holding.kill() }
    }

    let transport: any Transport
    var name: TransportName { transport.name }
    func probe() -> CapabilityRecord { transport.probe() }

    func open(_ request: OpeningRequest) throws(NaruError) -> any Opening {
        var request = request
        request.peerBell = FatalBell()
        return try transport.open(request)
    }
}

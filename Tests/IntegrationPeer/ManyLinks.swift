// Naru: messages between programs by the fastest valid mechanism.
// Copyright the Naru authors. Licensed under the Apache License, Version 2.0 (see LICENSE).

import Naru
import NaruSystem

/// Many links between two processes, and what they cost each.
///
/// Either end prints, one line each:
///
///     linked TRANSPORT DESCRIPTORS PRIVATE SHARED   all links are up; descriptors more than before there was a
///     runtime,
///                                                   own and shared memory in KiB more than before the first link
///     carried COUNT DESCRIPTORS PRIVATE SHARED      each link has carried its message
///     finished DESCRIPTORS                          after everything was closed
///
/// The sender begins to send when its input ends, and both close when theirs has.
enum ManyLinks {
    static func send(_ link: String, count: Int) async throws {
        let before = try await Resources.settledDescriptors()
        try await sendAll(link, count, before)
        Peer.report("finished \(try Resources.descriptors(moreThan: before))")
    }

    static func receive(_ link: String, count: Int) async throws {
        let before = try await Resources.settledDescriptors()
        try await receiveAll(link, count, before)
        Peer.report("finished \(try Resources.descriptors(moreThan: before))")
    }

    private static func sendAll(_ link: String, _ count: Int, _ before: Int) async throws {
        let naru = try await Naru()
        let memory = try Resources.memory()
        var senders: [Sender] = []
        for _ in 0..<count { senders.append(try await naru.sender(link)) }
        try report("linked \(senders[0].transport)", before, memory)
        try Peer.awaitEndOfInput()
        for (index, sender) in senders.enumerated() {
            // Each link says which it is, so that the other end finds out if two were one.
            try await sender.send([UInt8](String(index).utf8))
            try await sender.finish()
        }
        try report("carried \(count)", before, memory)
        senders = []
        await naru.shutdown()
    }

    private static func receiveAll(_ link: String, _ count: Int, _ before: Int) async throws {
        let naru = try await Naru()
        let listener = try naru.listener(link)
        Peer.report("listening")
        let memory = try Resources.memory()
        var receivers: [Receiver] = []
        while receivers.count < count, let receiver = try await listener.nextReceiver() { receivers.append(receiver) }
        try report("linked \(receivers[0].transport)", before, memory)
        var seen: Set<String> = []
        for receiver in receivers {
            for try await message in receiver {
                seen.insert(String(decoding: [UInt8](copying: message.bytes), as: UTF8.self))
            }
        }
        try report("carried \(seen.count)", before, memory)
        try Peer.awaitEndOfInput()
        receivers = []
        listener.close()
        await naru.shutdown()
    }

    private static func report(_ what: String, _ before: Int, _ memory: (own: Int, shared: Int)) throws {
        let now = try Resources.memory()
        Peer.report(
            "\(what) \(try Resources.descriptors() - before) \(now.own - memory.own) \(now.shared - memory.shared)")
    }
}

extension Sender {
    var transport: String { decision.chosen?.transport.rawValue ?? "none" }
}

extension Receiver {
    var transport: String { decision.chosen?.transport.rawValue ?? "none" }
}

/// What this process holds.
enum Resources {
    /// How many descriptors are open, without the one that counts them.
    static func descriptors() throws -> Int {
        try FileSystem.list("/proc/self/fd").count - 1
    }

    /// The same, once Swift's executor has opened those that it keeps for itself: three, for its first timer.
    static func settledDescriptors() async throws -> Int {
        try await Task.sleep(for: .milliseconds(1))
        return try descriptors()
    }

    /// How many descriptors there are more than these, once what other threads still hold has gone.
    static func descriptors(moreThan before: Int) throws -> Int {
        let deadline = Deadline.after(.seconds(10))
        while try descriptors() != before, !deadline.isPast { Processor.yield() }
        return try descriptors() - before
    }

    /// Resident memory without a file behind it: what is this process's own, and what is shared memory. KiB.
    static func memory() throws -> (own: Int, shared: Int) {
        let text = String(decoding: try FileSystem.readSmallFile("/proc/self/status", limit: 1 << 16), as: UTF8.self)
        func value(_ key: String) -> Int {
            for line in text.split(separator: "\n") where line.hasPrefix(key) {
                return Int(line.filter(\.isNumber)) ?? 0
            }
            return 0
        }
        return (value("RssAnon:"), value("RssShmem:"))
    }
}

// Naru: messages between programs by the fastest valid mechanism.
// Copyright the Naru authors. Licensed under the Apache License, Version 2.0 (see LICENSE).

import Naru
import NaruSystem

/// A file in messages of random sizes from 0 to 1 MiB, which both ends work out from one seed; whoever started them
/// compares the files' digests.
///
///     linked TRANSPORT LOCALITY          the link is up
///     reason TRANSPORT TEXT              why another transport was refused
///     finished COUNT BYTES               messages and bytes that were sent or taken
enum RandomSizes {
    private static let largest: UInt64 = 1 << 20

    /// The sizes of a file's messages.
    private struct Sizes {
        private var state: UInt64

        init(seed: UInt64) { state = seed }

        mutating func next() -> Int {
            state &+= 0x9E37_79B9_7F4A_7C15
            var z = state
            z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
            z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
            z ^= z >> 31
            // Mostly large, some tiny, and now and then none or all.
            switch z % 8 {
            case 0: return Int(z >> 8 & 127)
            case 1: return Int(z >> 8 & 1) * Int(RandomSizes.largest)
            default: return Int((z >> 8) % (RandomSizes.largest + 1))
            }
        }
    }

    static func send(_ link: String, _ path: String, seed: UInt64) async throws {
        let naru = try await Naru()
        let sender = try await naru.sender(link, deadline: .after(.seconds(60)))
        report(sender.control)
        let (count, bytes) = try await send(sender, path, seed: seed)
        Peer.report("finished \(count) \(bytes)")
        sender.close()
        await naru.shutdown()
    }

    static func receive(_ link: String, _ path: String, seed: UInt64) async throws {
        let naru = try await Naru()
        let receiver = try await naru.receiver(link, deadline: .after(.seconds(60)))
        report(receiver.control)
        let (count, bytes) = try await receive(receiver, path, seed: seed)
        Peer.report("finished \(count) \(bytes)")
        receiver.close()
        await naru.shutdown()
    }

    /// Both ways at once: sends one file and receives another. The end that listens is the one that is told so.
    static func exchange(_ link: String, _ input: String, _ output: String, seed: UInt64, listens: Bool) async throws {
        let naru = try await Naru()
        let deadline = Deadline.after(.seconds(60))
        let halves: Channel.Halves
        if listens {
            let listener = try naru.listener(link, direction: .duplex)
            guard let channel = try await listener.nextChannel(deadline: deadline) else { throw Nobody() }
            report(channel.control)
            halves = Channel.split(channel)
        } else {
            let channel = try await naru.channel(link, deadline: deadline)
            report(channel.control)
            halves = Channel.split(channel)
        }
        async let sending = {
            guard let sender = halves.takeSender() else { throw Nobody() }
            return try await send(sender, input, seed: seed)
        }()
        guard let receiver = halves.takeReceiver() else { throw Nobody() }
        let taken = try await receive(receiver, output, seed: seed)
        let sent = try await sending
        Peer.report("finished \(sent.0 + taken.0) \(sent.1 + taken.1)")
        receiver.close()
        await naru.shutdown()
    }

    private struct Nobody: Error {}

    static func send(_ sender: Sender, _ path: String, seed: UInt64) async throws -> (Int, Int) {
        let file = try FileSystem.open(path, .read)
        let total = Int(try file.status().byteCount)
        var sizes = Sizes(seed: seed)
        var (count, offset) = (0, 0)
        while offset < total {
            var message = [UInt8](repeating: 0, count: min(sizes.next(), total - offset))
            // The buffer is the callee's for the call only.
            _ = unsafe try message.withUnsafeMutableBytes { unsafe try file.pread(into: $0, at: offset) }
            try await sender.send(message)
            offset += message.count
            count += 1
        }
        try await sender.finish()
        return (count, offset)
    }

    static func receive(_ receiver: Receiver, _ path: String, seed: UInt64) async throws -> (Int, Int) {
        let file = try FileSystem.open(path, [.write, .create, .truncate], permissions: 0o600)
        var sizes = Sizes(seed: seed)
        var (count, offset, isShort) = (0, 0, false)
        try await receiver.forEach { message in
            let expected = sizes.next()
            // Only the last may be shorter than it should be.
            guard !isShort, message.bytes.byteCount <= expected else { throw WrongMessage(number: UInt64(count)) }
            isShort = message.bytes.byteCount < expected
            // Borrowed for the call.
            unsafe try message.bytes.withUnsafeBytes { unsafe try file.pwrite($0, at: offset) }
            offset += message.bytes.byteCount
            count += 1
        }
        return (count, offset)
    }

    private static func report(_ control: EndpointControl) {
        Peer.report("linked \(control.agreement.transport) \(control.agreement.relation.locality)")
        for candidate in control.decision.candidates where candidate.verdict == .refused {
            Peer.report("reason \(candidate.transport) \(candidate.reason)")
        }
    }
}

// Naru: messages between programs by the fastest valid mechanism.
// Copyright the Naru authors. Licensed under the Apache License, Version 2.0 (see LICENSE).

import Foundation
import Naru

/// Sends a file, or standard input, as numbered records: `Producer [LINK [FILE]]`.
@main
struct Producer {
    static func main() async {
        do {
            let arguments = CommandLine.arguments.dropFirst()
            let input = try arguments.dropFirst().first.map {
                try FileHandle(forReadingFrom: URL(fileURLWithPath: $0))
            }
            try await produce(link: arguments.first ?? "frames", input: input ?? .standardInput)
        } catch {
            say("Producer: \(error)")
            exit(1)
        }
    }

    /// Sends what `input` holds in records of 64 KiB, each with its number in front.
    static func produce(link: String, input: FileHandle) async throws {
        let naru = try await Naru()
        let sender = try await naru.sender(link)
        say("\(sender.decision)")

        let start = ContinuousClock.now
        var number: UInt64 = 0
        while let payload = try input.read(upToCount: 65_536 - 8), !payload.isEmpty {
            number += 1
            // The record is written where the receiver will read it, if the transport can do that.
            try await sender.withLoan(byteCount: 8 + payload.count) { record in
                record.storeBytes(of: number.littleEndian, as: UInt64.self)
                unsafe record.withUnsafeMutableBytes { memory in
                    _ = unsafe payload.copyBytes(to: UnsafeMutableRawBufferPointer(rebasing: memory[8...]))
                }
            }
        }
        // Returns when the consumer has taken every record.
        try await sender.finish()

        let counters = sender.control.counters
        say("transport: \(sender.control.agreement.transport)")
        say("why: \(sender.decision.chosen?.reason ?? "agreed with the peer")")
        say("messages: \(counters.messagesSent)")
        say("bytes: \(counters.bytesSent)")
        say("wire bytes: \(counters.wireBytesSent)")
        say("bytes saved: \(counters.bytesSavedSending) in \(counters.compressionNanoseconds) ns of codec")
        say("seconds: \((ContinuousClock.now - start) / .seconds(1))")
        await naru.shutdown()
    }

    /// Standard output stays free for data.
    static func say(_ text: String) {
        FileHandle.standardError.write(Data("\(text)\n".utf8))
    }
}

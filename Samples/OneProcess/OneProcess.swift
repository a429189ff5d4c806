// Naru: messages between programs by the fastest valid mechanism.
// Copyright the Naru authors. Licensed under the Apache License, Version 2.0 (see LICENSE).

import Foundation
import Naru

/// Both ends of a link in one process: `OneProcess FILE OUTPUT`. The code of the ends is what it is between two.
@main
struct OneProcess {
    static func main() async {
        let arguments = CommandLine.arguments
        guard arguments.count == 3 else {
            say("usage: OneProcess FILE OUTPUT")
            exit(64)
        }
        do {
            let naru = try await Naru()
            async let received: Void = receive(naru, into: arguments[2])
            try await send(naru, arguments[1])
            try await received
            await naru.shutdown()
        } catch {
            say("OneProcess: \(error)")
            exit(1)
        }
    }

    static func send(_ naru: Naru, _ path: String) async throws {
        let input = try FileHandle(forReadingFrom: URL(fileURLWithPath: path))
        let sender = try await naru.sender("frames")
        say("\(sender.decision)")

        let start = ContinuousClock.now
        while let payload = try input.read(upToCount: 65_536), !payload.isEmpty {
            // A message that owns its bytes moves from end to end; nothing is copied here.
            try await sender.send(consuming: OwnedMessage([UInt8](payload)))
        }
        try await sender.finish()

        let counters = sender.control.counters
        say("transport: \(sender.control.agreement.transport)")
        say("why: \(sender.decision.chosen?.reason ?? "agreed with the peer")")
        say("messages: \(counters.messagesSent)")
        say("bytes: \(counters.bytesSent)")
        say("wire bytes: \(counters.wireBytesSent)")
        say("bytes saved: \(counters.bytesSavedSending) in \(counters.compressionNanoseconds) ns of codec")
        say("seconds: \((ContinuousClock.now - start) / .seconds(1))")
    }

    static func receive(_ naru: Naru, into path: String) async throws {
        try Data().write(to: URL(fileURLWithPath: path))
        let output = try FileHandle(forWritingTo: URL(fileURLWithPath: path))
        let receiver = try await naru.receiver("frames")
        try await receiver.forEach { message in
            try output.write(contentsOf: unsafe message.bytes.withUnsafeBytes { unsafe Data($0) })
        }
    }

    static func say(_ text: String) {
        FileHandle.standardError.write(Data("\(text)\n".utf8))
    }
}

// Naru: messages between programs by the fastest valid mechanism.
// Copyright the Naru authors. Licensed under the Apache License, Version 2.0 (see LICENSE).

import Foundation
import Naru

/// Receives numbered records and writes them to a file, or to standard output: `Consumer [LINK [FILE]]`.
@main
struct Consumer {
    /// A record that is not the one that follows.
    struct OutOfOrder: Error, CustomStringConvertible {
        let description: String
    }

    static func main() async {
        do {
            let arguments = CommandLine.arguments.dropFirst()
            let output = try arguments.dropFirst().first.map { path in
                try Data().write(to: URL(fileURLWithPath: path))
                return try FileHandle(forWritingTo: URL(fileURLWithPath: path))
            }
            try await consume(link: arguments.first ?? "frames", output: output ?? .standardOutput)
        } catch {
            say("Consumer: \(error)")
            exit(1)
        }
    }

    /// Writes every record to `output`, without its number, until the producer has finished.
    static func consume(link: String, output: FileHandle) async throws {
        let naru = try await Naru()
        let receiver = try await naru.receiver(link)
        say("\(receiver.decision)")

        var expected: UInt64 = 1
        var byteCount = 0
        try await receiver.forEach { record in
            // The bytes are borrowed where they lie, for as long as this closure runs.
            guard record.bytes.byteCount >= 8 else { throw OutOfOrder(description: "a record without a number") }
            let number = unsafe UInt64(littleEndian: record.bytes.unsafeLoadUnaligned(as: UInt64.self))
            guard number == expected else { throw OutOfOrder(description: "record \(number) came, not \(expected)") }
            let payload = record.bytes.extracting(droppingFirst: 8)
            try output.write(contentsOf: unsafe payload.withUnsafeBytes { unsafe Data($0) })
            expected += 1
            byteCount += payload.byteCount
        }

        say("transport: \(receiver.control.agreement.transport)")
        say("messages: \(expected - 1), all in order, \(byteCount) bytes without their numbers")
        await naru.shutdown()
    }

    /// Standard output stays free for data.
    static func say(_ text: String) {
        FileHandle.standardError.write(Data("\(text)\n".utf8))
    }
}

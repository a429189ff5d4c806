// Naru: messages between programs by the fastest valid mechanism.
// Copyright the Naru authors. Licensed under the Apache License, Version 2.0 (see LICENSE).

import Naru
import NaruSystem

/// What a transfer came to.
struct TransferReport: Sendable {
    var verb: String
    var transport: String
    var locality: String
    var direction: String
    var codec: String?
    /// Why this transport, in brief.
    var reason: String
    var messages: UInt64
    var bytes: UInt64
    var wireBytes: UInt64
    /// From the established link to the last message taken.
    var seconds: Double
    /// How much of that the codec took at this end.
    var codecSeconds: Double = 0

    /// What `naru send --json` prints, with its fields in the order of the documentation.
    var json: JSON {
        .object([
            ("transport", .string(transport)), ("locality", .string(locality)), ("direction", .string(direction)),
            ("messages", .integer(Int(messages))), ("bytes", .integer(Int(bytes))),
            ("wireBytes", .integer(Int(wireBytes))), ("seconds", .number((seconds * 1e6).rounded() / 1e6)),
            ("codec", .optional(codec)),
        ])
    }

    /// One line for a person.
    var summary: String {
        var text = "\(verb) \(Format.count(messages, "message")), \(Format.bytes(bytes))"
        if let codec { text += " (\(Format.bytes(wireBytes)) on the wire with \(codec))" }
        text += " in \(Format.decimal(seconds, digits: 3)) s, \(Format.rate(bytes, seconds: seconds))"
        if codec != nil {
            let saved = bytes - min(wireBytes, bytes)
            text += ", \(Format.bytes(saved)) saved in \(Format.decimal(codecSeconds, digits: 3)) s of codec"
        }
        return text + ", by \(transport): \(reason)"
    }

    /// Prints the result: the JSON line or the summary.
    func print(_ options: LinkOptions, dataOnStandardOutput: Bool) throws {
        guard options.json || !options.quiet else { return }
        let line = options.json ? json.line : summary
        if dataOnStandardOutput {
            Console.note(line)
        } else {
            try Console.print(line)
        }
    }
}

extension TransferReport {
    /// What an endpoint counted from `start`, nanoseconds, until now.
    init(_ control: EndpointControl, sent: Bool, since start: UInt64) {
        let agreement = control.agreement
        let counters = control.counters
        self.init(
            verb: sent ? "sent" : "received", transport: agreement.transport.rawValue,
            locality: agreement.relation.locality.rawValue, direction: agreement.requirements.direction.rawValue,
            codec: agreement.forward.first?.codec, reason: control.decision.chosen?.reason ?? "agreed with the peer",
            messages: sent ? counters.messagesSent : counters.messagesReceived,
            bytes: sent ? counters.bytesSent : counters.bytesReceived,
            wireBytes: sent ? counters.wireBytesSent : counters.wireBytesReceived,
            seconds: Double(MonotonicClock.nanoseconds() - start) / 1e9,
            codecSeconds: Double(sent ? counters.compressionNanoseconds : counters.decompressionNanoseconds) / 1e9)
    }
}

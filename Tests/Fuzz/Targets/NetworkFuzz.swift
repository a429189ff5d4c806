// Naru: messages between programs by the fastest valid mechanism.
// Copyright the Naru authors. Licensed under the Apache License, Version 2.0 (see LICENSE).

import NaruSystem

@testable import NaruCore
@testable import NaruTCP

/// The input is what a connection begins with, what openings over TCP say, what ends that resume say, and then a
/// sequence of what happens to the messages that a sender keeps.
enum NetworkFuzz {
    static func run(_ bytes: [UInt8]) throws(Finding) {
        try preamble(bytes)
        if let proof = TCPProof(record: bytes) { try require(proof.record == bytes, "another proof") }
        if let address = TCPOffer.address(bytes, metAt: nil) {
            try require(address.isLoopback, "an offer leads to \(address)")
        }
        if let greeting = ResumeGreeting(bytes) { try require(greeting.bytes == bytes, "another greeting") }
        if let answer = ResumeAnswer(bytes) { try require(answer.bytes == bytes, "another answer") }
        try keep(bytes)
    }

    private static func preamble(_ bytes: [UInt8]) throws(Finding) {
        if let preamble = Preamble(bytes) { try require(preamble.bytes == bytes, "another preamble") }
        // What can become none never becomes one, and nobody waits for more bytes than the longest has.
        var isPossible = true
        for count in 0...min(bytes.count, 32) {
            let wanted = Preamble.byteCount(Array(bytes.prefix(count)))
            try require(isPossible || wanted == nil, "\(count) bytes became a preamble again")
            try require((wanted ?? 0) <= Preamble.headBytes + Preamble.tokenBytes, "a preamble of \(wanted ?? 0) bytes")
            isPossible = wanted != nil
        }
    }

    /// A receiver may say anything of how far it is.
    private static func keep(_ bytes: [UInt8]) throws(Finding) {
        var input = Input(bytes)
        var kept = KeptMessages()
        var byteCount = 0
        while !input.isEmpty {
            switch input.byte() % 6 {
            case 0:
                kept.append([UInt8](repeating: 0, count: Int(input.byte())))
            case 1: if kept.next != nil { kept.give() }
            case 2: _ = kept.release(through: input.number(8))
            case 3: _ = kept.restart(after: input.number(8))
            case 4: _ = kept.release(through: kept.taken &+ UInt64(input.byte() % 4))
            default: _ = kept.takeBack()
            }
            byteCount = kept.byteCount
            try require(kept.given <= kept.count && kept.count >= 0, "\(kept.given) of \(kept.count) were given")
            let isRight = byteCount >= 0 && (kept.count > 0 || byteCount == 0)
            try require(isRight, "\(byteCount) bytes of \(kept.count) messages")
        }
    }
}

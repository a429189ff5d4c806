// Naru: messages between programs by the fastest valid mechanism.
// Copyright the Naru authors. Licensed under the Apache License, Version 2.0 (see LICENSE).

import Testing

@testable import NaruCore

/// What a sender that resumes keeps, compared with the plain list of what it was given.
@Suite struct KeptMessagesTests {
    @Test func whatIsTakenIsLetGoAndNothingElse() {
        var random = SystemRandomNumberGenerator()
        for _ in 0..<50 {
            var kept = KeptMessages()
            var sent: [[UInt8]] = []
            for _ in 0..<400 {
                switch Int.random(in: 0..<5, using: &random) {
                case 0, 1:
                    let message = [UInt8](repeating: UInt8(truncatingIfNeeded: sent.count), count: sent.count % 50)
                    sent.append(message)
                    kept.append(message)
                case 2:
                    if let next = kept.next {
                        #expect(next == sent[Int(kept.taken) + kept.given])
                        kept.give()
                    }
                case 3:
                    let number = kept.taken + UInt64(Int.random(in: 0...kept.given, using: &random))
                    let released = kept.release(through: number)
                    #expect(released)
                    #expect(kept.taken == number)
                default:
                    let number = kept.taken + UInt64(Int.random(in: 0...kept.count, using: &random))
                    let restarted = kept.restart(after: number)
                    #expect(restarted)
                    #expect(kept.given == 0)
                }
                #expect(kept.total == UInt64(sent.count))
                #expect(kept.byteCount == sent[Int(kept.taken)...].reduce(0) { $0 + $1.count })
            }
        }
    }

    @Test func aReceiverCannotHaveTakenWhatItWasNotGiven() {
        var kept = KeptMessages()
        for number in UInt8(0)..<3 { kept.append([number]) }
        kept.give()
        let tooMany = kept.release(through: 2)
        #expect(!tooMany)
        let (beyond, again) = (kept.restart(after: 4), kept.restart(after: 1))
        #expect(!beyond && again)
        let behind = kept.restart(after: 0)
        #expect(!behind)
        #expect(kept.next == [1])
        let taken = kept.takeBack()
        #expect(taken && kept.total == 2)
    }

    @Test func whatTheEndsSayParsesToItself() {
        let greeting = ResumeGreeting(stream: .random(), taken: 77, resumeBytes: 1 << 40)
        #expect(ResumeGreeting(greeting.bytes) == greeting)
        let answer = ResumeAnswer(isKnown: true, taken: .max)
        #expect(ResumeAnswer(answer.bytes) == answer)
        for bytes in [greeting.bytes, answer.bytes] {
            for count in 0..<bytes.count {
                let part = Array(bytes[..<count])
                #expect(ResumeGreeting(part) == nil && (ResumeAnswer(part) == nil || count == 10))
            }
        }
        #expect(ResumeAnswer([1, 2] + [UInt8](repeating: 0, count: 8)) == nil)
        #expect(ResumeGreeting([2] + greeting.bytes.dropFirst()) == nil)
    }
}

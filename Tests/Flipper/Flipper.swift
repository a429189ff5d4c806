// Naru: messages between programs by the fastest valid mechanism.
// Copyright the Naru authors. Licensed under the Apache License, Version 2.0 (see LICENSE).

import Glibc
import Naru
import NaruSystem

/// A victim whose peer, another process, changes the shared memory while it is used.
///
///     NaruFlipper COUNT [SEED]
///
/// COUNT rounds in all: in one half the victim reads a ring whose lengths, kinds and commit words the peer changes all
/// the time, in the other it writes one whose cursor, armed and closed words the peer changes. Then links, made as any
/// program makes them, whose peer does the same to the memory that it got. Nothing outside a ring may be touched,
/// nothing may trap, every end must be a typed error, and the last link with the same process must carry messages.
/// Exits with 0 if all that is so. Built with the address sanitizer, that also finds touches elsewhere.
@main
struct Flipper {
    static func main() async throws {
        let arguments = Array(CommandLine.arguments.dropFirst())
        if arguments.first == "hostile" {
            try await Hostile.run(Array(arguments.dropFirst()))
            return
        }
        guard let count = arguments.first.flatMap({ Int($0) }), count > 1 else {
            print("usage: NaruFlipper COUNT [SEED]")
            exitNow(64)
        }
        let seed = arguments.dropFirst().first.flatMap { UInt64($0) } ?? SystemRandom.word()
        print("seed \(seed)")
        do {
            print(Tally.heading)
            print(try Reading(seed: seed).run(count / 2))
            var writing = try Writing(seed: seed)
            print(try writing.run(count - count / 2))
            let links = 10 + count / 100_000
            print(try await Links(.send).run(links))
            print(try await Links(.receive).run(links))
        } catch {
            print("failed: \(error)")
            exitNow(1)
        }
        print("\(count) rounds: nothing outside the rings, no trap, typed errors only, and the next link works")
        exitNow(0)
    }
}

/// What must not happen.
struct Complaint: Error, CustomStringConvertible {
    let description: String
}

/// Counts of one part of the run, a row of the table.
struct Tally: CustomStringConvertible {
    let part: String
    var rounds = 0
    /// Records or messages that passed.
    var passed = 0
    /// Ends of each kind, by the error's code.
    var ends: [String: Int] = [:]
    /// How often the peer changed the memory meanwhile; 0: not counted.
    var flips: UInt64 = 0

    init(_ part: String) { self.part = part }

    mutating func end(_ error: NaruError) { ends["\(error.code)", default: 0] += 1 }

    static let heading = row("part", "rounds", "passed", "flips", "ends")

    var description: String {
        let ends = ends.sorted { $0.key < $1.key }.map { "\($0.key) \($0.value)" }.joined(separator: ", ")
        return Self.row(part, "\(rounds)", "\(passed)", flips == 0 ? "" : "\(flips)", ends)
    }

    private static func row(_ part: String, _ rounds: String, _ passed: String, _ flips: String, _ ends: String)
        -> String
    {
        func right(_ text: String, _ width: Int) -> String {
            String(repeating: " ", count: max(0, width - text.count)) + text
        }
        return part + String(repeating: " ", count: max(1, 10 - part.count)) + right(rounds, 10) + right(passed, 12)
            + right(flips, 14) + "  " + ends
    }
}

/// Random numbers that a failed run can repeat, as far as two processes can.
struct Dice: RandomNumberGenerator {
    private var state: UInt64

    init(_ seed: UInt64) { state = seed | 1 }

    mutating func next() -> UInt64 {
        state ^= state << 13
        state ^= state >> 7
        state ^= state << 17
        return state
    }

    /// A number below `bound`.
    mutating func roll(_ bound: Int) -> Int { Int(next() >> 33) % bound }
}

/// Ends this process with a code, after what was printed is out.
private func exitNow(_ code: Int32) -> Never {
    fflush(nil)
    exit(code)
}

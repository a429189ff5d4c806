// Naru: messages between programs by the fastest valid mechanism.
// Copyright the Naru authors. Licensed under the Apache License, Version 2.0 (see LICENSE).

import Naru
import NaruSystem

/// Kills one end of a link after another, at random moments, and looks at what the other end makes of it.
///
///     NaruKills COUNT [SEED]
///
/// A few workers of this process are the surviving ends. Each round starts a victim, the other end, in a process of its
/// own, and kills it (SIGKILL) within some 20 ms of its start: before it connects, in the handshake, while messages
/// flow. The survivor must learn of it by a typed error and within ten seconds, must have been given everything that a
/// killed sender had flushed, in order and once, and in the end nothing may be left: no descriptor, mapping, thread of
/// Naru's, name, or object in /dev/shm. Exits with 0 if all that is so.
@main
struct Kills {
    static func main() async throws {
        let arguments = Array(CommandLine.arguments.dropFirst())
        if arguments.first == "victim" {
            try await Victim.run(Array(arguments.dropFirst()))
            return
        }
        guard let count = arguments.first.flatMap({ Int($0) }), count > 0 else {
            print("usage: NaruKills COUNT [SEED]")
            exitNow(64)
        }
        let seed = arguments.dropFirst().first.flatMap { UInt64($0) } ?? SystemRandom.word()
        exitNow(try await Drive(count: count, seed: seed).run() ? 0 : 1)
    }
}

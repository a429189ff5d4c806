// Naru: messages between programs by the fastest valid mechanism.
// Copyright the Naru authors. Licensed under the Apache License, Version 2.0 (see LICENSE).

import NaruCore
import NaruSystem

/// Steps the two openings of a link against each other, as two handshakes would.
struct OpeningPair {
    enum Failure: Error {
        case stuck
    }

    private struct Side {
        var opening: (any Opening)?
        var lanes: Lanes?
        var inbox: [OpeningMessage] = []
        var wantsMessage = false
    }

    private var sides: [Side]

    init(dialer: any Opening, listener: any Opening) {
        sides = [Side(opening: dialer), Side(opening: listener)]
    }

    /// Steps both until both have lanes.
    mutating func run() throws -> (dialer: Lanes, listener: Lanes) {
        while true {
            if let dialer = sides[0].lanes, let listener = sides[1].lanes { return (dialer, listener) }
            let steps = try (0...1).map { try step($0) }
            if !steps.contains(true) { throw Failure.stuck }
        }
    }

    /// One step of one side; `false` when it has nothing to go on with.
    private mutating func step(_ index: Int) throws -> Bool {
        guard let opening = sides[index].opening else { return false }
        let event: OpeningEvent
        if sides[index].wantsMessage {
            if sides[index].inbox.isEmpty { return false }
            event = .message(sides[index].inbox.removeFirst())
            sides[index].wantsMessage = false
        } else {
            event = .proceed
        }
        switch try opening.advance(event) {
        case .send(let message):
            sides[1 - index].inbox.append(message)
        case .receive:
            sides[index].wantsMessage = true
        case .wait(let descriptor, let events):
            _ = try descriptor.poll(events, deadline: .after(.seconds(30)))
        case .done(let lanes):
            sides[index].lanes = lanes
            sides[index].opening = nil
        }
        return true
    }
}

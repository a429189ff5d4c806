// Naru: messages between programs by the fastest valid mechanism.
// Copyright the Naru authors. Licensed under the Apache License, Version 2.0 (see LICENSE).

internal import NaruCore
internal import Synchronization

/// Where the two ends of a link in one process find each other.
///
/// There is one table for each image of this module, which is the point: who finds a meeting in it shares the process.
/// A meeting is in the table from the dialer's first step until the listener takes it or the dialer's opening goes.
enum MeetingTable {
    /// The name of a meeting: the link, and a token that only the two openings know.
    struct Key: Hashable, Sendable {
        var link: LinkID
        var token: Token
    }

    // Process-wide by its purpose: see above.
    private static let meetings = Mutex<[Key: Meeting]>([:])

    /// Puts a meeting into the table.
    static func put(_ meeting: Meeting, at key: Key) {
        meetings.withLock { $0[key] = meeting }
    }

    /// Takes a meeting out of the table; `nil` when it is not there.
    static func take(_ key: Key) -> Meeting? {
        meetings.withLock { $0.removeValue(forKey: key) }
    }

    /// Whether a meeting still waits to be taken.
    static func contains(_ key: Key) -> Bool {
        meetings.withLock { $0[key] != nil }
    }
}

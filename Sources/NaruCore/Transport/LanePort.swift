// Naru: messages between programs by the fastest valid mechanism.
// Copyright the Naru authors. Licensed under the Apache License, Version 2.0 (see LICENSE).

/// The way from the lanes of one end to those of the other while the link is up: for memory that is made when it is
/// first needed.
public protocol LanePort: Sendable {
    /// Sends a message to the other end's ``LaneMailbox``. Never blocks; a peer that is gone gets nothing.
    /// - Throws: ``NaruError/Code/invalidArgument`` for a message above the limits of ``OpeningMessage``.
    func send(_ message: OpeningMessage) throws(NaruError)
}

/// What the lanes of one end do with what those of the other end send through their ``LanePort``.
public protocol LaneMailbox: Sendable {
    /// Takes a message. Called on the reactor's thread, in order, while the lanes are in use; must not block. The
    /// message comes from a peer: everything in it is checked. Descriptors that got lost on the way are missing from
    /// it.
    /// - Throws: ``NaruError/Code/protocolViolation``: the link is closed.
    func receive(_ message: OpeningMessage) throws(NaruError)
}

// Naru: messages between programs by the fastest valid mechanism.
// Copyright the Naru authors. Licensed under the Apache License, Version 2.0 (see LICENSE).

internal import NaruCore

extension NaruError {
    /// The table of this process does not hold the meeting.
    static func notInThisProcess(_ link: LinkID) -> NaruError {
        NaruError(
            .refused, operation: "open", object: "in-process link \(link)", reason: "the peer is not in this process")
    }

    /// The peer's opening said what it should not say now.
    static func openingOutOfOrder(_ link: LinkID) -> NaruError {
        NaruError(
            .protocolViolation, operation: "open", object: "in-process link \(link)",
            reason: "the peer's opening sent an unexpected message")
    }

    /// This end's lane is closed.
    static func laneClosed(_ operation: String, _ link: LinkID) -> NaruError {
        NaruError(.closed, operation: operation, object: "in-process link \(link)", reason: "this end closed the lane")
    }

    /// The lane is used by the closure that borrows from it.
    static func laneInUse(_ operation: String, _ link: LinkID) -> NaruError {
        NaruError(
            .reentrant, operation: operation, object: "in-process link \(link)",
            reason: "the lane is in use by an earlier call",
            remedy: "end the loan or return from the closure first")
    }
}

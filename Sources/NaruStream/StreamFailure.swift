// Naru: messages between programs by the fastest valid mechanism.
// Copyright the Naru authors. Licensed under the Apache License, Version 2.0 (see LICENSE).

internal import NaruCore
internal import NaruSystem

/// The errors of a stream's lanes.
enum StreamFailure {
    static func closed(_ operation: String, _ name: String) -> NaruError {
        NaruError(.closed, operation: operation, object: name, reason: "the lane is closed")
    }

    static func violation(_ what: String, _ name: String) -> NaruError {
        NaruError(.protocolViolation, operation: "receive", object: name, reason: what)
    }

    /// Whether an error means that the other end is gone.
    static func isHangUp(_ error: SystemError) -> Bool {
        error.errno == SystemErrno.brokenPipe || error.errno == SystemErrno.connectionReset
            || error.errno == SystemErrno.notConnected
    }

    static func sending(_ error: SystemError, _ name: String) -> NaruError {
        if isHangUp(error) {
            return NaruError(
                .peerVanished, operation: "send", object: name, reason: "the peer died or closed its end",
                errno: error.errno)
        }
        return other(error, "send", name)
    }

    static func other(_ error: SystemError, _ operation: String, _ name: String) -> NaruError {
        if error.errno == SystemErrno.timedOut {
            return NaruError(
                .network, operation: operation, object: name, reason: error.description, errno: error.errno)
        }
        return NaruError(error, operation: operation, object: name)
    }
}

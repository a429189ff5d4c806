// Naru: messages between programs by the fastest valid mechanism.
// Copyright the Naru authors. Licensed under the Apache License, Version 2.0 (see LICENSE).

/// Why a link closed. A receiver is given everything that was handed over first, then this.
public struct CloseReason: Hashable, Sendable, CustomStringConvertible {
    /// The kinds of reason; the associated details stand in the properties of ``CloseReason``.
    private enum Value: Hashable, Sendable {
        case finished, closed, cancelled, peerVanished
        case peerExited(Int32), peerKilled(Int32), network(Int32)
        case protocolViolation(String)
    }
    private let value: Value
    private init(_ value: Value) { self.value = value }

    /// The peer said that it has finished.
    public static let finished = CloseReason(.finished)
    /// This end closed the link.
    public static let closed = CloseReason(.closed)
    /// The task that held the link was cancelled.
    public static let cancelled = CloseReason(.cancelled)
    /// The peer is gone, and the kernel does not say how.
    public static let peerVanished = CloseReason(.peerVanished)
    /// The peer's process ended with this exit code.
    public static func peerExited(_ code: Int32) -> CloseReason { CloseReason(.peerExited(code)) }
    /// The peer's process was killed by this signal.
    public static func peerKilled(_ signal: Int32) -> CloseReason { CloseReason(.peerKilled(signal)) }
    /// The network failed with this error number.
    public static func network(_ errno: Int32) -> CloseReason { CloseReason(.network(errno)) }
    /// The peer broke the protocol in the way the text says.
    public static func protocolViolation(_ what: String) -> CloseReason { CloseReason(.protocolViolation(what)) }

    /// The error code that goes with the reason.
    public var code: NaruError.Code {
        switch value {
        case .finished: .finished
        case .closed: .closed
        case .cancelled: .cancelled
        case .peerVanished: .peerVanished
        case .peerExited: .peerExited
        case .peerKilled: .peerKilled
        case .network: .network
        case .protocolViolation: .protocolViolation
        }
    }

    /// The peer's exit code, where it exited by itself and the kernel told.
    public var exitCode: Int32? { if case .peerExited(let code) = value { code } else { nil } }
    /// The signal that killed the peer, where one did and the kernel told.
    public var signal: Int32? { if case .peerKilled(let signal) = value { signal } else { nil } }

    /// Whether the other end is gone in a way that lets what it handed over still be on its way.
    var leavesDataBehind: Bool {
        switch value {
        case .finished, .peerVanished, .peerExited, .peerKilled: true
        case .closed, .cancelled, .network, .protocolViolation: false
        }
    }

    /// The reason in words.
    public var description: String {
        switch value {
        case .finished: "the peer finished"
        case .closed: "this end closed the link"
        case .cancelled: "the link's task was cancelled"
        case .peerVanished: "the peer died or closed without finishing"
        case .peerExited(let code): "the peer's process exited with code \(code) without finishing"
        case .peerKilled(let signal): "the peer's process was killed by signal \(signal)"
        case .network(let errno): "the network failed with error number \(errno)"
        case .protocolViolation(let what): "the peer broke the protocol: \(what)"
        }
    }

    /// The error that a pending or later operation throws.
    func error(_ operation: String, _ object: String) -> NaruError {
        NaruError(code, operation: operation, object: object, reason: description).closing(self)
    }
}

// Naru: messages between programs by the fastest valid mechanism.
// Copyright the Naru authors. Licensed under the Apache License, Version 2.0 (see LICENSE).

/// What went wrong, where, why and what to do about it.
///
/// Every operation of Naru that can fail throws this type. The `code` is stable and meant for programs; the description
/// is one line for a person and names the operation, the object, the cause and the remedy. The error is one word wide
/// (its fields are boxed), so that throwing functions on the data path return it in a register.
public struct NaruError: Error, Sendable {
    private let storage: Storage

    /// Makes an error.
    /// - Parameters:
    ///   - code: The stable kind of the failure.
    ///   - operation: What was being done, as a verb phrase or the function's name: `connect`, `send`, `mmap`.
    ///   - object: What it was done to: a link's address, a path, a transport.
    ///   - reason: Why it failed, in words.
    ///   - errno: The kernel's error number, where the kernel refused.
    ///   - remedy: What would lift it, where that is known.
    public init(
        _ code: Code, operation: String, object: String, reason: String, errno: Int32? = nil, remedy: String? = nil
    ) {
        storage = Storage(
            code: code, operation: operation, object: object, reason: reason, errno: errno, remedy: remedy, link: nil)
    }

    private init(storage: Storage) {
        self.storage = storage
    }

    /// The stable kind of the failure.
    public var code: Code { storage.code }
    /// What was being done.
    public var operation: String { storage.operation }
    /// What it was done to.
    public var object: String { storage.object }
    /// Why it failed, in words.
    public var reason: String { storage.reason }
    /// The kernel's error number, where the kernel refused.
    public var errno: Int32? { storage.errno }
    /// What would lift it, where that is known.
    public var remedy: String? { storage.remedy }
    /// Why the link closed, where it did.
    public var closeReason: CloseReason? { storage.link }

    /// The same error, saying why the link closed.
    func closing(_ reason: CloseReason) -> NaruError {
        NaruError(
            storage: Storage(
                code: storage.code, operation: storage.operation, object: storage.object, reason: storage.reason,
                errno: storage.errno, remedy: storage.remedy, link: reason))
    }

    private final class Storage: Sendable {
        let code: Code
        let operation: String
        let object: String
        let reason: String
        let errno: Int32?
        let remedy: String?
        let link: CloseReason?

        init(
            code: Code, operation: String, object: String, reason: String, errno: Int32?, remedy: String?,
            link: CloseReason?
        ) {
            self.code = code
            self.operation = operation
            self.object = object
            self.reason = reason
            self.errno = errno
            self.remedy = remedy
            self.link = link
        }
    }
}

extension NaruError: CustomStringConvertible {
    /// One line: `operation object: reason; remedy`.
    public var description: String {
        var text = "\(operation) \(object): \(reason)"
        if let remedy { text += "; \(remedy)" }
        return text
    }
}

extension NaruError {
    /// The stable kinds of failure. New ones may be added, so a `switch` over them needs a default.
    public struct Code: Hashable, Sendable, CustomStringConvertible {
        private enum Value: String {
            case busy, cancelled, closed, corrupted, deadlineExceeded, finished, invalidArgument,
                invalidConfiguration, forked, messageTooLarge, network, noTransport, peerExited, peerKilled,
                peerVanished,
                protocolViolation, reentrant, refused, removed, resourceExhausted, system, unreachable, unsupported
        }
        private let value: Value
        private init(_ value: Value) { self.value = value }

        /// The code's name, stable.
        public var description: String { value.rawValue }

        /// Somebody else holds what was asked for: a second listener on a name, a second sender of a receiver.
        public static let busy = Code(.busy)
        /// The calling task was cancelled.
        public static let cancelled = Code(.cancelled)
        /// This end closed the link or shut Naru down.
        public static let closed = Code(.closed)
        /// Bytes that should decode do not: a damaged compressed message.
        public static let corrupted = Code(.corrupted)
        /// The deadline passed first. What was asked for may be asked for again.
        public static let deadlineExceeded = Code(.deadlineExceeded)
        /// The other end finished; it takes or gives no more.
        public static let finished = Code(.finished)
        /// This process was forked from the one that the endpoint belongs to. Endpoints belong to one process: in a
        /// child they throw this and touch nothing of the parent's, also when they are closed or dropped. A child may
        /// make a ``Runtime`` of its own. Never return from a closure that Naru called into a child forked inside it.
        public static let forked = Code(.forked)
        /// An argument is out of its range.
        public static let invalidArgument = Code(.invalidArgument)
        /// The configuration holds a value that does not parse or contradicts another.
        public static let invalidConfiguration = Code(.invalidConfiguration)
        /// The message is larger than the link's maximum.
        public static let messageTooLarge = Code(.messageTooLarge)
        /// The network failed; `errno` says how.
        public static let network = Code(.network)
        /// No transport is valid for the two ends; the reason lists each one's.
        public static let noTransport = Code(.noTransport)
        /// The peer's process ended by itself.
        public static let peerExited = Code(.peerExited)
        /// The peer's process was killed by a signal.
        public static let peerKilled = Code(.peerKilled)
        /// The peer is gone, and the kernel does not say how.
        public static let peerVanished = Code(.peerVanished)
        /// The peer broke the protocol; the link is closed.
        public static let protocolViolation = Code(.protocolViolation)
        /// An endpoint was used from inside its own closure.
        public static let reentrant = Code(.reentrant)
        /// The peer, or this end's policy, refused.
        public static let refused = Code(.refused)
        /// The object of the kernel was removed by somebody while it was used.
        public static let removed = Code(.removed)
        /// Memory, descriptors or space ran out.
        public static let resourceExhausted = Code(.resourceExhausted)
        /// The kernel refused; `errno` says how.
        public static let system = Code(.system)
        /// Nobody answers at the address.
        public static let unreachable = Code(.unreachable)
        /// The transport or the link cannot do what was asked.
        public static let unsupported = Code(.unsupported)
    }
}

// Naru: messages between programs by the fastest valid mechanism.
// Copyright the Naru authors. Licensed under the Apache License, Version 2.0 (see LICENSE).

/// The name of a transport, such as `shared-memory`.
///
/// A plugin of a stranger brings a name of its own, so this is a string with the known names as constants.
/// Names that come from outside are checked by ``isWellFormed`` before they are used.
public struct TransportName: RawRepresentable, Hashable, Codable, Sendable, CodingKeyRepresentable {
    /// The name as it stands in configuration, messages and the handshake.
    public var rawValue: String

    /// Takes any string; see ``isWellFormed``.
    public init(rawValue: String) {
        self.rawValue = rawValue
    }

    /// Takes any string; see ``isWellFormed``.
    public init(_ name: String) {
        self.rawValue = name
    }

    /// Whether the name is made of 1 to 64 of the characters `a-z`, `0-9` and `-`.
    ///
    /// - Complexity: O(length), at most 65 steps.
    public var isWellFormed: Bool {
        NameRule.accepts(rawValue)
    }

    /// Messages moved between two ends of one process.
    public static let inProcess = TransportName("in-process")
    /// Rings in shared memory on one host.
    public static let sharedMemory = TransportName("shared-memory")
    /// A mapped file that outlives both ends and can be replayed.
    public static let memoryMap = TransportName("memory-map")
    /// Anonymous pipes between a process and the one it started.
    public static let pipe = TransportName("pipe")
    /// Named pipes on one host.
    public static let fifo = TransportName("fifo")
    /// POSIX message queues.
    public static let posixQueue = TransportName("posix-queue")
    /// System V message queues.
    public static let sysvQueue = TransportName("sysv-queue")
    /// Unix-domain sockets.
    public static let unixSocket = TransportName("unix-socket")
    /// TCP.
    public static let tcp = TransportName("tcp")
    /// TLS over TCP.
    public static let tls = TransportName("tls")
    /// System V semaphores: permits that come back when their holder dies, and signals without payload.
    public static let semaphore = TransportName("semaphore")
    /// POSIX semaphores by name: whatever a holder that dies has taken stays taken.
    public static let posixSemaphore = TransportName("posix-semaphore")
    /// Semaphores without a name, in memory that is handed to other processes by descriptor.
    public static let anonymousSemaphore = TransportName("anonymous-semaphore")
    /// An existing NATS cluster.
    public static let nats = TransportName("nats")

    /// Every transport that Naru itself provides, nearest first.
    public static let known: [TransportName] = [
        .inProcess, .sharedMemory, .memoryMap, .pipe, .fifo, .posixQueue, .sysvQueue, .unixSocket, .tcp, .tls,
        .semaphore, .posixSemaphore, .anonymousSemaphore, .nats,
    ]

    /// The package trait that brings the transport, or `nil` when it is always built.
    public var packageTrait: String? {
        switch self {
        case .tls: "TLS"
        case .nats: "NATS"
        default: nil
        }
    }
}

extension TransportName: Comparable, CustomStringConvertible, ExpressibleByStringLiteral {
    /// Orders names by their Unicode scalars, the same on every host.
    public static func < (left: TransportName, right: TransportName) -> Bool {
        left.rawValue.unicodeScalars.lexicographicallyPrecedes(right.rawValue.unicodeScalars)
    }

    /// The bare name.
    public var description: String { rawValue }

    /// Takes any literal; see ``isWellFormed``.
    public init(stringLiteral value: String) {
        self.rawValue = value
    }
}

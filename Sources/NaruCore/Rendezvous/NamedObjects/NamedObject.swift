// Naru: messages between programs by the fastest valid mechanism.
// Copyright the Naru authors. Licensed under the Apache License, Version 2.0 (see LICENSE).

/// Something of Naru's that has a name on this host: a listener's socket, a kernel queue, a semaphore, a pipe.
public struct NamedObject: Sendable {
    /// Whether somebody uses it.
    public enum State: Sendable, Hashable {
        /// Somebody does; by the numbers of those processes that this one can see.
        case alive([Int32])
        /// Nobody does, and how that is known.
        case dead(String)
        /// This process cannot tell, and why.
        case unknown(String)

        /// `alive`, `dead` or `unknown`.
        public var word: String {
            switch self {
            case .alive: "alive"
            case .dead: "dead"
            case .unknown: "unknown"
            }
        }
    }

    /// The link's name, or the object's where no link is known.
    public var name: String
    /// `listener`, a mechanism's name, or `file` for what no mechanism is known of.
    public var kind: String
    /// Where it is found: the path of a sidecar, a socket, a pipe.
    public var path: String
    /// What the mechanism knows it by, where that is another thing than the path.
    public var object: String?
    /// Its owner.
    public var userID: UInt32
    /// Whether it is meant to outlive those who use it.
    public var isDurable: Bool
    /// Whether somebody uses it.
    public var state: State
    /// When it was made, seconds since 1970, where that is known.
    public var created: Int64?
    /// What the mechanism says of what it holds: "2 pending".
    public var detail: String?

    /// How it is removed.
    enum Removal: Sendable {
        /// A sidecar and what it names.
        case durable(DurableObjects.Entry)
        /// A socket and its lock file, by their folder.
        case listener(directory: String)
        /// A file of a maker that is gone.
        case file(TransientName)
        /// A file whose name is of no use to anybody.
        case momentary
        /// Never by Naru.
        case none
    }
    var removal: Removal
}

// Naru: messages between programs by the fastest valid mechanism.
// Copyright the Naru authors. Licensed under the Apache License, Version 2.0 (see LICENSE).

/// Where two ends meet.
public enum Address: Hashable, Sendable, CustomStringConvertible {
    /// A name on this host: `local:frames`, or just `frames`.
    case local(name: String)
    /// A port of a host on a network: `tcp:HOST:PORT`, with `/NAME` behind it where the link has a name.
    case network(NetworkPlace)

    /// Parses an address.
    /// - Throws: ``NaruError/Code/invalidArgument`` for a name that is not `[a-z0-9-]{1,64}` and for a host or port
    ///   that is none, ``NaruError/Code/unsupported`` for a scheme whose mechanism this build does not have.
    public init(parsing text: String) throws(NaruError) {
        guard let colon = text.firstIndex(of: ":") else {
            self = .local(name: try Self.checked(text, in: text))
            return
        }
        let scheme = text[..<colon]
        let rest = text[text.index(after: colon)...]
        switch scheme {
        case "local":
            self = .local(name: try Self.checked(String(rest), in: text))
        case "tcp":
            self = .network(try NetworkPlace(scheme: String(scheme), parsing: rest, in: text))
        case "tls", "nats", "file", "inherited", "fifo", "posix-queue", "sysv-queue":
            throw NaruError(
                .unsupported, operation: "parse", object: "address \(text)",
                reason: "this build has no mechanism for `\(scheme):`", remedy: "use local:NAME or tcp:HOST:PORT")
        default:
            throw NaruError(
                .invalidArgument, operation: "parse", object: "address \(text)", reason: "unknown scheme `\(scheme)`",
                remedy: "use local:NAME or tcp:HOST:PORT")
        }
    }

    /// The name of the link at this address. One without a name of its own has ``NetworkPlace/unnamed``.
    public var name: String {
        switch self {
        case .local(let name): name
        case .network(let place): place.name
        }
    }

    /// Whether the other end may be on another host.
    public var isRemote: Bool {
        switch self {
        case .local: false
        case .network: true
        }
    }

    /// The address as it is written.
    public var description: String {
        switch self {
        case .local(let name): "local:\(name)"
        case .network(let place): place.description
        }
    }

    static func checked(_ name: String, in text: String) throws(NaruError) -> String {
        guard NameRule.accepts(name) else {
            throw NaruError(
                .invalidArgument, operation: "parse", object: "address \(text)",
                reason: "`\(name)` is not a link's name",
                remedy: "use 1 to 64 of the characters a-z, 0-9 and -")
        }
        return name
    }
}

// Naru: messages between programs by the fastest valid mechanism.
// Copyright the Naru authors. Licensed under the Apache License, Version 2.0 (see LICENSE).

/// Where two ends meet.
public enum Address: Hashable, Sendable, CustomStringConvertible {
    /// A name on this host: `local:frames`, or just `frames`.
    case local(name: String)
    /// A port of a host on a network: `tcp:HOST:PORT`, with `/NAME` behind it where the link has a name.
    case network(NetworkPlace)
    /// An object of the system that other programs made or use, as its transport names it: `fifo:/tmp/log`,
    /// `posix-queue:/jobs`, `sysv-queue:0x4e`.
    case medium(TransportName, object: String)
    /// A link with the process that started this one: `inherited:frames`, or `inherited:` where it is the only one.
    case inherited(name: String)

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
        case "inherited":
            self = .inherited(name: rest.isEmpty ? "" : try Self.checked(String(rest), in: text))
        case "fifo", "posix-queue", "sysv-queue":
            self = .medium(TransportName(String(scheme)), object: try Self.checkedObject(String(rest), in: text))
        case "tls", "nats", "file":
            throw NaruError(
                .unsupported, operation: "parse", object: "address \(text)",
                reason: "this build has no mechanism for `\(scheme):`", remedy: "use local:NAME or tcp:HOST:PORT")
        default:
            throw NaruError(
                .invalidArgument, operation: "parse", object: "address \(text)", reason: "unknown scheme `\(scheme)`",
                remedy: "use local:NAME or tcp:HOST:PORT")
        }
    }

    /// The name of the link at this address: empty for `inherited:` alone, ``NetworkPlace/unnamed`` for a port without
    /// a name behind it; what stands for it in messages where it has none.
    public var name: String {
        switch self {
        case .local(let name), .inherited(let name): name
        case .network(let place): place.name
        case .medium: description
        }
    }

    /// The name by which the configuration knows the link; `nil` for an object that is not Naru's.
    public var configurationName: String? {
        switch self {
        case .local(let name), .inherited(let name): name
        case .network(let place): place.name
        case .medium: nil
        }
    }

    /// Whether the other end may be on another host.
    public var isRemote: Bool {
        switch self {
        case .local, .medium, .inherited: false
        case .network: true
        }
    }

    /// The address as it is written.
    public var description: String {
        switch self {
        case .local(let name): "local:\(name)"
        case .network(let place): place.description
        case .inherited(let name): "inherited:\(name)"
        case .medium(let transport, let object): "\(transport):\(object)"
        }
    }

    /// Why nobody can listen at this address, nor dial it.
    func hasNoListener(_ operation: String) -> NaruError {
        NaruError(
            .unsupported, operation: operation, object: description, reason: "nobody listens at such an address",
            remedy: "use local:NAME or tcp:HOST:PORT")
    }

    /// The name of an object of another program: what its transport makes of it is the transport's.
    private static func checkedObject(_ object: String, in text: String) throws(NaruError) -> String {
        guard (1...4095).contains(object.utf8.count), !object.utf8.contains(0) else {
            throw NaruError(
                .invalidArgument, operation: "parse", object: "address \(text.prefix(64))",
                reason: "it names no object", remedy: "name one behind the colon")
        }
        return object
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

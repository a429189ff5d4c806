// Naru: messages between programs by the fastest valid mechanism.
// Copyright the Naru authors. Licensed under the Apache License, Version 2.0 (see LICENSE).

/// Where two ends meet.
public enum Address: Hashable, Sendable, CustomStringConvertible {
    /// A name on this host: `local:frames`, or just `frames`.
    case local(name: String)
    /// An object of the system that other programs made or use, as its transport names it: `fifo:/tmp/log`,
    /// `posix-queue:/jobs`, `sysv-queue:0x4e`.
    case medium(TransportName, object: String)
    /// A link with the process that started this one: `inherited:frames`, or `inherited:` where it is the only one.
    case inherited(name: String)

    /// Parses an address.
    /// - Throws: ``NaruError/Code/invalidArgument`` for a name that is not `[a-z0-9-]{1,64}`,
    ///   ``NaruError/Code/unsupported`` for a scheme whose mechanism this build does not have.
    public init(parsing text: String) throws(NaruError) {
        guard let colon = text.firstIndex(of: ":") else {
            self = .local(name: try Self.checked(text, in: text))
            return
        }
        let scheme = text[..<colon]
        switch scheme {
        case "local":
            self = .local(name: try Self.checked(String(text[text.index(after: colon)...]), in: text))
        case "inherited":
            let name = String(text[text.index(after: colon)...])
            self = .inherited(name: name.isEmpty ? "" : try Self.checked(name, in: text))
        case "fifo", "posix-queue", "sysv-queue":
            self = .medium(
                TransportName(String(scheme)),
                object: try Self.checkedObject(String(text[text.index(after: colon)...]), in: text))
        case "tcp", "tls", "nats", "file":
            throw NaruError(
                .unsupported, operation: "parse", object: "address \(text)",
                reason: "this build has no mechanism for `\(scheme):`", remedy: "use local:NAME")
        default:
            throw NaruError(
                .invalidArgument, operation: "parse", object: "address \(text)", reason: "unknown scheme `\(scheme)`",
                remedy: "use local:NAME")
        }
    }

    /// The name of the link at this address, empty for `inherited:` alone; what stands for it in messages where it has
    /// none.
    public var name: String {
        switch self {
        case .local(let name), .inherited(let name): name
        case .medium: description
        }
    }

    /// The name by which the configuration knows the link; `nil` for an object that is not Naru's.
    public var configurationName: String? {
        switch self {
        case .local(let name), .inherited(let name): name
        case .medium: nil
        }
    }

    /// The address as it is written.
    public var description: String {
        switch self {
        case .local(let name): "local:\(name)"
        case .inherited(let name): "inherited:\(name)"
        case .medium(let transport, let object): "\(transport):\(object)"
        }
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

    private static func checked(_ name: String, in text: String) throws(NaruError) -> String {
        let allowed = name.utf8.allSatisfy { byte in
            (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(byte)
                || (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte) || byte == UInt8(ascii: "-")
        }
        guard allowed, (1...64).contains(name.utf8.count) else {
            throw NaruError(
                .invalidArgument, operation: "parse", object: "address \(text)",
                reason: "`\(name)` is not a link's name",
                remedy: "use 1 to 64 of the characters a-z, 0-9 and -")
        }
        return name
    }
}

// Naru: messages between programs by the fastest valid mechanism.
// Copyright the Naru authors. Licensed under the Apache License, Version 2.0 (see LICENSE).

/// A port of a host on a network, and the name of the link there.
public struct NetworkPlace: Hashable, Sendable, CustomStringConvertible {
    /// The name of a link whose address has none.
    public static let unnamed = "default"

    /// The scheme, which says whose rendezvous it is: `tcp`.
    public let scheme: String
    /// The host: a name, or a number without the brackets of version 6; `*`: every address of this host.
    public let host: String
    /// The port; 0, where one listens: one that the kernel chooses.
    public let port: UInt16
    /// The link's name: both ends must say the same.
    public let name: String

    /// A place.
    public init(scheme: String, host: String, port: UInt16, name: String = NetworkPlace.unnamed) {
        self.scheme = scheme
        self.host = host
        self.port = port
        self.name = name
    }

    /// Parses what stands behind the scheme: `HOST:PORT`, `[HOST]:PORT`, either with `//` before it and `/NAME` behind.
    init(scheme: String, parsing rest: Substring, in text: String) throws(NaruError) {
        func problem(_ reason: String) -> NaruError {
            NaruError(
                .invalidArgument, operation: "parse", object: "address \(text)", reason: reason,
                remedy: "use \(scheme):HOST:PORT or \(scheme):[HOST]:PORT, with /NAME behind it for a link of a name")
        }
        let rest = rest.hasPrefix("//") ? rest.dropFirst(2) : rest
        let parts = rest.split(separator: "/", maxSplits: 1, omittingEmptySubsequences: false)
        let name = parts.count == 2 ? try Address.checked(String(parts[1]), in: text) : Self.unnamed
        guard let colon = parts[0].lastIndex(of: ":") else { throw problem("there is no port in it") }
        var host = parts[0][..<colon]
        if host.hasPrefix("["), host.hasSuffix("]") {
            host = host.dropFirst().dropLast()
            guard host.contains(":") else { throw problem("`\(host)` in brackets is no address of version 6") }
        } else if host.contains(":") {
            throw problem("an address of version 6 stands in brackets")
        }
        guard (1...255).contains(host.utf8.count), host.utf8.allSatisfy(Self.isPlain) else {
            throw problem("`\(host.prefix(80))` is no host")
        }
        let digits = parts[0][parts[0].index(after: colon)...]
        guard let port = UInt16(digits), digits == "\(port)" else {
            throw problem("`\(digits.prefix(80))` is no port; ports go from 0 to 65535")
        }
        self.init(scheme: scheme, host: String(host), port: port, name: name)
    }

    /// The characters of names and numbers of hosts.
    private static func isPlain(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
            UInt8(ascii: "0")...UInt8(ascii: "9"):
            true
        case UInt8(ascii: "-"), UInt8(ascii: "."), UInt8(ascii: "_"), UInt8(ascii: ":"), UInt8(ascii: "%"),
            UInt8(ascii: "*"):
            true
        default: false
        }
    }

    /// As it is written, without the name where it is that of a link without one.
    public var description: String {
        let host = host.contains(":") ? "[\(host)]" : host
        return "\(scheme):\(host):\(port)" + (name == Self.unnamed ? "" : "/\(name)")
    }
}

// Naru: messages between programs by the fastest valid mechanism.
// Copyright the Naru authors. Licensed under the Apache License, Version 2.0 (see LICENSE).

internal import CNaruSystem

/// An address of the internet, of version 4 or 6, and a port.
public struct InetAddress: Sendable, Hashable, CustomStringConvertible {
    /// 4 or 6.
    public let version: Int
    /// Four bytes, or sixteen, as they travel.
    public let bytes: [UInt8]
    /// The interface that an address of version 6 is meaningful on; 0 for most.
    public let scope: UInt32
    /// The port; 0 lets the kernel choose where one listens.
    public var port: UInt16

    /// An address written in numbers, such as `127.0.0.1`, `::1` or `fe80::1%eth0`; `nil` for anything else.
    public init?(_ text: String, port: UInt16) {
        guard !text.utf8.contains(0) else { return nil }
        var found = naru_inet()
        // Safe: the callee fills the local.
        guard unsafe naru_inet_parse(text, &found) == 1 else { return nil }
        found.port = port
        self.init(found)
    }

    init(_ found: naru_inet) {
        version = found.version == 6 ? 6 : 4
        // Safe: sixteen bytes, read while the copy is there.
        bytes = unsafe withUnsafeBytes(of: found.bytes) { unsafe Array($0.prefix(found.version == 6 ? 16 : 4)) }
        scope = found.scope
        port = found.port
    }

    /// As C takes it.
    var plain: naru_inet {
        var address = naru_inet()
        // Safe: at most sixteen bytes into sixteen.
        unsafe withUnsafeMutableBytes(of: &address.bytes) { unsafe $0.copyBytes(from: bytes) }
        address.scope = scope
        address.port = port
        address.version = UInt8(version)
        return address
    }

    /// Whether it leads to this host whatever the network: 127.0.0.0/8, `::1`, and the first as one of version 6.
    public var isLoopback: Bool {
        if version == 4 { return bytes[0] == 127 }
        if bytes == [UInt8](repeating: 0, count: 15) + [1] { return true }
        return Array(bytes.prefix(12)) == [UInt8](repeating: 0, count: 10) + [255, 255] && bytes[12] == 127
    }

    /// The address alone, in numbers.
    public var host: String {
        unsafe text(capacity: 96) { buffer in
            var address = plain
            return unsafe naru_inet_text(&address, buffer, 96)
        } ?? ""
    }

    /// `127.0.0.1:9000`, `[::1]:9000`.
    public var description: String { version == 6 ? "[\(host)]:\(port)" : "\(host):\(port)" }

    /// The addresses of a host's name, in the order in which to try them; at most sixteen.
    ///
    /// **Blocks** for as long as the host's resolver takes, which may be half a minute. The corresponding C function
    /// is `getaddrinfo`.
    /// - Throws: ``ResolverError``.
    public static func resolve(_ name: String, port: UInt16) throws(ResolverError) -> [InetAddress] {
        guard !name.utf8.contains(0) else { throw ResolverError(reason: "the name holds a NUL byte") }
        var found: [InetAddress] = []
        // Safe: the callee fills at most as many as there is room for, and says how many.
        let result = unsafe withUnsafeTemporaryAllocation(of: naru_inet.self, capacity: 16) { buffer -> Int32 in
            unsafe buffer.initialize(repeating: naru_inet())
            let count = unsafe naru_inet_resolve(name, port, buffer.baseAddress.unsafelyUnwrapped, 16)
            for index in 0..<max(0, Int(count)) { found.append(InetAddress(unsafe buffer[index])) }
            return count
        }
        if result <= -1000 {
            throw ResolverError(reason: unsafe String(cString: naru_inet_resolver_text(result + 1000)))
        }
        if result < 0 { throw ResolverError(reason: failure(-result, "getaddrinfo", name).description) }
        var seen = Set<InetAddress>()
        return found.filter { seen.insert($0).inserted }
    }

    /// Why a name has no address.
    public struct ResolverError: Error, Sendable {
        /// In words.
        public let reason: String
    }
}

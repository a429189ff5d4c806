// Naru: messages between programs by the fastest valid mechanism.
// Copyright the Naru authors. Licensed under the Apache License, Version 2.0 (see LICENSE).

internal import CNaruSystem

/// Sockets of TCP. All are non-blocking and close-on-exec.
public enum TCPSocket {
    /// A socket that listens at an address. A port that only the remains of closed connections hold is free.
    ///
    /// Throws `EADDRINUSE` when somebody else listens there, `EADDRNOTAVAIL` when the address is none of this host's.
    /// - Parameter bothVersions: Whether a socket of version 6 at `::` also takes connections of version 4.
    public static func listen(
        at address: InetAddress, backlog: Int32, bothVersions: Bool = false
    ) throws(SystemError) -> Descriptor {
        let socket = try make(address.version)
        try checked(naru_set_reuse_address(socket.number), "setsockopt(SO_REUSEADDR)", address.description)
        if address.version == 6 {
            let result = naru_set_both_versions(socket.number, bothVersions ? 1 : 0)
            try checked(result, "setsockopt(IPV6_V6ONLY)", address.description)
        }
        var plain = address.plain
        // Safe: the callee only reads the local.
        try checked(unsafe naru_inet_bind(socket.number, &plain), "bind", address.description)
        try checked(naru_listen(socket.number, backlog), "listen", address.description)
        return socket
    }

    /// The next connection; nil when nobody waits. As ``UnixSocket/accept(_:)``.
    public static func accept(_ listener: Descriptor) throws(SystemError) -> Descriptor? {
        try UnixSocket.accept(listener)
    }

    /// A socket that is connecting to an address, or is connected already. Does not block: it becomes writable when the
    /// outcome is known, and ``takeError(_:)`` says which.
    public static func connect(to address: InetAddress) throws(SystemError) -> Descriptor {
        let socket = try make(address.version)
        var plain = address.plain
        // Safe: the callee only reads the local.
        let result = unsafe naru_inet_connect(socket.number, &plain)
        if result != -SystemErrno.inProgress { try checked(result, "connect", address.description) }
        return socket
    }

    /// Throws why a connection did not come about, if so.
    public static func takeError(_ descriptor: Descriptor, _ object: String) throws(SystemError) {
        let errno = naru_socket_error(descriptor.number)
        if errno != 0 { throw failure(errno, "connect", object) }
    }

    /// The socket's own address.
    public static func address(of descriptor: Descriptor) throws(SystemError) -> InetAddress {
        var found = naru_inet()
        // Safe, here and below: the callee fills the local.
        try checked(unsafe naru_inet_name(descriptor.number, 0, &found), "getsockname", descriptor.name)
        return InetAddress(found)
    }

    /// The address at the other end. Throws `ENOTCONN` when there is none.
    public static func peerAddress(of descriptor: Descriptor) throws(SystemError) -> InetAddress {
        var found = naru_inet()
        try checked(unsafe naru_inet_name(descriptor.number, 1, &found), "getpeername", descriptor.name)
        return InetAddress(found)
    }

    /// Sends small writes at once, instead of keeping them until what went before was acknowledged.
    public static func setNoDelay(_ descriptor: Descriptor) throws(SystemError) {
        try checked(naru_tcp_set_no_delay(descriptor.number), "setsockopt(TCP_NODELAY)", descriptor.name)
    }

    /// Asks a silent peer's kernel whether it is still there: after `idle` seconds, then each `interval` seconds; after
    /// `count` questions without an answer the connection ends with `ETIMEDOUT`. A stopped process's kernel answers.
    public static func setKeepAlive(
        _ descriptor: Descriptor, idleSeconds: Int32, intervalSeconds: Int32, count: Int32
    ) throws(SystemError) {
        let result = naru_tcp_set_keep_alive(descriptor.number, idleSeconds, intervalSeconds, count)
        try checked(result, "setsockopt(SO_KEEPALIVE)", descriptor.name)
    }

    /// How long what was sent may stay unacknowledged, or find no room at the other end, before the connection ends
    /// with `ETIMEDOUT`. A process that is stopped while much is sent to it looks like that too.
    public static func setUserTimeout(_ descriptor: Descriptor, milliseconds: Int32) throws(SystemError) {
        let result = naru_tcp_set_user_timeout(descriptor.number, milliseconds)
        try checked(result, "setsockopt(TCP_USER_TIMEOUT)", descriptor.name)
    }

    /// The user whose socket is at the other end of a connection within this network namespace; `nil` where there is
    /// none here, or the kernel does not say. One reads it soon after connecting: it goes when that end closes.
    public static func peerUser(of descriptor: Descriptor) -> UInt32? {
        guard let own = try? address(of: descriptor), let peer = try? peerAddress(of: descriptor) else { return nil }
        return owner(local: peer.plain, remote: own.plain)
    }

    /// The user who listens at an address of this network namespace; `nil` where nobody does, or the kernel does not
    /// say.
    public static func listeningUser(at address: InetAddress) -> UInt32? {
        owner(local: address.plain, remote: naru_inet())
    }

    private static func owner(local: naru_inet, remote: naru_inet) -> UInt32? {
        var (local, remote, found) = (local, remote, UInt32.max)
        // Safe: the callee reads two of the locals and fills the third.
        return unsafe naru_inet_owner(&local, &remote, &found) == 0 ? found : nil
    }

    /// Whether it is a TCP socket.
    public static func isTCP(_ descriptor: Descriptor) -> Bool { naru_is_tcp(descriptor.number) != 0 }

    private static func make(_ version: Int) throws(SystemError) -> Descriptor {
        let result = naru_inet_socket(Int32(version))
        return Descriptor(adopting: try checked(result, "socket", version == 6 ? "AF_INET6" : "AF_INET"))
    }
}

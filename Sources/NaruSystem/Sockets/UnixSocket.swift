// Naru: messages between programs by the fastest valid mechanism.
// Copyright the Naru authors. Licensed under the Apache License, Version 2.0 (see LICENSE).

internal import CNaruSystem

/// Sockets of the local host (`AF_UNIX`). All are non-blocking and close-on-exec.
public enum UnixSocket {
    /// How a socket carries bytes.
    public enum Kind: Sendable, Hashable {
        /// A stream without boundaries.
        case stream
        /// Records that arrive whole or not at all.
        case seqpacket
    }

    /// The longest path a socket can have, in bytes.
    public static let maximumPathBytes = 107

    /// The most descriptors that one message can pass.
    public static let maximumDescriptors = Int(NARU_MAXIMUM_DESCRIPTORS)

    /// Two connected sockets without a name. Where they block,
    /// ``Descriptor/receiveBlocking(into:)`` waits for something to come; no other call here does.
    public static func pair(kind: Kind, blocking: Bool = false) throws(SystemError) -> (Descriptor, Descriptor) {
        var a: Int32 = -1
        var b: Int32 = -1
        // Safe: the callee fills the two locals.
        try checked(
            unsafe naru_unix_pair(kind == .seqpacket ? 1 : 0, blocking ? 0 : 1, &a, &b), "socketpair", "AF_UNIX")
        return (Descriptor(adopting: a), Descriptor(adopting: b))
    }

    /// A stream socket that listens at a path with exactly these permissions, and at no moment with more.
    ///
    /// Between its name's appearance and listening a dialer is refused for an instant, as by a stale socket. Throws
    /// `EADDRINUSE` when the path exists, stale or not, and `ENAMETOOLONG` above ``maximumPathBytes``. The name stays
    /// when the descriptor is closed: remove it first.
    public static func listen(
        path: String, backlog: Int32, permissions: UInt16
    ) throws(SystemError) -> Descriptor {
        let path = try checkedPath(path, "bind")
        let socket = Descriptor(adopting: try checked(naru_unix_socket(), "socket", path))
        // Safe, here and below: the text is NUL-terminated and valid for the call.
        try checked(unsafe naru_unix_bind(socket.number, path, UInt32(permissions)), "bind", path)
        do throws(SystemError) {
            try checked(naru_listen(socket.number, backlog), "listen", path)
            // The umask may have taken bits away.
            if try FileSystem.status(path, followingSymbolicLinks: false).permissions != permissions {
                try FileSystem.setPermissions(path, permissions: permissions)
            }
        } catch {
            _ = unsafe naru_remove(path)
            throw error
        }
        return socket
    }

    /// The next connection; nil when nobody waits.
    ///
    /// Throws `EMFILE` or `ENFILE` when no descriptor is left: the connection stays queued and the listener readable.
    public static func accept(_ listener: Descriptor) throws(SystemError) -> Descriptor? {
        let result = naru_accept(listener.number)
        if result == -SystemErrno.again { return nil }
        return Descriptor(adopting: try checked(result, "accept4", listener.name))
    }

    /// A stream socket that is connected to the listener at a path. Does not block.
    ///
    /// Throws `ENOENT` when nothing is there, `ECONNREFUSED` when nobody listens (a stale socket), `EAGAIN` when too
    /// many wait there already, `EACCES` when it may not be written.
    public static func connect(path: String) throws(SystemError) -> Descriptor {
        let path = try checkedPath(path, "connect")
        let socket = Descriptor(adopting: try checked(naru_unix_socket(), "socket", path))
        try checked(unsafe naru_unix_connect(socket.number, path), "connect", path)
        return socket
    }

    /// A stream socket that listens at a name that is in no folder: it belongs to the network namespace, whoever is in
    /// it can connect, and it goes with the descriptor. Throws `EADDRINUSE` when the name is taken.
    public static func listen(abstract name: String, backlog: Int32) throws(SystemError) -> Descriptor {
        let name = try checkedPath(name, "bind")
        let socket = Descriptor(adopting: try checked(naru_unix_socket(), "socket", name))
        // Safe, here and below: the text is NUL-terminated and valid for the call.
        try checked(unsafe naru_unix_bind_abstract(socket.number, name), "bind", name)
        try checked(naru_listen(socket.number, backlog), "listen", name)
        return socket
    }

    /// A stream socket that is connected to the listener at such a name. Does not block. Throws `ECONNREFUSED` when
    /// there is none in this network namespace.
    public static func connect(abstract name: String) throws(SystemError) -> Descriptor {
        let name = try checkedPath(name, "connect")
        let socket = Descriptor(adopting: try checked(naru_unix_socket(), "socket", name))
        try checked(unsafe naru_unix_connect_abstract(socket.number, name), "connect", name)
        return socket
    }

    /// Tells the kernel to attach the sender's credentials to what is received from now on.
    public static func passCredentials(_ descriptor: Descriptor, _ on: Bool) throws(SystemError) {
        try checked(naru_pass_credentials(descriptor.number, on ? 1 : 0), "setsockopt(SO_PASSCRED)", descriptor.name)
    }

    /// Who connected, or called listen, at the other end: not necessarily who sends.
    public static func peerCredentials(_ descriptor: Descriptor) throws(SystemError) -> PeerCredentials {
        var found = naru_credentials()
        // Safe: the callee fills the local.
        let result = unsafe naru_peer_credentials(descriptor.number, &found)
        try checked(result, "getsockopt(SO_PEERCRED)", descriptor.name)
        return PeerCredentials(found)
    }

    /// Whether it is a local socket of this kind.
    public static func isSocketKind(_ descriptor: Descriptor, _ kind: Kind) -> Bool {
        naru_is_unix(descriptor.number, kind == .seqpacket ? 1 : 0) != 0
    }

    /// Asks for buffers of so many bytes; the kernel doubles them, and cuts them to the host's limit in silence.
    public static func setBufferBytes(_ descriptor: Descriptor, send: Int?, receive: Int?) throws(SystemError) {
        if let send {
            let result = naru_set_buffer_bytes(descriptor.number, 0, Int32(clamping: send))
            try checked(result, "setsockopt(SO_SNDBUF)", descriptor.name)
        }
        if let receive {
            let result = naru_set_buffer_bytes(descriptor.number, 1, Int32(clamping: receive))
            try checked(result, "setsockopt(SO_RCVBUF)", descriptor.name)
        }
    }

    /// How many bytes can be read now; also for pipes.
    public static func pendingInput(_ descriptor: Descriptor) throws(SystemError) -> Int {
        Int(try checked(naru_pending_input(descriptor.number), "ioctl(FIONREAD)", descriptor.name))
    }
}

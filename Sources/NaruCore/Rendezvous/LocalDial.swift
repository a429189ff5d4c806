// Naru: messages between programs by the fastest valid mechanism.
// Copyright the Naru authors. Licensed under the Apache License, Version 2.0 (see LICENSE).

internal import NaruSystem

/// One look for a name of this host.
enum LocalDial {
    /// Connects where somebody listens and begins the handshake; `nil` when nobody does now.
    static func begin(
        _ name: String, _ runtime: Runtime, _ request: DialRequest, _ results: Mailbox<DialAnswer>
    ) throws(NaruError) -> (any DialTrial)? {
        guard let socket = try connect(name, runtime) else { return nil }
        do {
            try UnixSocket.passCredentials(socket, true)
            let connection = try ControlConnection(socket, runtime: runtime)
            let user = connection.credentials.userID
            guard HostInformation.isOwnUser(user) else {
                throw NaruError(
                    .refused, operation: "connect", object: "local:\(name)",
                    reason: "\(LinkListener.naming(user)) listens on it, not the user of this end",
                    remedy: "run both ends as one user")
            }
            let handshake = Handshake(
                role: .dialer, runtime: runtime, hello: request.hello, connection: connection, related: false,
                admit: { _ in nil }, completion: { results.put(DialAnswer($0)) })
            handshake.start(deadline: request.handshakeDeadline)
            return handshake
        } catch let error as SystemError {
            throw NaruError(error, operation: "connect", object: "local:\(name)")
        } catch {
            throw error as! NaruError
        }
    }

    private static func connect(_ name: String, _ runtime: Runtime) throws(NaruError) -> Descriptor? {
        for directory in runtime.directories.paths {
            let path = directory + "/" + name + ".sock"
            guard path.utf8.count <= UnixSocket.maximumPathBytes else { continue }
            do {
                // Where another user may have put the name, nobody looks: it would keep this end from those after it.
                if try RuntimeDirectories.problem(directory) != nil { continue }
                return try UnixSocket.connect(path: path)
            } catch {
                switch error.errno {
                case SystemErrno.notFound, SystemErrno.connectionRefused, SystemErrno.again, SystemErrno.notADirectory:
                    continue  // Nobody there yet, a stale socket, or a full backlog: look again later.
                default:
                    throw NaruError(error, operation: "connect", object: "local:\(name)")
                }
            }
        }
        return nil
    }
}

extension Handshake: DialTrial {
    func abandon(_ error: NaruError) { abandon(error, refusal: nil) }
}

// Naru: messages between programs by the fastest valid mechanism.
// Copyright the Naru authors. Licensed under the Apache License, Version 2.0 (see LICENSE).

internal import NaruCore
internal import NaruStream
internal import NaruSystem

/// Which pipe it is.
struct NamedPipeObject: Hashable {
    let device: UInt64
    let inode: UInt64
}

/// One open end of a named pipe.
enum NamedPipeEnd {
    /// Opens an end by name, without blocking and without following links, and checks that it is a pipe of this user's
    /// and nobody else's.
    /// - Parameter expected: Which pipe it must be; `nil` where this end has just made it.
    static func open(
        _ path: String, _ access: OpenOptions, expecting expected: NamedPipeObject? = nil
    ) throws(NaruError) -> (end: Descriptor, object: NamedPipeObject) {
        let end: Descriptor
        let status: FileStatus
        do throws(SystemError) {
            end = try FileSystem.open(path, [access, .nonBlocking, .noFollow])
            status = try end.status()
        } catch {
            if error.errno == SystemErrno.noReader {
                throw NaruError(
                    .peerVanished, operation: "open", object: TransportName.fifo.rawValue,
                    reason: "the peer does not hold the reading end")
            }
            throw NaruError(error, operation: "open", object: TransportName.fifo.rawValue)
        }
        let object = NamedPipeObject(device: status.device, inode: status.inode)
        guard status.kind == .fifo, HostInformation.isOwnUser(status.userID), status.permissions & 0o077 == 0,
            expected == nil || object == expected
        else {
            throw NaruError(
                .protocolViolation, operation: "open", object: TransportName.fifo.rawValue,
                reason: "what goes by the name \(path) is not the pipe that was made")
        }
        return (end, object)
    }

    /// The lanes over proved pipes.
    static func lanes(
        writing: Descriptor?, reading: Descriptor?, _ request: OpeningRequest, _ configuration: NamedPipeConfiguration
    ) -> Lanes {
        // A host that permits less still carries everything, only not as far ahead.
        if let writing { _ = try? SystemPipe.setCapacity(of: writing, byteCount: configuration.capacityBytes) }
        return Lanes(
            writing: writing, reading: reading, configuration: configuration.stream, reactor: request.reactor,
            transport: .fifo)
    }
}

extension OpeningRequest {
    /// How many pipes the link has.
    var pipeCount: Int { (sends ? 1 : 0) + (receives ? 1 : 0) }
    /// Which of them this end writes to; the dialer's sending lane is the first.
    var writtenIndex: Int { role == .dialer || !receives ? 0 : 1 }
    /// Which of them it reads from.
    var readIndex: Int { role == .dialer && sends ? 1 : 0 }
}

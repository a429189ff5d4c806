// Naru: messages between programs by the fastest valid mechanism.
// Copyright the Naru authors. Licensed under the Apache License, Version 2.0 (see LICENSE).

public import NaruCore
internal import NaruStream
internal import NaruSystem

extension NamedPipeTransport: AttachableTransport {
    /// Opens one end of a FIFO that exists, for a program that knows nothing of Naru: `cat`, `dd`, a redirection of a
    /// shell. Bytes or lines, as the request says.
    ///
    /// A receiver is open at once, and waits for the first writer as it waits for bytes; it has finished when the last
    /// writer has closed, however that came. A sender is open when somebody reads; what it sends when nobody does any
    /// more throws `NaruError.Code.peerVanished`.
    /// - Throws: `NaruError.Code.unsupported` for a link of Naru's own, which is negotiated, and for both directions;
    ///   `NaruError.Code.invalidArgument` for what is no FIFO; what the kernel refused.
    public func attach(_ request: AttachRequest) throws(NaruError) -> AttachStep {
        guard case .foreign(let path) = request.medium else {
            throw NaruError(
                .unsupported, operation: "attach", object: name.rawValue,
                reason: "links over FIFOs are negotiated with a live peer", remedy: "use fifo:PATH with --raw")
        }
        guard request.sends != request.receives else {
            throw NaruError(
                .unsupported, operation: "attach", object: "fifo:\(path)", reason: "a FIFO goes one way",
                remedy: "use a sender and a receiver with a FIFO each")
        }
        let end: Descriptor?
        do throws(SystemError) {
            end = try open(path, request.sends ? .write : .read)
        } catch {
            return try step(after: error, path)
        }
        guard let end else {
            throw NaruError(
                .invalidArgument, operation: "attach", object: "fifo:\(path)", reason: "what lies there is no FIFO",
                remedy: "name a FIFO; `mkfifo` makes one")
        }
        return .attached(attachment(end, request, path))
    }

    /// Opens a FIFO, and nothing else: some devices do something when they are opened.
    private func open(_ path: String, _ access: OpenOptions) throws(SystemError) -> Descriptor? {
        guard try FileSystem.status(path, followingSymbolicLinks: true).kind == .fifo else { return nil }
        let end = try FileSystem.open(path, [access, .nonBlocking])
        return try end.status().kind == .fifo ? end : nil
    }

    private func attachment(_ end: Descriptor, _ request: AttachRequest, _ path: String) -> Attachment {
        let object = "fifo:\(path)"
        let stream = StreamEnd(end, kind: .pipe)
        guard request.sends else {
            let lane = RawInboundLane(
                stream, framing: request.framing, maximumMessageBytes: request.requirements.maximumMessageBytes,
                name: object)
            return Attachment(lanes: Lanes(inbound: lane), delivery: .handedOver)
        }
        let lane = StreamOutboundLane(
            stream, configuration: configuration.stream, reactor: request.reactor,
            // Messages leave no trace on the stream, so none is cut into fragments; 64 is the least that lanes have.
            maximumRecordBytes: max(request.requirements.maximumMessageBytes, 64), framing: .raw(request.framing),
            name: object)
        return Attachment(lanes: Lanes(outbound: lane), delivery: .handedOver)
    }

    /// What an error of the kernel means: that which is not there yet may come.
    private func step(after error: SystemError, _ path: String) throws(NaruError) -> AttachStep {
        switch error.errno {
        case SystemErrno.noReader: return .notYet("nobody reads \(path)")
        case SystemErrno.notFound: return .notYet("there is no FIFO \(path); `mkfifo \(path)` makes one")
        default: throw NaruError(error, operation: "attach", object: "fifo:\(path)")
        }
    }
}

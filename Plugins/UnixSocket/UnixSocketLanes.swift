// Naru: messages between programs by the fastest valid mechanism.
// Copyright the Naru authors. Licensed under the Apache License, Version 2.0 (see LICENSE).

internal import NaruCore
internal import NaruStream
internal import NaruSystem

/// The version of what the two openings say to each other.
let unixSocketOpeningVersion: UInt8 = 1

/// Runs a system call of an opening.
func naming<Value>(_ call: () throws(SystemError) -> Value) throws(NaruError) -> Value {
    do { return try call() } catch { throw NaruError(error, operation: "open", object: "unix-socket") }
}

extension NaruError {
    /// An opening that the peer spoilt.
    static func opening(_ code: Code, _ reason: String) -> NaruError {
        NaruError(code, operation: "open", object: "unix-socket", reason: reason)
    }
}

/// The lanes over a proved socket.
func makeLanes(
    _ stream: Descriptor, _ request: OpeningRequest, _ configuration: UnixSocketConfiguration
) -> Lanes {
    let end = StreamEnd(stream, kind: .socket, lanes: request.sends && request.receives ? 2 : 1)
    var outbound: StreamOutboundLane?
    if request.sends {
        // A host that permits less still carries everything, only not as far ahead.
        try? UnixSocket.setBufferBytes(stream, send: configuration.sendBufferBytes, receive: nil)
        outbound = StreamOutboundLane(
            end, configuration: configuration.stream, reactor: request.reactor, name: "unix-socket")
    } else {
        stream.shutdownWrite()
    }
    let inbound = request.receives ? StreamInboundLane(end, companion: outbound, name: "unix-socket") : nil
    return Lanes(outbound: outbound, inbound: inbound)
}

// Naru: messages between programs by the fastest valid mechanism.
// Copyright the Naru authors. Licensed under the Apache License, Version 2.0 (see LICENSE).

internal import NaruCore
internal import NaruStream
internal import NaruSystem

/// Writes a proof into a new socket, whose buffer is empty and takes it whole.
func writeProof(_ proof: UnixSocketProof, _ stream: Descriptor) throws(NaruError) {
    let written = try naming { () throws(SystemError) in try stream.send(proof.record) }
    guard written == .bytes(UnixSocketProof.recordBytes) else {
        throw .opening(.protocolViolation, "the socket takes no \(UnixSocketProof.recordBytes) B")
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

// Naru: messages between programs by the fastest valid mechanism.
// Copyright the Naru authors. Licensed under the Apache License, Version 2.0 (see LICENSE).

internal import NaruCore
internal import NaruStream
internal import NaruSystem

/// Writes bytes into a new connection, whose buffer is empty and takes them whole.
func writeWhole(_ bytes: [UInt8], _ stream: Descriptor) throws(NaruError) {
    let written = try naming { () throws(SystemError) in try stream.send(bytes) }
    guard written == .bytes(bytes.count) else {
        throw .opening(.protocolViolation, "the connection takes no \(bytes.count) B")
    }
}

/// The lanes over a proved connection.
///
/// The kernel's buffers are left to the kernel, which measures the way and grows them; a size that is set ends that.
func makeLanes(_ stream: Descriptor, _ request: OpeningRequest, _ configuration: TCPConfiguration) -> Lanes {
    let lanes = request.sends && request.receives ? 2 : 1
    let end = StreamEnd(stream, kind: .socket, lanes: lanes, lingering: request.reactor)
    var outbound: StreamOutboundLane?
    if request.sends {
        outbound = StreamOutboundLane(
            end, configuration: configuration.stream, reactor: request.reactor, name: "tcp")
    } else {
        stream.shutdownWrite()
    }
    let inbound =
        request.receives ? StreamInboundLane(end, companion: outbound, name: "tcp", arrivesLate: true) : nil
    return Lanes(outbound: outbound, inbound: inbound)
}

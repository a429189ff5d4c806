// Naru: messages between programs by the fastest valid mechanism.
// Copyright the Naru authors. Licensed under the Apache License, Version 2.0 (see LICENSE).

public import NaruCore
public import NaruSystem

extension Lanes {
    /// The lanes over two descriptors that each carry one way, such as the ends of two pipes.
    /// - Parameters:
    ///   - writing: What this end sends through, non-blocking; `nil` where it does not send.
    ///   - reading: What it receives through, non-blocking; `nil` where it does not receive.
    ///   - configuration: How records are gathered.
    ///   - reactor: Writes what was gathered when nobody else does.
    ///   - transport: How errors name the lanes.
    public init(
        writing: Descriptor?, reading: Descriptor?, configuration: StreamConfiguration, reactor: Reactor,
        transport: TransportName
    ) {
        let outbound = writing.map {
            StreamOutboundLane(
                StreamEnd($0, kind: .pipe), configuration: configuration, reactor: reactor,
                maximumRecordBytes: StreamFormat.maximumPipeRecordBytes, name: transport.rawValue)
        }
        let inbound = reading.map {
            StreamInboundLane(
                StreamEnd($0, kind: .pipe), companion: outbound,
                maximumRecordBytes: StreamFormat.maximumPipeRecordBytes, name: transport.rawValue)
        }
        self.init(outbound: outbound, inbound: inbound)
    }
}

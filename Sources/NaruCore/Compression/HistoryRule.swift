// Naru: messages between programs by the fastest valid mechanism.
// Copyright the Naru authors. Licensed under the Apache License, Version 2.0 (see LICENSE).

/// Whether the lanes of a link may keep a compression history. A pure function, computed by both ends.
///
/// History needs that whatever was compressed arrives, once, in order, at one receiver that was there from the start,
/// so it is kept only where all of this holds:
///
/// - the direction is simplex or duplex: one receiver a lane;
/// - a slow receiver makes the sender wait (`block`): nothing is dropped;
/// - the link was negotiated between two live ends, and the transport neither reorders by priority nor keeps messages
///   for a receiver that comes later (`priority`, `replay`, `persistent`); of a transport that can also be attached to
///   its medium, these belong to such links and not to negotiated ones;
/// - where compression was not forced (`auto`), the link is not *confidential*: neither is confidentiality asked for
///   nor is it what the transport is for. In one history a secret and what an outsider may write next to it share their
///   length on the wire, which tells the secret piece by piece. Whoever forces a codec has looked at what is sent, and
///   may force it per message.
///
/// A link that resumed after a loss would have to begin a new history; none does today.
enum HistoryRule {
    /// Why the codec that both ends settle on must not keep history on a transport, or `nil` when both ends can and
    /// may.
    static func refusal(
        dialer: Hello, listener: Hello, on transport: TransportName, _ merged: Requirements
    ) -> String? {
        guard let settled = Compression.settle(dialer: dialer.compression, listener: listener.compression),
            let codec = settled.codec
        else { return "no codec is agreed" }
        guard settled.history else { return "one end wants it per message" }
        for (who, hello) in [("dialer", dialer), ("listener", listener)]
        where !hello.codec(codec, has: CodecFeature.history) {
            return "the \(who) has no history for codec `\(codec)`"
        }
        let records = (dialer.records + listener.records).filter { $0.transport == transport }
        return refusal(settled.mode, merged, records)
    }

    /// Why the lanes must not keep history, or `nil` when they may.
    static func refusal(
        _ mode: Compression.Mode, _ requirements: Requirements, _ records: [CapabilityRecord]
    ) -> String? {
        switch requirements.direction {
        case .simplex, .duplex: break
        default: return "a link of direction \(requirements.direction) has several receivers"
        }
        guard requirements.overflow == .block else {
            return "messages for a slow receiver may be dropped (overflow is \(requirements.overflow))"
        }
        guard records.allSatisfy({ $0.agreements.contains(.negotiated) }) else {
            return "the agreement is not negotiated with a live peer"
        }
        let asked = Set(requirements.must + requirements.prefer)
        let promised = records.reduce(into: asked) { $0.formUnion($1.properties) }
        let negotiated = records.filter { !$0.agreements.contains(.attached) }
            .reduce(into: asked) { $0.formUnion($1.properties) }
        for property in [Property.priority, .replay, .persistent] where negotiated.contains(property) {
            return "the transport is `\(property)`: messages may arrive in another order, or at a later receiver"
        }
        if mode != .forced, promised.contains(.confidential) {
            return "the link is confidential, and compression was not forced"
        }
        return nil
    }
}

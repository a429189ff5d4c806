// Naru: messages between programs by the fastest valid mechanism.
// Copyright the Naru authors. Licensed under the Apache License, Version 2.0 (see LICENSE).

/// One transport as two hosts have it.
struct Pairing {
    let transport: TransportName
    /// This end's record; `nil` where this build has no such transport.
    let local: CapabilityRecord?
    /// The peer's record; `nil` where its build has no such transport.
    let remote: CapabilityRecord?
    /// What both can do together; `nil` unless both have the transport.
    let effective: CapabilityRecord?

    /// Pairs two records of one transport, where there are two.
    init(_ transport: TransportName, local: CapabilityRecord?, remote: CapabilityRecord?) {
        self.transport = transport
        self.local = local
        self.remote = remote
        effective = local.flatMap { local in remote.map { local.combined(with: $0) } }
    }

    /// Every transport that either end has or the request names, sorted by name.
    ///
    /// Several records of one transport count as what they have in common, so that their order is of no effect.
    static func all(
        local: [CapabilityRecord], remote: [CapabilityRecord], named: [TransportName]
    ) -> [Pairing] {
        let mine = Dictionary(local.map { ($0.transport, $0) }) { $0.combined(with: $1) }
        let theirs = Dictionary(remote.map { ($0.transport, $0) }) { $0.combined(with: $1) }
        return Set(mine.keys).union(theirs.keys).union(named).sorted().map {
            Pairing($0, local: mine[$0], remote: theirs[$0])
        }
    }

    /// Who lacks something: the transport where both ends do, otherwise the end at fault.
    func subject(lacking has: (CapabilityRecord) -> Bool) -> String {
        let localLacks = local.map { !has($0) } ?? true
        let remoteLacks = remote.map { !has($0) } ?? true
        switch (localLacks, remoteLacks) {
        case (true, false): return "this end's \(transport)"
        case (false, true): return "the peer's \(transport)"
        default: return transport.rawValue
        }
    }
}

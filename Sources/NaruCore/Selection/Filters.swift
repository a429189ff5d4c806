// Naru: messages between programs by the fastest valid mechanism.
// Copyright the Naru authors. Licensed under the Apache License, Version 2.0 (see LICENSE).

/// The filters of the selector, in their order: each is a pure function that returns at most one refusal.
struct Filters {
    let request: Requirements
    let relation: Relation
    /// How the ends can come to an agreement.
    let ways: [AgreementKind]

    /// Every filter that refuses the transport, first to last; empty where it is valid.
    func refusals(of pairing: Pairing) -> [Refusal] {
        var result = [policy(pairing), presence(pairing)].compactMap(\.self)
        guard let record = pairing.effective else { return result }
        result += [
            unasked(pairing, record), availability(pairing), agreement(pairing, record), locality(pairing, record),
            direction(pairing, record), size(record), properties(pairing, record), overflow(pairing, record),
            user(record), namespaces(record),
        ].compactMap(\.self)
        return result
    }

    private func policy(_ pairing: Pairing) -> Refusal? {
        let name = pairing.transport
        if request.deny.contains(name) {
            return Refusal("denied by the configuration", remedy: "remove \(Wording.shown(name.rawValue)) from deny")
        }
        if let allowed = request.transports, !allowed.contains(name) {
            return Refusal(
                "not among the transports permitted (\(Wording.list(allowed)))",
                remedy: "add \(Wording.shown(name.rawValue)) to transports")
        }
        return nil
    }

    private func presence(_ pairing: Pairing) -> Refusal? {
        let name = Wording.shown(pairing.transport.rawValue)
        let remedy: String
        if let trait = pairing.transport.packageTrait {
            remedy = "build with the package trait \(trait)"
        } else if TransportName.known.contains(pairing.transport) {
            remedy = "add the plugin of \(name)"
        } else {
            remedy = "add the plugin that provides \(name), or correct the name"
        }
        switch (pairing.local, pairing.remote) {
        case (nil, nil): return Refusal("not in this build", remedy: remedy)
        case (nil, _): return Refusal("this build has no \(name); the peer's has", remedy: remedy)
        case (_, nil): return Refusal("the peer's build has no \(name)", remedy: "on the peer's side, \(remedy)")
        default: return nil
        }
    }

    private func unasked(_ pairing: Pairing, _ record: CapabilityRecord) -> Refusal? {
        guard record.onlyByName, request.transports?.contains(pairing.transport) != true else { return nil }
        let name = Wording.shown(pairing.transport.rawValue)
        return Refusal(
            "used only where it is asked for by name", remedy: "add \(name) to transports",
            cause: "the default of transports")
    }

    private func availability(_ pairing: Pairing) -> Refusal? {
        let local = pairing.local?.availability ?? .available
        let remote = pairing.remote?.availability ?? .available
        switch (local, remote) {
        case (.refused(let reason, let remedy), _):
            return Refusal("not available here: \(reason)", remedy: remedy)
        case (.available, .refused(let reason, let remedy)):
            return Refusal("not available on the peer's side: \(reason)", remedy: "there, \(remedy)")
        case (.available, .available):
            return nil
        }
    }

    private func agreement(_ pairing: Pairing, _ record: CapabilityRecord) -> Refusal? {
        guard !record.agreements.contains(where: ways.contains) else { return nil }
        // What carries no signals says so, which is the reason.
        guard request.direction != .signal || record.directions.contains(.signal) else { return nil }
        guard let way = record.agreements.first else {
            return Refusal(
                "the ends have no way to an agreement in common",
                remedy: "run one version of \(pairing.transport) on both ends")
        }
        switch way {
        case .negotiated:
            return Refusal(
                "it needs a live peer to agree with, and this link is attached to its medium",
                remedy: "remove persistent and replay from require, and do not set direction to queue")
        case .attached:
            return Refusal(
                "its medium holds the agreement; this link is negotiated with a live peer",
                remedy: "require persistent, or set direction to queue")
        }
    }

    private func locality(_ pairing: Pairing, _ record: CapabilityRecord) -> Refusal? {
        guard !record.localities.contains(relation.locality) else { return nil }
        let subject = pairing.subject { $0.localities.contains(relation.locality) }
        return Refusal(
            "\(subject) reaches \(Wording.list(record.localities)); the ends are \(relation.locality)",
            remedy: remedy(reaching: record.localities))
    }

    /// What brings the ends to a locality that a transport reaches.
    private func remedy(reaching localities: [Locality]) -> String {
        guard let farthest = localities.max() else { return "run one version on both ends" }
        switch farthest {
        case .remote: return "for ends on different hosts only; use a local transport"
        case .sameHost: return "run both ends on one host"
        case .relatedProcess: return "start one end from the other"
        case .sameProcess: return "run both ends in one process"
        }
    }

    private func direction(_ pairing: Pairing, _ record: CapabilityRecord) -> Refusal? {
        guard !record.directions.contains(request.direction) else { return nil }
        let subject = pairing.subject { $0.directions.contains(request.direction) }
        return Refusal(
            "\(subject) carries \(Wording.list(record.directions)), not \(request.direction)",
            remedy: record.directions.isEmpty
                ? "run one version on both ends" : "set direction to \(Wording.list(record.directions))")
    }

    private func size(_ record: CapabilityRecord) -> Refusal? {
        guard request.direction != .signal, let limit = record.maximumMessageBytes,
            request.maximumMessageBytes > limit
        else { return nil }
        let isDefault = request.maximumMessageBytes == Requirements.defaultMaximumMessageBytes
        return Refusal(
            "a message is at most \(Wording.size(limit)); the link must pass "
                + Wording.size(request.maximumMessageBytes),
            remedy: "set maximumMessageBytes to \(limit) or less",
            cause: isDefault && request.messageBytes <= limit
                ? "the default maximumMessageBytes of \(Wording.size(request.maximumMessageBytes))" : nil)
    }

    private func properties(_ pairing: Pairing, _ record: CapabilityRecord) -> Refusal? {
        let missing = Set(request.must).subtracting(record.properties).sorted()
        if ways == [.attached], request.must.contains(.confirmed), !missing.contains(.confirmed) {
            return Refusal(
                "attached to its medium it is not confirmed: no receiver answers a finish",
                remedy: "remove confirmed from require")
        }
        guard !missing.isEmpty else { return nil }
        let subject = pairing.subject { Set(request.must).isSubset(of: $0.properties) }
        return Refusal(
            "\(subject) is not \(Wording.list(missing))", remedy: "remove \(Wording.list(missing)) from require")
    }

    private func overflow(_ pairing: Pairing, _ record: CapabilityRecord) -> Refusal? {
        guard request.direction != .signal, !record.overflow.contains(request.overflow) else { return nil }
        let subject = pairing.subject { $0.overflow.contains(request.overflow) }
        return Refusal(
            "\(subject) has no overflow policy \(request.overflow)",
            remedy: record.overflow.isEmpty
                ? "run one version on both ends" : "set overflow to \(Wording.list(record.overflow))",
            cause: request.overflow == .block ? "the default overflow policy block" : nil)
    }

    private func user(_ record: CapabilityRecord) -> Refusal? {
        guard record.requiresSameUser, !relation.sameUser else { return nil }
        return Refusal(
            "both ends must run as one user; they run as two", remedy: "run both ends as one user")
    }

    private func namespaces(_ record: CapabilityRecord) -> Refusal? {
        let missing = Set(record.sharedNamespaces).subtracting(relation.sharedNamespaces).sorted()
        guard !missing.isEmpty else { return nil }
        return Refusal(
            "both ends must share the namespaces \(Wording.list(record.sharedNamespaces)); "
                + "they share \(Wording.list(relation.sharedNamespaces.sorted()))",
            remedy: "run both ends in one namespace of \(Wording.list(missing))")
    }
}

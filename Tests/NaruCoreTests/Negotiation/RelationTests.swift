// Naru: messages between programs by the fastest valid mechanism.
// Copyright the Naru authors. Licensed under the Apache License, Version 2.0 (see LICENSE).

import NaruSystem
import Testing

@testable import NaruCore

/// Where two ends are to each other, from what they say of themselves.
@Suite struct RelationTests {
    private func locality(_ own: ProcessClaim, _ peer: ProcessClaim, related: Bool = false) -> Locality {
        Relation.between(own, peer, sameUser: true, related: related).locality
    }

    @Test func hostsAreToldApartByTheirStart() {
        #expect(locality(claim("a"), claim("b")) == .sameHost)
        #expect(locality(claim("a"), claim("b"), related: true) == .relatedProcess)
        #expect(locality(claim("a", boot: "one"), claim("b", boot: "two")) == .remote)
        #expect(locality(claim("a", boot: "one"), claim("b", boot: "two"), related: true) == .remote)
    }

    /// A start that is hidden, at one end or at both, is no evidence of another host: the proof decides.
    @Test(arguments: [("", "boot"), ("boot", ""), ("", "")])
    func aHiddenStartSaysNothing(_ own: String, _ peer: String) {
        #expect(locality(claim("a", boot: own), claim("b", boot: peer)) == .sameHost)
        #expect(locality(claim("a", boot: own), claim("b", boot: peer), related: true) == .relatedProcess)
    }

    /// The copy of the library and the number decide; a forked child has the same copy and another number.
    @Test func aProcessIsItsCopyOfTheLibraryAndItsNumber() {
        #expect(locality(claim("a"), claim("a")) == .sameProcess)
        #expect(locality(claim("a", process: 1), claim("a", process: 2)) == .sameHost)
        #expect(locality(claim("a"), claim("b")) == .sameHost)
    }

    @Test func aNamespaceIsSharedWhereBothKnowItAndItIsTheSame() {
        func end(_ namespaces: [String: String]) -> ProcessClaim {
            ProcessClaim(
                image: "\(namespaces)", processID: 1, startTime: 1,
                host: HostIdentity(bootID: "boot", namespaces: namespaces))
        }
        let own = end(["net": "net:[1]", "ipc": "ipc:[2]", "pid": "pid:[3]"])
        let peer = end(["net": "net:[1]", "ipc": "ipc:[9]"])
        #expect(Relation.between(own, peer, sameUser: true, related: false).sharedNamespaces == ["net"])
        #expect(Relation.between(peer, own, sameUser: true, related: false).sharedNamespaces == ["net"])
        #expect(Relation.between(own, end([:]), sameUser: true, related: false).sharedNamespaces == [])
    }
}

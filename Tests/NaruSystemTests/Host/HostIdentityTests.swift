// Naru: messages between programs by the fastest valid mechanism.
// Copyright the Naru authors. Licensed under the Apache License, Version 2.0 (see LICENSE).

import NaruSystem
import Testing

@Suite struct HostIdentityTests {
    @Test func isStableAndNamesNamespaces() {
        let identity = HostIdentity.current()
        #expect(identity == HostIdentity.current())
        #expect(identity.bootID.utf8.count == 36)
        for kind in ["ipc", "mnt", "net", "pid", "user", "uts"] {
            #expect(identity.namespaces[kind]?.hasPrefix("\(kind):[") == true)
        }
    }

    @Test func aHiddenBootSaysNothing() {
        let (one, other) = (HostIdentity(bootID: "a", namespaces: [:]), HostIdentity(bootID: "b", namespaces: [:]))
        let hidden = HostIdentity(bootID: "", namespaces: [:])
        #expect(one.mayShareHost(with: one))
        #expect(!one.mayShareHost(with: other))
        #expect(!other.mayShareHost(with: one))
        for identity in [one, other, hidden] {
            #expect(identity.mayShareHost(with: hidden))
            #expect(hidden.mayShareHost(with: identity))
        }
    }
}

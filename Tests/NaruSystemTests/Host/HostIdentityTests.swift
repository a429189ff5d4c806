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
}

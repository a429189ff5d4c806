// Naru: messages between programs by the fastest valid mechanism.
// Copyright the Naru authors. Licensed under the Apache License, Version 2.0 (see LICENSE).

import NaruSystem
import Testing

@Suite struct SystemErrorTests {
    @Test func describesFunctionObjectTextAndName() {
        let error = SystemError(function: "mmap", object: "/dev/shm/x", errno: SystemErrno.accessDenied)
        #expect(error.description == "mmap(/dev/shm/x): Permission denied (EACCES)")
    }

    @Test func unusualNumberKeepsItsNumber() {
        let error = SystemError(function: "f", object: "o", errno: 4000)
        #expect(error.name == "errno 4000")
        #expect(error.description.contains("4000"))
    }
}

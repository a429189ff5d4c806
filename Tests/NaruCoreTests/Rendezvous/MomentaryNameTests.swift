// Naru: messages between programs by the fastest valid mechanism.
// Copyright the Naru authors. Licensed under the Apache License, Version 2.0 (see LICENSE).

import NaruSystem
import Testing

@testable import NaruCore

/// Names that are needed for an instant.
@Suite struct MomentaryNameTests {
    @Test func itReadsWhatItWrites() {
        let name = MomentaryName.text("queue")
        #expect(name == "naru-\(HostInformation.userID)-momentary-queue")
        #expect(MomentaryName.word(of: name, user: HostInformation.userID) == "queue")
        #expect(MomentaryName.word(of: name, user: HostInformation.userID &+ 1) == nil)
    }

    @Test(arguments: [
        "", "naru-7-momentary-", "naru-7-momentary-a-b", "naru-7-momentary-A", "naru-7-moment-a", "sem.naru",
    ])
    func othersAreNone(_ name: String) {
        #expect(MomentaryName.word(of: name, user: 7) == nil)
    }
}

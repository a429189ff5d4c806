// Naru: messages between programs by the fastest valid mechanism.
// Copyright the Naru authors. Licensed under the Apache License, Version 2.0 (see LICENSE).

import NaruSystem
import Testing

/// Two processes move messages of every size, in the ring, in slots and in fragments, in order and whole.
@Suite(.serialized, .timeLimit(.minutes(5))) struct MixedSizeTests {
    @Test(arguments: [4 << 20, 20 << 20], [true, false])
    func messagesOfEverySizeArriveWholeAndInOrder(_ limit: Int, _ receiverFirst: Bool) throws {
        let stage = try Stage()
        let count = limit > 4 << 20 ? 30 : 120
        let ends = ["mixed-receive", "mixed-send"].map { [$0, "mixed", "\(count)", "\(limit)"] }
        let first = try stage.peer(ends[receiverFirst ? 0 : 1])
        let second = try stage.peer(ends[receiverFirst ? 1 : 0])
        for end in [first, second] {
            #expect(try end.line() == "linked shared-memory")
            #expect(try end.line() == "finished \(count)")
        }
    }
}

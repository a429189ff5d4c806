// Naru: messages between programs by the fastest valid mechanism.
// Copyright the Naru authors. Licensed under the Apache License, Version 2.0 (see LICENSE).

import NaruSystem
import Testing

/// The samples that are servers of a kind do what their texts say.
@Suite(.serialized, .timeLimit(.minutes(2))) struct SampleTests {
    @Test(arguments: ["pipe", "auto"])
    func aParentSaysHowItsWorkersEnded(_ transport: String) throws {
        let stage = try Stage()
        let sample = try stage.start(
            Stage.built("ParentChild"), ["4", "200"],
            environment: transport == "auto" ? [:] : ["NARU_LINKS_WORK_TRANSPORTS": transport])
        let lines = try sample.allLines()
        try expectSuccess(of: sample)
        #expect(lines.count == 5, "\(lines)")
        let name = transport == "auto" ? "shared-memory" : transport
        for (number, end) in [(1, "exited with code 0"), (2, "was killed by signal 9"), (3, "exited with code 3")] {
            #expect(
                lines.contains { $0.hasPrefix("worker \(number) ") && $0.contains("by \(name)") && $0.hasSuffix(end) },
                "\(lines)")
        }
        // The squares of 0 to 199.
        #expect(lines.last == "200 of 200 jobs answered, sum 2646700", "\(lines)")
        #expect(try FileSystem.list(stage.folder + "/run").isEmpty)
    }
}

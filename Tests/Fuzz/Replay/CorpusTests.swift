// Naru: messages between programs by the fastest valid mechanism.
// Copyright the Naru authors. Licensed under the Apache License, Version 2.0 (see LICENSE).

import NaruSystem
import Testing

/// The committed corpus, and the seeds as this build makes them, through the same functions as in fuzzing.
@Suite(.serialized) struct CorpusTests {
    /// Beside this folder.
    private static let folder = #filePath.split(separator: "/").dropLast(2).map { "/" + $0 }.joined() + "/Corpus"

    @Test(arguments: FuzzTarget.allCases)
    func everyInputKeepsEveryProperty(_ target: FuzzTarget) throws {
        let folder = "\(Self.folder)/\(target.rawValue)"
        let names = try FileSystem.list(folder).sorted()
        #expect(names.count >= target.seeds.count)
        for name in names {
            let bytes = try FileSystem.readSmallFile("\(folder)/\(name)", limit: 1 << 20)
            #expect(throws: Never.self, "\(name)") { try target.run(bytes) }
        }
    }

    @Test(arguments: FuzzTarget.allCases)
    func everySeedKeepsEveryProperty(_ target: FuzzTarget) throws {
        for (name, bytes) in target.seeds {
            #expect(throws: Never.self, "\(name)") { try target.run(bytes) }
            // Cut off anywhere, it is an input like others.
            for count in stride(from: 0, to: bytes.count, by: 1 + bytes.count / 64) {
                #expect(throws: Never.self, "\(count) bytes of \(name)") { try target.run(Array(bytes.prefix(count))) }
            }
        }
    }
}

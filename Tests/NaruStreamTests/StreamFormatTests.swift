// Naru: messages between programs by the fastest valid mechanism.
// Copyright the Naru authors. Licensed under the Apache License, Version 2.0 (see LICENSE).

import NaruCore
import Testing

@testable import NaruStream

@Suite struct StreamFormatTests {
    @Test func onlyKindsThatMeanSomethingOnAStreamTravel() {
        let carried: Set<RecordHeader.Kind> = [.data, .fragment, .abort, .switch, .finish]
        for value in UInt8.min...UInt8.max {
            let kind = RecordHeader.Kind(rawValue: value)
            #expect(StreamFormat.carries(kind) == carried.contains(kind))
        }
    }

    @Test func paddingLeadsToTheNextMultipleOfEight() {
        for byteCount in 0..<100 {
            #expect((0..<8).contains(StreamFormat.padding(after: byteCount)))
            #expect((byteCount + StreamFormat.padding(after: byteCount)).isMultiple(of: 8))
        }
    }

    @Test func aViolationIsNamedAndAGoodHeaderIsNone() {
        let limit = 1000
        func problem(_ word: UInt64) -> String? { StreamFormat.violation(word, maximumRecordBytes: limit) }
        #expect(problem(RecordHeader().word(byteCount: 0)) == nil)
        #expect(problem(RecordHeader(extensionByteCount: 1000).word(byteCount: 1000)) == nil)
        #expect(problem(RecordHeader().word(byteCount: 1001))?.contains("1001") == true)
        #expect(problem(RecordHeader(kind: .padding).word(byteCount: 1))?.contains("kind 7") == true)
        #expect(problem(RecordHeader(extensionByteCount: 6).word(byteCount: 5))?.contains("extension of 6") == true)
        #expect(problem(0)?.contains("commit word") == true)
    }
}

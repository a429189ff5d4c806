// Naru: messages between programs by the fastest valid mechanism.
// Copyright the Naru authors. Licensed under the Apache License, Version 2.0 (see LICENSE).

import NaruCore
import Testing

@Suite struct CapabilityRecordTests {
    @Test func `the smallest record takes defaults`() throws {
        let record = try decode(
            CapabilityRecord.self, #"{"transport":"tcp","localities":["remote"],"directions":["duplex"]}"#)
        #expect(
            record == CapabilityRecord(transport: .tcp, localities: [.remote], directions: [.duplex]))
        #expect(try record.validated() == record)
    }

    @Test func `unknown fields and list elements are skipped`() throws {
        let json = """
            {"version":7,"transport":"quantum","localities":["same-host","same-galaxy"],
             "directions":["mesh","simplex"],"properties":["entangled","replay"],
             "waitModes":["dream","power"],"overflow":["explode"],"loans":"borrowed",
             "agreements":["oracle","attached"],"later":{"a":[1,2]},"maximumRecordBytes":null,
             "availability":{"available":false,"since":3}}
            """
        let record = try decode(CapabilityRecord.self, json).validated()
        #expect(record.localities == [.sameHost])
        #expect(record.directions == [.simplex])
        #expect(record.properties == ["entangled", .replay])
        #expect(record.waitModes == [.power])
        #expect(record.overflow == [])
        #expect(record.loans == .copied)
        #expect(record.agreements == [.attached])
        #expect(
            record.availability
                == .refused(reason: "no reason was given", remedy: "run naru doctor on that host"))
    }

    @Test(arguments: StandardRecords.all) func `a record survives JSON`(record: CapabilityRecord) throws {
        let refused = StandardRecords.refused(record, "EACCES", remedy: "chmod")
        #expect(try roundTrip(record) == record)
        #expect(try roundTrip(refused) == refused)
        #expect(try record.validated() == record)
    }

    @Test(arguments: [
        "", "null", "[]", "{}", #"{"transport":5,"localities":[],"directions":[]}"#,
        #"{"transport":"tcp","localities":[1],"directions":[]}"#,
        #"{"transport":"tcp","localities":"remote","directions":[]}"#,
        #"{"transport":"tcp","localities":[],"directions":[],"version":"one"}"#,
        #"{"transport":"tcp","localities":[],"directions":[],"version":1e400}"#,
        #"{"transport":"tcp","localities":[],"directions":[],"maximumRecordBytes":9223372036854775808}"#,
        #"{"transport":"tcp","localities":[],"directions":[],"availability":{}}"#,
        #"{"transport":"tcp","localities":[],"directions":[],"sealed":"yes"}"#,
        #"{"transport":"tcp","localities":[{"a":"#,
    ])
    func `malformed JSON is a decoding error`(json: String) {
        #expect(throws: DecodingError.self) { try decode(CapabilityRecord.self, json) }
    }

    @Test func `deep nesting is a decoding error`() {
        let json = String(repeating: "[", count: 100_000)
        #expect(throws: DecodingError.self) { try decode(CapabilityRecord.self, json) }
        #expect(throws: DecodingError.self) { try decode(Requirements.self, #"{"later":"# + json) }
    }

    @Test(arguments: [
        (#""version":0"#, "version"), (#""version":-9223372036854775808"#, "version"),
        (#""maximumRecordBytes":0"#, "maximumRecordBytes"), (#""maximumRecordBytes":-1"#, "maximumRecordBytes"),
        (#""maximumMessageBytes":9223372036854775807"#, "maximumMessageBytes"),
        (#""properties":["../../etc"]"#, "properties"), (#""properties":[""]"#, "properties"),
        (#""sharedNamespaces":["n\u0000t"]"#, "sharedNamespaces"),
        (#""availability":{"available":false,"reason":"\u001b[2J"}"#, "availability.reason"),
        (#""availability":{"available":false,"remedy":"two\nlines"}"#, "availability.remedy"),
        (#""availability":{"available":false,"remedy":"\u202eright to left"}"#, "availability.remedy"),
    ])
    func `values out of bounds are named`(field: String, name: String) throws {
        let json = #"{"transport":"tcp","localities":["remote"],"directions":["duplex"],"# + field + "}"
        let record = try decode(CapabilityRecord.self, json)
        let problem = #expect(throws: RecordProblem.self) { try record.validated() }
        #expect(problem?.field == name)
        #expect(problem?.description.unicodeScalars.allSatisfy { $0.value >= 0x20 } == true)
    }

    @Test func `long lists and texts are refused`() {
        var record = StandardRecords.tcp
        record.localities = Array(repeating: .remote, count: 65)
        #expect(throws: RecordProblem.self) { try record.validated() }
        record = StandardRecords.tcp
        record.properties = Array(repeating: .replay, count: 65)
        #expect(throws: RecordProblem.self) { try record.validated() }
        record = StandardRecords.refused(StandardRecords.tcp, String(repeating: "x", count: 1025), remedy: "y")
        #expect(throws: RecordProblem.self) { try record.validated() }
    }

    @Test(arguments: [
        ("a", true), ("0-9", true), (String(repeating: "a", count: 64), true), ("", false),
        (String(repeating: "a", count: 65), false), ("A", false), ("a_b", false), ("é", false), ("a b", false),
        ("a/b", false), ("a\0", false),
    ])
    func `names have one form`(name: String, isGood: Bool) throws {
        #expect(TransportName(name).isWellFormed == isGood)
        #expect(Property(name).isWellFormed == isGood)
        var record = StandardRecords.tcp
        record.transport = TransportName(name)
        #expect(((try? record.validated()) != nil) == isGood)
    }

    @Test(arguments: [(true, true, true as Bool?), (true, false, false), (false, nil, nil), (nil, nil, nil)])
    func `a dead holder releases where both say so`(mine: Bool?, theirs: Bool?, both: Bool?) throws {
        var (one, other) = (StandardRecords.semaphore, StandardRecords.semaphore)
        (one.releasesOnDeath, other.releasesOnDeath) = (mine, theirs)
        other.onlyByName = true
        let together = one.combined(with: other)
        #expect(together.releasesOnDeath == both)
        #expect(together.onlyByName)
        #expect(other.combined(with: one) == together)
        #expect(try roundTrip(together) == together)
    }

    @Test func `what two ends can do together is commutative`() {
        var random = SeededGenerator(seed: 11)
        for _ in 0..<500 {
            let left = random.record(of: .tcp)
            let right = random.record(of: .tcp)
            let both = left.combined(with: right)
            #expect(both == right.combined(with: left))
            #expect(both.combined(with: both) == both)
            #expect(Set(both.directions).isSubset(of: left.directions))
            #expect(both.maximumRecordBytes ?? .max <= right.maximumRecordBytes ?? .max)
        }
    }

    @Test func `localities are ordered by nearness`() {
        #expect([Locality.remote, .sameHost, .sameProcess, .relatedProcess].sorted() == Locality.allCases)
        #expect(Locality.allCases.map(\.rawValue) == ["same-process", "related-process", "same-host", "remote"])
    }
}

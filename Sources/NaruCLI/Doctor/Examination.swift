// Naru: messages between programs by the fastest valid mechanism.
// Copyright the Naru authors. Licensed under the Apache License, Version 2.0 (see LICENSE).

import Naru
import NaruSystem

/// Everything that `naru doctor` found.
struct Examination: Sendable {
    /// The host and this process.
    let host: [Finding]
    /// Each mechanism of this build.
    let records: [CapabilityRecord]
    /// The codecs of this build.
    let codecs: [String]
    /// Whether links are possible at all: a place to meet, and a mechanism.
    let works: Bool

    /// Examines the host. Opens and removes a few objects of the kernel; blocks for a moment.
    init(_ naru: Naru) {
        let meeting = MeetingPlace(naru.runtime.directories.paths)
        records = naru.runtime.records
        codecs = naru.runtime.codecs.keys.sorted()
        works = meeting.isUsable && records.contains { $0.availability == .available }
        host =
            [
                HostChecks.kernel(HostInformation.kernelRelease),
                HostChecks.cores(HostInformation.coreCount, model: HostInformation.processorModel),
                meeting.finding,
            ] + KernelObjects.findings + [PipeChecks.finding()] + QueueChecks.findings() + [
                HostChecks.sharedMemory(),
                HostChecks.memory(ControlGroup.memory()),
                HostChecks.descriptors(HostInformation.descriptorLimit),
                HostChecks.lockedMemory(),
                HostChecks.semaphores(SystemVSemaphore.limits),
            ]
    }

    /// For a person.
    var text: String {
        let mechanisms = records.map(Self.finding) + [codecFinding]
        let all = host + mechanisms
        let table = TextTable(rows: all.flatMap(\.rows)).lines
        let split = host.flatMap(\.rows).count
        let bad = all.filter { $0.status != .ok }.count
        let verdict =
            works
            ? (bad == 0 ? "Everything works." : "Links work; \(Format.count(UInt64(bad), "finding")) could be better.")
            : "No link is possible here."
        return (["Host"] + table[..<split] + ["", "Mechanisms of this build"] + table[split...] + ["", verdict])
            .joined(separator: "\n")
    }

    var json: JSON {
        .object([
            ("works", .bool(works)), ("checks", .array(host.map(\.json))),
            ("mechanisms", .array(records.map(Self.json))), ("codecs", .array(codecs.map(JSON.string))),
        ])
    }

    private var codecFinding: Finding {
        codecs.isEmpty
            ? Finding("codecs", .warning, "none: messages travel raw", remedy: "build with the package trait Zstd")
            : Finding("codecs", .ok, codecs.joined(separator: ", "))
    }

    private static func finding(_ record: CapabilityRecord) -> Finding {
        switch record.availability {
        case .refused(let reason, let remedy):
            return Finding(record.transport.rawValue, .problem, reason, remedy: remedy)
        case .available:
            var words = [words(record.localities), words(record.directions)]
            if let releases = record.releasesOnDeath {
                words.append("permits \(releases ? "come back" : "are lost") when their holder dies")
                if record.onlyByName { words.append("used where asked for by name") }
                return Finding(record.transport.rawValue, .ok, words.joined(separator: "; "))
            }
            if let limit = record.maximumMessageBytes { words.append("messages up to \(Format.bytes(UInt64(limit)))") }
            words.append(record.loans == .inPlace ? "loans in place" : "loans copied")
            return Finding(record.transport.rawValue, .ok, words.joined(separator: "; "))
        }
    }

    private static func words(_ list: [some CustomStringConvertible]) -> String {
        list.map(\.description).joined(separator: ", ")
    }

    private static func json(_ record: CapabilityRecord) -> JSON {
        var reason: String?
        var remedy: String?
        if case .refused(let why, let what) = record.availability { (reason, remedy) = (why, what) }
        func list(_ words: [some RawRepresentable<String>]) -> JSON { .array(words.map { .string($0.rawValue) }) }
        return .object([
            ("transport", .string(record.transport.rawValue)), ("available", .bool(reason == nil)),
            ("reason", .optional(reason)), ("remedy", .optional(remedy)), ("localities", list(record.localities)),
            ("directions", list(record.directions)), ("properties", list(record.properties)),
            ("maximumRecordBytes", .optional(record.maximumRecordBytes)),
            ("maximumMessageBytes", .optional(record.maximumMessageBytes)), ("loans", .string(record.loans.rawValue)),
            ("releasesOnDeath", record.releasesOnDeath.map(JSON.bool) ?? .null),
            ("onlyByName", .bool(record.onlyByName)),
        ])
    }
}

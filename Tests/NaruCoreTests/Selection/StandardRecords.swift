// Naru: messages between programs by the fastest valid mechanism.
// Copyright the Naru authors. Licensed under the Apache License, Version 2.0 (see LICENSE).

import FoundationEssentials
import NaruCore

/// Records like those of Naru's own plugins, for tables whose answers can be worked out by hand.
enum StandardRecords {
    static let inProcess = CapabilityRecord(
        transport: .inProcess, localities: [.sameProcess], directions: [.simplex, .duplex, .broadcast, .queue],
        properties: [.confidential, .confirmed, .zeroCopy], loans: .inPlace,
        overflow: [.block, .dropOldest, .dropNewest, .detach])
    static let sharedMemory = CapabilityRecord(
        transport: .sharedMemory, localities: [.sameProcess, .relatedProcess, .sameHost],
        directions: [.simplex, .duplex, .broadcast, .queue],
        properties: [.confidential, .confirmed, .pollable, .zeroCopy], loans: .inPlace, survivesSenderDeath: true,
        sealed: true, overflow: [.block, .dropOldest, .detach])
    static let memoryMap = CapabilityRecord(
        transport: .memoryMap, localities: [.sameProcess, .relatedProcess, .sameHost],
        directions: [.simplex, .broadcast], properties: [.persistent, .replay],
        agreements: [.negotiated, .attached], survivesSenderDeath: true, requiresSameUser: true,
        sharedNamespaces: ["mnt"])
    static let pipe = CapabilityRecord(
        transport: .pipe, localities: [.relatedProcess], directions: [.simplex, .duplex],
        properties: [.confirmed, .pollable], maximumRecordBytes: 65536, survivesSenderDeath: true)
    static let posixQueue = CapabilityRecord(
        transport: .posixQueue, localities: [.sameProcess, .relatedProcess, .sameHost],
        directions: [.simplex, .duplex, .queue], properties: [.persistent, .priority, .pollable],
        agreements: [.negotiated, .attached], maximumRecordBytes: 8192, survivesSenderDeath: true,
        requiresSameUser: true, sharedNamespaces: ["ipc"])
    static let unixSocket = CapabilityRecord(
        transport: .unixSocket, localities: [.sameProcess, .relatedProcess, .sameHost],
        directions: [.simplex, .duplex, .broadcast], properties: [.confidential, .confirmed, .pollable],
        survivesSenderDeath: true, overflow: [.block, .dropNewest, .detach])
    static let tcp = CapabilityRecord(
        transport: .tcp, localities: [.sameProcess, .relatedProcess, .sameHost, .remote],
        directions: [.simplex, .duplex, .broadcast], properties: [.confirmed, .pollable],
        overflow: [.block, .dropNewest, .detach])
    static let tls = CapabilityRecord(
        transport: .tls, localities: [.remote], directions: [.simplex, .duplex, .broadcast],
        properties: [.confidential, .confirmed, .pollable], overflow: [.block, .dropNewest, .detach])
    static let semaphore = CapabilityRecord(
        transport: .semaphore, localities: [.sameProcess, .relatedProcess, .sameHost], directions: [.signal],
        agreements: [.attached], requiresSameUser: true, sharedNamespaces: ["ipc"])

    static let all = [inProcess, sharedMemory, memoryMap, pipe, posixQueue, unixSocket, tcp, tls, semaphore]

    /// `record` on a host that refuses it.
    static func refused(_ record: CapabilityRecord, _ reason: String, remedy: String) -> CapabilityRecord {
        var record = record
        record.availability = .refused(reason: reason, remedy: remedy)
        return record
    }

    /// `records` without those of some transports.
    static func all(without names: TransportName...) -> [CapabilityRecord] {
        all.filter { !names.contains($0.transport) }
    }
}

/// The value as it is after a trip through JSON.
func roundTrip<Value: Codable>(_ value: Value) throws -> Value {
    try JSONDecoder().decode(Value.self, from: JSONEncoder().encode(value))
}

/// Decodes JSON text.
func decode<Value: Decodable>(_ type: Value.Type, _ json: String) throws -> Value {
    try JSONDecoder().decode(type, from: Data(json.utf8))
}

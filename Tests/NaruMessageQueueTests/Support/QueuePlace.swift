// Naru: messages between programs by the fastest valid mechanism.
// Copyright the Naru authors. Licensed under the Apache License, Version 2.0 (see LICENSE).

import Logging
import NaruCore
import NaruSystem

@testable import NaruMessageQueue

/// Which of the two plugins a test is about.
enum Kind: String, CaseIterable, Sendable {
    case posix, sysv

    var transport: any AttachableTransport & DurableMedium {
        switch self {
        case .posix: PosixQueueTransport(.small)
        case .sysv: SysvQueueTransport(.small)
        }
    }
}

/// A runtime with one of the plugins, and a link's queue that no other test uses, removed with this object.
final class QueuePlace: Sendable {
    let kind: Kind
    let runtime: Runtime
    let directory: String
    let address: Address
    let link: String
    let limit = Duration.seconds(20)

    init(_ kind: Kind, shares directory: String? = nil) throws {
        self.kind = kind
        let id = String(SystemRandom.word(), radix: 36)
        link = "test-\(id)"
        address = .local(name: link)
        self.directory = "/tmp/naru-queue-\(id)"
        try FileSystem.makeDirectory(self.directory, permissions: 0o700)
        runtime = try Runtime(
            transports: [kind.transport], directories: RuntimeDirectories([self.directory]),
            logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() })
    }

    deinit {
        runtime.shutdown()
        for entry in entries { _ = try? DurableObjects.remove(entry, kind.transport) }
        for name in (try? FileSystem.list(directory)) ?? [] { try? FileSystem.remove("\(directory)/\(name)") }
        try? FileSystem.removeDirectory(directory)
    }

    var entries: [DurableObjects.Entry] { DurableObjects.list(in: RuntimeDirectories([directory])) }
    var record: DurableRecord? { entries.first?.record }
    /// The names of the payloads that lie beside the queue.
    var payloads: [String] {
        record.flatMap { PayloadStore($0) }.flatMap { try? FileSystem.list($0.folder) } ?? []
    }

    func request(_ must: [Property] = [], maximum: Int = 1 << 20) -> LinkRequest {
        LinkRequest(
            requirements: Requirements(must: must, direction: .queue, wait: .power, maximumMessageBytes: maximum))
    }

    func sender(_ must: [Property] = []) async throws -> Sender {
        try await runtime.sender(address, request(must), deadline: .after(limit))
    }

    func receiver(_ must: [Property] = [], maximum: Int = 1 << 20) async throws -> Receiver {
        try await runtime.receiver(address, request(must, maximum: maximum), deadline: .after(limit))
    }

    /// Puts a message of any bytes into the queue, as somebody could who does not know Naru.
    func inject(_ bytes: [UInt8]) throws {
        guard let record else { return }
        switch kind {
        case .posix:
            let queue = try POSIXQueue.open(record.object, reading: false, writing: true)
            _ = unsafe try bytes.withUnsafeBytes { unsafe try queue.trySend($0, priority: 0) }
        case .sysv:
            guard let key = SysvQueueTransport.key(record.object) else { return }
            let message: [UInt8] = [1, 0, 0, 0, 0, 0, 0, 0] + bytes
            let queue = try SystemVQueue.open(key: key)
            _ = unsafe try message.withUnsafeBytes { unsafe try queue.trySend($0) }
        }
    }
}

/// The next message's bytes.
func take(_ receiver: Receiver) async throws -> [UInt8]? {
    try await receiver.receive(deadline: .after(.seconds(20))) { [UInt8](copying: $0.bytes) }
}

/// The error of Naru's that `body` throws; `nil` when it throws none.
func naruError(_ body: () async throws -> Void) async throws -> NaruError? {
    do {
        try await body()
        return nil
    } catch let error as NaruError {
        return error
    }
}

/// `count` bytes that tell `index`.
func pattern(_ index: Int, _ count: Int) -> [UInt8] {
    (0..<count).map { UInt8(truncatingIfNeeded: index &* 31 &+ $0 &* 7 &+ ($0 >> 8)) }
}

// Naru: messages between programs by the fastest valid mechanism.
// Copyright the Naru authors. Licensed under the Apache License, Version 2.0 (see LICENSE).

import NaruCore
import NaruSystem
import Testing

@testable import NaruMessageQueue

/// Queues of other programs: bytes as they are.
@Suite(.serialized, .timeLimit(.minutes(2))) struct RawQueueTests {
    private let limit = Duration.seconds(20)
    private let raw = LinkRequest(requirements: Requirements(wait: .power), isRaw: true)

    /// A queue that a test makes as another program would, removed with this object.
    private final class Foreign {
        let kind: Kind
        let address: Address
        private let name: String
        private let key: Int32
        var messageBytes = 64

        init(_ kind: Kind) throws {
            self.kind = kind
            name = "/naru-test-\(String(SystemRandom.word(), radix: 36))"
            key = QueueAttaching.newKey()
            let object = kind == .posix ? name : "0x" + String(UInt32(bitPattern: key), radix: 16)
            address = .medium(kind == .posix ? .posixQueue : .sysvQueue, object: object)
        }

        func make() throws {
            switch kind {
            case .posix: _ = try POSIXQueue.create(name, depth: 4, messageBytes: messageBytes)
            case .sysv: _ = try SystemVQueue.create(key: key)
            }
        }

        deinit {
            try? POSIXQueue.remove(name)
            try? SystemVQueue.open(key: key).remove()
        }
    }

    @Test(arguments: Kind.allCases) func bytesTravelAsTheyAre(_ kind: Kind) async throws {
        let place = try QueuePlace(kind)
        let foreign = try Foreign(kind)
        try foreign.make()
        let sender = try await place.runtime.sender(foreign.address, raw, deadline: .after(limit))
        let receiver = try await place.runtime.receiver(foreign.address, raw, deadline: .after(limit))
        for size in [0, 1, 63, 64] {
            try await sender.send(pattern(size, size))
            #expect(try await take(receiver) == pattern(size, size))
        }
        let most = kind == .posix ? 64 : QueueLimits.current().sysvMessageBytes ?? 8192
        #expect(try await naruError { try await sender.send(pattern(1, most + 1)) }?.code == .messageTooLarge)
        #expect(try await sender.finish() == .handedOver)
        // Another program knows no finish.
        let none = try await naruError { _ = try await receiver.receive(deadline: .after(.milliseconds(3))) { _ in } }
        #expect(none?.code == .deadlineExceeded)
        #expect(place.entries.isEmpty)
    }

    @Test(arguments: Kind.allCases) func itWaitsForTheQueueToBeMade(_ kind: Kind) async throws {
        let place = try QueuePlace(kind)
        let foreign = try Foreign(kind)
        let error = try await naruError {
            _ = try await place.runtime.sender(foreign.address, raw, deadline: .after(.milliseconds(20)))
        }
        #expect(error?.code == .unreachable)
        #expect(error?.reason.contains("is not there") == true)
        let (address, runtime) = (foreign.address, place.runtime)
        let waiting = Task {
            try await runtime.sender(address, raw, deadline: .after(limit)).send([1])
        }
        try foreign.make()
        try await waiting.value
        let receiver = try await place.runtime.receiver(foreign.address, raw, deadline: .after(limit))
        #expect(try await take(receiver) == [1])
    }

    @Test(arguments: [
        "sysv-queue:", "sysv-queue:0", "sysv-queue:0x", "sysv-queue:jobs", "sysv-queue:99999999999",
        "posix-queue:jobs/x",
    ])
    func addressesThatNameNoQueueAreRefused(_ text: String) async throws {
        let place = try QueuePlace(text.hasPrefix("sysv") ? .sysv : .posix)
        let error = try await naruError {
            _ = try await place.runtime.sender(try Address(parsing: text), raw, deadline: .after(.milliseconds(10)))
        }
        #expect(error != nil)
    }

    @Test func labelsReachOtherPrograms() async throws {
        let place = try QueuePlace(.sysv)
        let foreign = try Foreign(.sysv)
        try foreign.make()
        let sender = try await place.runtime.sender(foreign.address, raw, deadline: .after(limit))
        let receiver = try await place.runtime.receiver(foreign.address, raw, deadline: .after(limit))
        try await sender.send([1], label: MessageLabel(type: 40))
        try await sender.send([2], label: MessageLabel(type: 41))
        try receiver.select(.type(41))
        #expect(try await take(receiver) == [2])
        #expect(receiver.label.type == 41)
    }
}

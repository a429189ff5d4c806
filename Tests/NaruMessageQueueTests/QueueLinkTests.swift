// Naru: messages between programs by the fastest valid mechanism.
// Copyright the Naru authors. Licensed under the Apache License, Version 2.0 (see LICENSE).

import NaruCore
import NaruSystem
import Testing

@testable import NaruMessageQueue

/// What is particular to queues that links are attached to.
@Suite(.serialized, .timeLimit(.minutes(2))) struct QueueLinkTests {
    @Test func prioritiesOrderAndAreTold() async throws {
        let place = try QueuePlace(.posix)
        let sender = try await place.sender([.priority])
        for (index, priority) in [0, 5, 32_767, 5].enumerated() {
            try await sender.send([UInt8(index)], label: MessageLabel(priority: priority))
        }
        try sender.setLabel(MessageLabel(priority: 9))
        try await sender.send([4])
        for wrong in [MessageLabel(priority: -1), MessageLabel(priority: 32_768)] {
            #expect(try await naruError { try await sender.send([9], label: wrong) }?.code == .invalidArgument)
        }
        // A label of one message does not stay.
        try await sender.send([5], label: MessageLabel(priority: 1))
        try await sender.send([6])
        let receiver = try await place.receiver([.priority])
        var found: [[Int]] = []
        for _ in 0..<7 {
            _ = try await receiver.receive(deadline: .after(place.limit)) { view in
                found.append([Int([UInt8](copying: view.bytes)[0]), receiver.label.priority])
            }
        }
        #expect(found == [[2, 32_767], [4, 9], [6, 9], [1, 5], [3, 5], [5, 1], [0, 0]])
    }

    @Test func typesAreTakenOutOfOrder() async throws {
        let place = try QueuePlace(.sysv)
        let sender = try await place.sender([.selective])
        for (index, type) in [7, 3, 7, 5].enumerated() {
            try await sender.send([UInt8(index)], label: MessageLabel(type: type))
        }
        try await sender.send([4])
        let receiver = try await place.receiver([.selective])
        try receiver.select(.type(7))
        #expect(try await take(receiver) == [0])
        #expect(receiver.label.type == 7)
        try receiver.select(.lowestType(upTo: 6))
        #expect(try await take(receiver) == [4])
        #expect(receiver.label.type == 1)
        #expect(try await take(receiver) == [1])
        #expect(try await take(receiver) == [3])
        let none = try await naruError { _ = try await receiver.receive(deadline: .after(.milliseconds(3))) { _ in } }
        #expect(none?.code == .deadlineExceeded)
        try receiver.select(.all)
        #expect(try await take(receiver) == [2])
    }

    @Test func eachKindRefusesTheOthersRequirement() async throws {
        let posix = try QueuePlace(.posix)
        #expect(try await naruError { _ = try await posix.sender([.selective]) }?.code == .noTransport)
        let sysv = try QueuePlace(.sysv)
        #expect(try await naruError { _ = try await sysv.sender([.priority]) }?.code == .noTransport)
        #expect(posix.entries.isEmpty && sysv.entries.isEmpty)
    }

    @Test(arguments: Kind.allCases) func aLargePayloadGoesWithItsTaker(_ kind: Kind) async throws {
        let place = try QueuePlace(kind)
        let sender = try await place.sender()
        let sizes = [4088, 4089, 70_000, 1 << 20]
        for (index, size) in sizes.enumerated() { try await sender.send(pattern(index, size)) }
        #expect(place.payloads.count == 3)
        for name in place.payloads {
            let folder = try #require(place.record.flatMap { PayloadStore($0) }?.folder)
            let status = try FileSystem.status("\(folder)/\(name)", followingSymbolicLinks: false)
            #expect(status.permissions == 0o600)
            #expect(try FileSystem.status(folder, followingSymbolicLinks: false).permissions == 0o700)
        }
        let receiver = try await place.receiver()
        for (index, size) in sizes.enumerated() { #expect(try await take(receiver) == pattern(index, size)) }
        #expect(place.payloads.isEmpty)
    }

    @Test(arguments: Kind.allCases) func whatLiesBesideAQueueIsBounded(_ kind: Kind) async throws {
        let place = try QueuePlace(kind)
        let sender = try await place.sender()
        let message = OwnedMessage(pattern(1, 100_000))
        var count = 0
        while try sender.trySend(message.bytes) { count += 1 }
        #expect(count <= MessageQueueConfiguration.small.depth)
        #expect(place.payloads.count == count)
        // Nothing was left of the one that had no room.
        let receiver = try await place.receiver()
        for _ in 0..<count { #expect(try await take(receiver)?.count == 100_000) }
        #expect(place.payloads.isEmpty)
    }

    @Test(arguments: Kind.allCases) func payloadsWithoutAMessageGoWithTheNextWhoIsAlone(_ kind: Kind) async throws {
        let place = try QueuePlace(kind)
        let sender = try await place.sender()
        try await sender.send(pattern(1, 100_000))
        // As a taker leaves it that was killed after it took the message.
        let store = try #require(place.record.flatMap { PayloadStore($0) })
        try store.put(77, RawSpan(), OwnedMessage(pattern(2, 9)).bytes)
        #expect(place.payloads.count == 2)
        // Somebody else is there: nothing is touched.
        let receiver = try await place.receiver()
        #expect(place.payloads.count == 2)
        #expect(try await take(receiver)?.count == 100_000)
        sender.close()
        receiver.close()
        #expect(place.payloads == ["4d"])
        let alone = try await place.receiver()
        #expect(place.payloads.isEmpty)
        alone.close()
    }

    @Test(arguments: Kind.allCases) func aPayloadThatIsGoneIsToldAndTheQueueGoesOn(_ kind: Kind) async throws {
        let place = try QueuePlace(kind)
        let sender = try await place.sender()
        let receiver = try await place.receiver()
        for change in ["remove", "cut"] {
            try await sender.send(pattern(1, 100_000))
            try await sender.send([2])
            let folder = try #require(place.record.flatMap { PayloadStore($0) }?.folder)
            let path = "\(folder)/\(try #require(place.payloads.first))"
            if change == "remove" {
                try FileSystem.remove(path)
            } else {
                try FileSystem.open(path, .write).truncate(to: 5)
            }
            #expect(try await naruError { _ = try await take(receiver) }?.code == .corrupted)
            #expect(try await take(receiver) == [2])
        }
        #expect(place.payloads.isEmpty)
        #expect(receiver.control.closeReason == nil)
    }

    @Test(arguments: Kind.allCases) func aPayloadAboveTheReceiversMaximumIsAViolation(_ kind: Kind) async throws {
        let place = try QueuePlace(kind)
        let sender = try await place.sender()
        try await sender.send(pattern(1, 100_000))
        let receiver = try await place.receiver(maximum: 50_000)
        #expect(try await naruError { _ = try await take(receiver) }?.code == .protocolViolation)
    }

    /// Bytes that are no record, or one that refers to nothing.
    @Test(arguments: Kind.allCases) func whatIsNoRecordPoisonsTheLinkOnly(_ kind: Kind) async throws {
        func word(_ value: UInt64) -> [UInt8] { (0..<8).map { UInt8(truncatingIfNeeded: value >> UInt64(8 * $0)) } }
        let outOfLine = RecordHeader(kind: .outOfLine)
        let plain = RecordHeader()
        let cases: [[UInt8]] = [
            [], [1], Array(1...7), [UInt8](repeating: 0, count: 8), [UInt8](repeating: 0xff, count: 24),
            word(plain.word(byteCount: 9)), word(plain.word(byteCount: 0)) + [1],
            word(outOfLine.word(byteCount: 0)), word(outOfLine.word(byteCount: 16)) + word(0) + word(1),
            word(outOfLine.word(byteCount: 16)) + word(plain.word(byteCount: 1 << 30)) + word(1),
            word(RecordHeader(kind: .init(rawValue: 99)).word(byteCount: 0)),
            word(RecordHeader(kind: .fragment).word(byteCount: 3)) + [1, 2, 3],
        ]
        for bytes in cases {
            let place = try QueuePlace(kind)
            let receiver = try await place.receiver()
            try place.inject(bytes)
            for _ in 0..<2 {
                #expect(try await naruError { _ = try await take(receiver) }?.code == .protocolViolation, "\(bytes)")
            }
            #expect(receiver.control.counters.violations == 1)
            receiver.close()
            // The queue is as good as before for the next.
            let sender = try await place.sender()
            try await sender.send([3])
            let next = try await place.receiver()
            #expect(try await take(next) == [3])
        }
    }

    @Test(arguments: Kind.allCases) func aReferenceToSomebodyElsesFileIsNotFollowed(_ kind: Kind) async throws {
        let place = try QueuePlace(kind)
        let sender = try await place.sender()
        let receiver = try await place.receiver()
        try await sender.send(pattern(1, 10_000))
        let folder = try #require(place.record.flatMap { PayloadStore($0) }?.folder)
        let path = "\(folder)/\(try #require(place.payloads.first))"
        let target = "\(place.directory)/target"
        let file = try FileSystem.open(target, [.write, .create])
        try file.truncate(to: 10_000)
        try FileSystem.remove(path)
        try FileSystem.makeFIFO(path, permissions: 0o600)
        #expect(try await naruError { _ = try await take(receiver) }?.code == .corrupted)
        #expect(try FileSystem.status(target, followingSymbolicLinks: false).byteCount == 10_000)
    }

    @Test(arguments: Kind.allCases) func aQueueRemovedUnderItsUsersIsToldOrOutlivesThem(_ kind: Kind) async throws {
        let place = try QueuePlace(kind)
        let sender = try await place.sender()
        let receiver = try await place.receiver()
        let record = try #require(place.record)
        try kind.transport.remove(record)
        switch kind {
        case .posix:
            // The name is gone; the queue is theirs until they go.
            try await sender.send([1])
            #expect(try await take(receiver) == [1])
        case .sysv:
            let error = try await naruError { try await sender.send([1]) }
            #expect(error?.code == .system)
            #expect(error?.remedy?.contains("removed") == true)
            #expect(try await naruError { _ = try await take(receiver) }?.code == .system)
        }
        sender.close()
        receiver.close()
        let again = try await place.sender()
        #expect(place.record?.id != record.id)
        again.close()
    }

    @Test func aMessageCommittedWhenOthersHadFilledTheQueueArrives() async throws {
        for kind in Kind.allCases {
            let place = try QueuePlace(kind)
            let first = try await place.sender()
            let second = try await place.sender()
            let receiver = try await place.receiver()
            let message = OwnedMessage(pattern(7, 4000))
            var count = 0
            try await first.withLoan(byteCount: 4000) { loan in
                // Between reserve and commit the other fills the queue.
                while try second.trySend(message.bytes) { count += 1 }
                unsafe loan.withUnsafeMutableBytes { unsafe $0.copyBytes(from: pattern(8, 4000)) }
            }
            let early = try await naruError { try await first.flush(deadline: .after(.milliseconds(3))) }
            #expect(early?.code == .deadlineExceeded)
            for _ in 0..<count { #expect(try await take(receiver) == pattern(7, 4000)) }
            // The sender does nothing more for it.
            #expect(try await take(receiver) == pattern(8, 4000))
        }
    }

    @Test func aQueueOfAnotherRuntimeDirectoryIsNotTakenOver() async throws {
        let place = try QueuePlace(.posix)
        let sender = try await place.sender()
        try FileSystem.remove(try #require(place.entries.first).path)
        let error = try await naruError { _ = try await place.receiver() }
        #expect(error?.code == .noTransport)
        #expect(error?.reason.contains("EEXIST") == true)
        sender.close()
        try POSIXQueue.remove("/" + DurableRecord.name(of: place.link))
    }
}

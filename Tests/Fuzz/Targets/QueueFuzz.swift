// Naru: messages between programs by the fastest valid mechanism.
// Copyright the Naru authors. Licensed under the Apache License, Version 2.0 (see LICENSE).

import NaruSystem
import Synchronization

@testable import NaruCore
@testable import NaruMessageQueue

/// The input is a sidecar's contents, and a sequence of messages in a queue that anybody may have put there: a length
/// of two bytes, then the bytes.
enum QueueFuzz {
    static func run(_ bytes: [UInt8]) throws(Finding) {
        if let record = Sidecar.decode(bytes) {
            try require(Sidecar.decode(Sidecar.encode(record)) == record, "another record after a round trip")
            if let size = QueueSize(record) {
                try require(size.depth > 0 && size.messageBytes > 0, "a size of nothing")
            }
            if let store = PayloadStore(record) {
                let last = store.folder.split(separator: "/").last ?? ""
                try require(last.hasPrefix(record.name + "-"), "payloads in \(store.folder)")
            }
        }
        var input = Input(bytes)
        var messages: [[UInt8]] = []
        while !input.isEmpty { messages.append(input.bytes(min(Int(input.number(2)), FakeQueue.mostBytes))) }
        try read(messages)
    }

    /// The lane gives what the description of a record says, up to the first message that is none, and then no more.
    private static func read(_ messages: [[UInt8]]) throws(Finding) {
        var expected: [LaneRecord] = []
        var isBroken = false
        for message in messages {
            guard let record = record(message) else {
                isBroken = true
                break
            }
            expected.append(record)
        }
        let queue = FakeQueue(messages)
        let lane = QueueInboundLane(queue, .records, maximumBytes: 1 << 20) {}
        var found: [LaneRecord] = []
        while true {
            _ = lane.peek()
            let (records, end) = lane.take(3)
            found += records
            switch end {
            case .success(0):
                try require(!isBroken, "a message that is no record is passed over")
                try require(found == expected, "\(found.count) of \(expected.count) records")
                return
            case .success: continue
            case .failure(let error):
                try require(error, isOneOf: .protocolViolation)
                try require(isBroken, "a violation where every message is a record: \(error)")
                try require(found == expected, "\(found.count) of \(expected.count) records before the violation")
                try require(error, isOneOf: .protocolViolation)
                guard case .failure = lane.peek(), case .failure = lane.prepare() else {
                    throw Finding(description: "a lane goes on after a violation")
                }
                return
            }
        }
    }

    /// A message as a record, read from the description alone.
    private static func record(_ message: [UInt8]) -> LaneRecord? {
        guard message.count >= 8 else { return nil }
        let word = message.prefix(8).reversed().reduce(UInt64(0)) { $0 << 8 | UInt64($1) }
        let header = RecordHeader(word: word)
        guard UInt32(truncatingIfNeeded: word) == UInt32(message.count - 8) + 1, header.kind != .outOfLine else {
            return nil
        }
        return LaneRecord(header: header, bytes: Array(message.dropFirst(8)))
    }
}

/// A queue in this process's memory, holding any bytes.
private final class FakeQueue: KernelQueue {
    static let mostBytes = 512
    private let messages: Mutex<[[UInt8]]>

    init(_ messages: [[UInt8]]) {
        self.messages = Mutex(messages)
    }

    let name = "fake"
    var maximumBytes: Int { Self.mostBytes }
    var descriptor: Descriptor? { nil }

    func tryReceive(
        _ room: UnsafeMutableRawBufferPointer, _ selection: MessageSelection
    ) throws(NaruError) -> QueueDelivery {
        let message = messages.withLock { $0.isEmpty ? nil : $0.removeFirst() }
        guard let message else { return .nothing }
        guard message.count <= room.count - 8 else { return .larger }
        // Within the room, which the line above has compared.
        unsafe UnsafeMutableRawBufferPointer(rebasing: room[8...]).copyBytes(from: message)
        return .message(byteCount: message.count, MessageLabel())
    }

    func trySend(_ room: UnsafeMutableRawBufferPointer, _ label: MessageLabel) throws(NaruError) -> Bool { false }
    func hasRoom(_ byteCount: Int) throws(NaruError) -> Bool { false }
    func hasRoomAside() throws(NaruError) -> Bool { false }
    func isEmpty() throws(NaruError) -> Bool { messages.withLock { $0.isEmpty } }
    func check(_ label: MessageLabel) throws(NaruError) {}
    func check(_ selection: MessageSelection) throws(NaruError) {}
}

// Naru: messages between programs by the fastest valid mechanism.
// Copyright the Naru authors. Licensed under the Apache License, Version 2.0 (see LICENSE).

import NaruCore
import NaruStream
import NaruSystem
import Testing

/// A record as the tests keep it.
struct Received: Equatable {
    var header: RecordHeader
    var bytes: [UInt8]
}

/// Two lanes over a new stream, and what carries it.
struct Wire {
    let outbound: StreamOutboundLane
    let inbound: StreamInboundLane
    let sending: Descriptor
    let receiving: Descriptor

    /// Lanes one way over a pair of sockets or a pipe.
    init(
        _ kind: StreamKind = .socket, sendBuffer: Int? = nil, configuration: StreamConfiguration = .init(),
        reactor: Reactor? = nil
    ) throws {
        switch kind {
        case .socket: (sending, receiving) = try UnixSocket.pair(kind: .stream)
        case .pipe: (receiving, sending) = try SystemPipe.make(nonBlocking: true)
        }
        if let sendBuffer { try UnixSocket.setBufferBytes(sending, send: sendBuffer, receive: nil) }
        outbound = StreamOutboundLane(
            StreamEnd(sending, kind: kind), configuration: configuration, reactor: reactor, name: "test")
        inbound = StreamInboundLane(StreamEnd(receiving, kind: kind), name: "test")
    }
}

/// An inbound lane over a socket whose other end a test writes itself.
struct RawWire {
    let raw: Descriptor
    let inbound: StreamInboundLane

    init(maximumRecordBytes: Int = StreamFormat.maximumRecordBytes) throws {
        let (raw, end) = try UnixSocket.pair(kind: .stream)
        self.raw = raw
        inbound = StreamInboundLane(StreamEnd(end, kind: .socket), maximumRecordBytes: maximumRecordBytes, name: "test")
    }
}

/// An outbound lane over a socket that keeps the boundaries of system calls: each call that writes is one packet.
struct CountingWire {
    let outbound: StreamOutboundLane
    let packets: Descriptor

    init(configuration: StreamConfiguration = .init(), reactor: Reactor? = nil) throws {
        let (sending, packets) = try UnixSocket.pair(kind: .seqpacket)
        try UnixSocket.setBufferBytes(sending, send: 425_984, receive: nil)
        outbound = StreamOutboundLane(
            StreamEnd(sending, kind: .socket), configuration: configuration, reactor: reactor, name: "test")
        self.packets = packets
    }

    /// The packets that lie there now.
    func take() throws -> [[UInt8]] {
        var found: [[UInt8]] = []
        while let packet = try packets.receiveBytes(300_000), !packet.isEmpty { found.append(packet) }
        return found
    }
}

extension Descriptor {
    /// Sends all of the bytes, waiting where it must.
    func sendAll(_ bytes: [UInt8]) throws {
        var rest = bytes[...]
        while !rest.isEmpty {
            // Read only, and during the call.
            let result = unsafe try rest.withUnsafeBytes { buffer in
                unsafe try send(buffer, UnsafeRawBufferPointer(start: nil, count: 0))
            }
            if case .bytes(let count) = result {
                rest = rest.dropFirst(count)
            } else {
                _ = try poll(.writable, deadline: patience)
            }
        }
    }

    /// What can be received now, in one call; empty when there is nothing, `nil` at the end.
    func receiveBytes(_ count: Int) throws -> [UInt8]? {
        var bytes = [UInt8](repeating: 0, count: count)
        // Written only during the call.
        switch unsafe try bytes.withUnsafeMutableBytes({ unsafe try receive(into: $0) }) {
        case .bytes(let received): return Array(bytes[..<received])
        case .wouldBlock: return []
        case .endOfFile: return nil
        }
    }
}

/// How long a test waits before it gives up; nothing passes because of it.
var patience: Deadline { .after(.seconds(30)) }

extension OutboundLane {
    /// One attempt to send.
    func attempt(_ bytes: [UInt8], header: RecordHeader = RecordHeader(), prefix: [UInt8] = []) throws -> Bool {
        // Borrowed for the call.
        unsafe try trySend(header, prefix.span.bytes, bytes.span.bytes)
    }

    /// Sends a record, waiting for room as the core does.
    func send(_ bytes: [UInt8], header: RecordHeader = RecordHeader(), prefix: [UInt8] = []) throws {
        while try !attempt(bytes, header: header, prefix: prefix) {
            try awaitRoom(prefix.count + bytes.count)
        }
    }

    /// Arms, waits and disarms.
    func awaitRoom(_ byteCount: Int) throws {
        if case .descriptor(let descriptor, let events) = try arm(.thread, byteCount: byteCount) {
            try #require(try !descriptor.poll(events, deadline: patience).isEmpty, "no room came")
        }
        disarm()
    }

    /// Hands everything over.
    func flushAll() throws {
        while try !flush() { try awaitRoom(maximumRecordBytes) }
    }

    /// Sends a record by a loan.
    func sendLoan(_ bytes: [UInt8], header: RecordHeader = RecordHeader()) throws {
        while true {
            if let loan = unsafe try reserve(bytes.count) {
                unsafe loan.copyBytes(from: bytes)
                return try commit(header, byteCount: bytes.count)
            }
            try awaitRoom(bytes.count)
        }
    }
}

extension InboundLane {
    /// What one drain gives.
    func take(_ maximum: Int = 64) throws -> [Received] {
        var found: [Received] = []
        let count = try drain(maximum) { record in
            found.append(Received(header: record.header, bytes: Array(copying: record.bytes)))
            return .take
        }
        #expect(count == found.count)
        return found
    }

    /// Waits for `count` records, or for the end of the stream.
    func receive(_ count: Int) throws -> [Received] {
        var found: [Received] = []
        while found.count < count {
            let more = try take(count - found.count)
            found += more
            if !more.isEmpty { continue }
            defer { disarm() }
            switch try arm(.thread).polled {
            case .ended: return found
            case .descriptor(let descriptor, let events):
                try #require(try !descriptor.poll(events, deadline: patience).isEmpty, "no record came")
            default: continue
            }
        }
        return found
    }

    /// Whether a look at what came, which is nothing, and an arming say that no more will.
    func hasEnded() throws -> Bool {
        _ = try drain(1) { _ in .leaveAndStop }
        defer { disarm() }
        if case .ended = try arm(.thread) { return true }
        return false
    }
}

/// Bytes that tell from which place of which record they are.
func pattern(_ byteCount: Int, seed: Int = 0) -> [UInt8] {
    let begin = (seed &* 37 &+ byteCount) & 0xFFF
    return Array(table[begin..<begin + byteCount])
}

private let table: [UInt8] = {
    var state: UInt64 = 88_172_645_463_325_252
    var bytes: [UInt8] = []
    bytes.reserveCapacity(320_000)
    for _ in 0..<320_000 {
        state ^= state << 13
        state ^= state >> 7
        state ^= state << 17
        bytes.append(UInt8(truncatingIfNeeded: state))
    }
    return bytes
}()

/// The error code that `body` throws.
func code(_ body: () throws -> Void) -> NaruError.Code? {
    do {
        try body()
        return nil
    } catch {
        return (error as? NaruError)?.code
    }
}

/// Lends something to another thread; the tests see to it that one thread uses it at a time.
// Given away before the thread starts and not used here until it was joined.
struct Lent<Value>: @unchecked Sendable {
    let value: Value
}

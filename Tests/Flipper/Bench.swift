// Naru: messages between programs by the fastest valid mechanism.
// Copyright the Naru authors. Licensed under the Apache License, Version 2.0 (see LICENSE).

import NaruCore
import NaruRing
import NaruSystem

/// A ring in memory files that a hostile process has mapped too.
final class Bench {
    /// Small, so that both ends are often at one place.
    static let ringBytes = 4096
    static let dataByteCount = RingLayout.dataByteCount(ringBytes: ringBytes)
    /// Where in the control memory, behind all that the layout knows, the peer says how often it changed something.
    static let flipsOffset = 4088

    /// How often a victim waits for the peer in all its rounds.
    static let waits = 300

    let header = RingHeader(ringBytes: ringBytes, link: .random())
    /// The victim's view: writable for a writer, which made it.
    let memory: RingMemory
    private let data: Mapping
    private let control: Mapping
    private let peer: ChildProcess
    private let peerInput: Descriptor

    init(hostile what: String, seed: UInt64, isWriter: Bool) throws {
        let (dataFile, controlFile) = (
            try MemoryFile.create(name: "naru-flipped", byteCount: Self.dataByteCount),
            try MemoryFile.create(name: "naru-flipped-control", byteCount: RingLayout.controlByteCount)
        )
        func map(_ file: Descriptor, _ byteCount: Int, _ access: Mapping.Access) throws -> Mapping {
            try Mapping(file, byteCount: byteCount, access: access, prefault: true)
        }
        control = try map(controlFile, RingLayout.controlByteCount, .readWrite)
        let writable = try map(dataFile, Self.dataByteCount, .readWrite)
        let prepared = RingMemory(preparing: header, data: writable, control: control)
        if isWriter {
            data = writable
            memory = prepared
        } else {
            data = try map(dataFile, Self.dataByteCount, .readOnly)
            memory = try RingMemory(checking: header, data: data, control: control)
        }
        let (own, other) = try UnixSocket.pair(kind: .stream)
        peerInput = own
        peer = try ChildProcess(
            executable: ChildProcess.executablePath, arguments: ["hostile", what, "\(seed)"], standardInput: other,
            inherit: [(dataFile, as: Hostile.dataNumber), (controlFile, as: Hostile.controlNumber)])
        while flips == 0 {
            if let status = peer.poll() { throw Complaint(description: "the hostile process is gone: \(status)") }
            Processor.yield()
        }
    }

    deinit {
        peerInput.close()
        _ = peer.wait()
    }

    /// How often the peer changed something, as it says.
    var flips: UInt64 { unsafe control.base.load(fromByteOffset: Self.flipsOffset, as: UInt64.self) }

    /// Waits until the peer has changed the memory again: on a busy machine it may not run for long.
    func awaitFlips() throws {
        let before = flips
        while flips == before {
            if let status = peer.poll() { throw Complaint(description: "the hostile process is gone: \(status)") }
            Processor.yield()
        }
    }

    /// Whether memory lies in the ring, behind a header word.
    func holds(_ place: RawSpan) -> Bool {
        unsafe place.withUnsafeBytes { place in
            guard let begin = place.baseAddress, place.count > 0 else { return true }
            let offset = unsafe begin - UnsafeRawPointer(data.base) - (Self.dataByteCount - Self.ringBytes)
            return offset >= RecordHeader.byteCount && offset + place.count <= Self.ringBytes
        }
    }

    /// Whether the page before the ring is as it was, but for the word with which a writer says that it closed.
    func isFirstPageIntact() -> Bool {
        var page = unsafe [UInt8](UnsafeRawBufferPointer(start: data.base, count: Self.dataByteCount - Self.ringBytes))
        guard Array(page.prefix(RingHeader.byteCount)) == header.encoded else { return false }
        page.removeFirst(RingHeader.byteCount)
        return page.allSatisfy { $0 <= 1 } && page.count { $0 == 1 } <= 1
    }
}

extension RawSpan {
    /// The sum of all bytes, each of which is read.
    var sum: UInt64 {
        // Within the span.
        (0..<byteCount).reduce(0) { $0 &+ UInt64(unsafe unsafeLoad(fromByteOffset: $1, as: UInt8.self)) }
    }
}

/// A bell that nobody hears.
struct DeafBell: Bell {
    func ring() {}
}

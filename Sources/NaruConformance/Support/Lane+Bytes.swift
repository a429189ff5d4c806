// Naru: messages between programs by the fastest valid mechanism.
// Copyright the Naru authors. Licensed under the Apache License, Version 2.0 (see LICENSE).

internal import NaruCore

extension OutboundLane {
    /// Copies a message in as a record; `false` when there is no room.
    func trySend(_ header: RecordHeader, _ message: OwnedMessage) throws(NaruError) -> Bool {
        try trySend(header, RawSpan(), message.bytes)
    }

    /// Copies a record in whose first `split` bytes, or all, are its prefix; `false` when there is no room.
    func trySend(_ record: Record, split: Int = 0) throws(NaruError) -> Bool {
        let prefix = OwnedMessage(Array(record.bytes.prefix(split)))
        let rest = OwnedMessage(Array(record.bytes.dropFirst(split)))
        return try trySend(record.header, prefix.bytes, rest.bytes)
    }
}

/// A record as the kit sends and finds it.
struct Record: Hashable, Sendable, CustomStringConvertible {
    var header: RecordHeader
    var bytes: [UInt8]

    init(_ bytes: [UInt8], header: RecordHeader = RecordHeader()) {
        self.header = header
        self.bytes = bytes
    }

    /// Record `index` of a line: bytes that tell it from every other.
    init(_ index: Int, byteCount: Int, header: RecordHeader = RecordHeader()) {
        self.init(Payload.bytes(index, byteCount), header: header)
    }

    var description: String {
        "kind \(header.kind.rawValue), flags \(header.flags.rawValue), \(bytes.count) bytes \(bytes.prefix(12))"
    }
}

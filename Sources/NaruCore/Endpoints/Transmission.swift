// Naru: messages between programs by the fastest valid mechanism.
// Copyright the Naru authors. Licensed under the Apache License, Version 2.0 (see LICENSE).

/// One message on its way into a lane: whole, or cut into fragments.
struct Transmission {
    /// The fewest bytes a lane's records must be able to have, so that a fragment carries more than its header.
    static let minimumRecordBytes = 64

    let flags: RecordHeader.Flags
    /// Bytes that travel, after compression.
    let byteCount: Int
    private let maximumRecordBytes: Int
    private let message: UInt64
    private var offset = 0

    init(flags: RecordHeader.Flags, byteCount: Int, maximumRecordBytes: Int, message: UInt64) {
        self.flags = flags
        self.byteCount = byteCount
        self.maximumRecordBytes = maximumRecordBytes
        self.message = message
    }

    private var isWhole: Bool { byteCount <= maximumRecordBytes }

    /// Whether the receiver has a part of the message and waits for the rest.
    var isUnderWay: Bool { offset > 0 }

    /// Bytes of the next record, for a wait.
    var nextRecordBytes: Int { min(byteCount - offset + (isWhole ? 0 : FragmentHeader.byteCount), maximumRecordBytes) }

    /// Sends as many records as there is room for; `true` when the last is sent.
    mutating func advance(_ payload: RawSpan, _ lane: any OutboundLane) throws(NaruError) -> Bool {
        if isWhole { return try lane.trySend(RecordHeader(flags: flags), RawSpan(), payload) }
        let header = FragmentHeader(message: message, total: UInt64(byteCount))
        while offset < byteCount {
            let size = min(byteCount - offset, maximumRecordBytes - FragmentHeader.byteCount)
            let part = payload.extracting(offset..<offset + size)
            let sent = try header.withBytes { prefix throws(NaruError) in
                try lane.trySend(RecordHeader(kind: .fragment, flags: flags), prefix, part)
            }
            guard sent else { return false }
            offset += size
        }
        return true
    }
}

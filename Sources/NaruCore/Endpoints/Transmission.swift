// Naru: messages between programs by the fastest valid mechanism.
// Copyright the Naru authors. Licensed under the Apache License, Version 2.0 (see LICENSE).

/// One message on its way into a lane: whole, or cut into fragments.
struct Transmission {
    /// The fewest bytes a lane's records must be able to have, so that a fragment carries more than its header.
    static let minimumRecordBytes = 64

    private(set) var flags: RecordHeader.Flags = []
    /// Bytes that travel: after compression, or the most that they may become.
    private(set) var byteCount: Int
    /// Whether the codec has yet to see the message, which it does when there is room for it.
    private(set) var awaitsCodec = false
    /// Whether the message is raw because it does not compress.
    private(set) var isIncompressible = false
    private var maximumRecordBytes: Int
    /// The most bytes a fragment has, its header included.
    private var fragmentBytes: Int
    private var message: UInt64 = 0
    private var offset = 0

    /// A message that travels raw.
    init(byteCount: Int, maximumRecordBytes: Int) {
        self.byteCount = byteCount
        self.maximumRecordBytes = maximumRecordBytes
        fragmentBytes = maximumRecordBytes
    }

    private var isWhole: Bool { byteCount <= maximumRecordBytes }

    /// Whether the receiver has a part of the message and waits for the rest.
    var isUnderWay: Bool { offset > 0 }

    /// Bytes of the next record, for a wait.
    var nextRecordBytes: Int {
        isWhole ? byteCount : min(byteCount - offset + FragmentHeader.byteCount, fragmentBytes)
    }

    /// The codec is to see the message when there is room for `mostBytes`.
    mutating func awaitCodec(mostBytes: Int) {
        awaitsCodec = true
        byteCount = mostBytes
    }

    /// What the codec made of the message; `nil`: it does not compress, and travels raw with `rawByteCount` bytes.
    mutating func encoded(_ compressed: Compressor.Compressed?, rawByteCount: Int) {
        awaitsCodec = false
        isIncompressible = compressed == nil
        flags = compressed?.flags ?? []
        byteCount = compressed?.byteCount ?? rawByteCount
    }

    /// Nothing of the message has been sent: whole, it has at most `maximumRecordBytes`; else its fragments have at
    /// most `fragmentBytes`, and this number.
    mutating func cut(maximumRecordBytes: Int, fragmentBytes: Int, message: UInt64) {
        self.maximumRecordBytes = maximumRecordBytes
        self.fragmentBytes = fragmentBytes
        self.message = message
    }

    /// Sends as many records as there is room for; `true` when the last is sent.
    mutating func advance(_ payload: RawSpan, _ lane: any OutboundLane) throws(NaruError) -> Bool {
        if isWhole { return try lane.trySend(RecordHeader(flags: flags), RawSpan(), payload) }
        let header = FragmentHeader(message: message, total: UInt64(byteCount))
        while offset < byteCount {
            let size = min(byteCount - offset, fragmentBytes - FragmentHeader.byteCount)
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

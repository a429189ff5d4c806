// Naru: messages between programs by the fastest valid mechanism.
// Copyright the Naru authors. Licensed under the Apache License, Version 2.0 (see LICENSE).

public import NaruCore
internal import NaruSystem

// Safe: the buffer leaves only as spans that end with the closure; bounds are shown where it is read and written.
/// The receiving half of a byte stream from a program that knows nothing of Naru: bytes as they come, or lines.
///
/// One thread or task uses it at a time. No operation blocks. It gives a finish record at the end of the stream, which
/// is when nobody holds the other end any more: a program that was killed and one that was done look alike.
///
/// The other end may open a FIFO long after this one, and until then there is no end to be seen.
@safe
public final class RawInboundLane: InboundLane {
    private let end: StreamEnd
    private let framing: RawFraming
    private let maximumMessageBytes: Int
    private let name: String

    // The buffer: bytes not yet given lie in head ..< tail.
    private var base: UnsafeMutableRawPointer
    private var capacity = RawInboundLane.firstCapacity
    private var head = 0
    private var tail = 0
    /// How many bytes from `head` on are known to hold no newline.
    private var scanned = 0

    private var taken: UInt64 = 0
    private var hasEnded = false
    private var hasFinished = false
    private var isDraining = false
    private var isClosed = false
    private var failure: NaruError?

    private static let firstCapacity = StreamFormat.readBytes

    /// Makes a lane over a non-blocking pipe or FIFO, or a socket.
    /// - Parameters:
    ///   - end: The stream; closed with the lane.
    ///   - framing: What a message is.
    ///   - maximumMessageBytes: The most bytes of a line.
    ///   - name: How errors name the lane.
    public init(_ end: StreamEnd, framing: RawFraming, maximumMessageBytes: Int, name: String) {
        self.end = end
        self.framing = framing
        self.maximumMessageBytes = maximumMessageBytes
        self.name = name
        // Freed in deinit.
        unsafe base = .allocate(byteCount: capacity, alignment: 16)
    }

    deinit {
        close()
        unsafe base.deallocate()
    }

    public func drain(_ maximum: Int, _ body: (InboundRecord) -> DrainStep) throws(NaruError) -> Int {
        try check("receive")
        var count = 0
        while count < maximum, !isClosed, !hasFinished {
            guard let length = try nextLength() else {
                // One read for each drain that had nothing left: what comes meanwhile is for the next.
                if count == 0, try fill() { continue }
                guard count == 0, hasEnded, head == tail else { break }
                return give(finish, body) == .leaveAndStop ? 0 : 1
            }
            let step = give(length, body)
            if step == .leaveAndStop { break }
            count += 1
            if step == .takeAndStop { break }
        }
        return count
    }

    /// Lends the next `length` bytes, and takes them with the newline behind them.
    private func give(_ length: Int, _ body: (InboundRecord) -> DrainStep) -> DrainStep {
        isDraining = true
        defer { isDraining = false }
        // In bounds: head + length ≤ tail. The span does not escape the closure, during which nothing moves the buffer.
        let bytes = unsafe RawSpan(_unsafeStart: base + head, byteCount: length)
        let step = body(InboundRecord(header: RecordHeader(), bytes: bytes))
        if step != .leaveAndStop {
            head = min(head + length + (framing == .lines ? 1 : 0), tail)
            scanned = 0
            taken += 1
        }
        return step
    }

    /// Lends the record that says that nothing more comes.
    private func give(_ count: [UInt64], _ body: (InboundRecord) -> DrainStep) -> DrainStep {
        isDraining = true
        defer { isDraining = false }
        // The array outlives the closure.
        let step = unsafe body(InboundRecord(header: RecordHeader(kind: .finish), bytes: count.span.bytes))
        if step != .leaveAndStop { hasFinished = true }
        return step
    }

    private var finish: [UInt64] { [taken.littleEndian] }

    public func spin(_ rounds: Int) -> SpinOutcome {
        // A look is a system call, that much dearer than those that the rounds were counted for.
        for _ in 0..<max(1, rounds / 16) {
            // What went wrong is said by the drain that follows.
            guard let isThere = try? isReady() || fill() else { return .found }
            if isThere || hasEnded { return .found }
        }
        return .nothing
    }

    public func arm(_ style: WaitStyle) throws(NaruError) -> WaitTarget {
        try check("wait")
        if hasFinished { return .ended }
        return try isReady() ? .ready : .descriptor(end.descriptor, .readable)
    }

    public func disarm() {}

    /// Closes the stream. From inside a drain's closure it takes effect when the closure has returned.
    public func close() {
        guard !isClosed else { return }
        isClosed = true
        failure = StreamFailure.closed("receive", name)
        end.release(sending: false)
    }

    // MARK: Reading

    private func isReady() throws(NaruError) -> Bool {
        if hasEnded { return true }
        return try nextLength() != nil
    }

    /// How long the message at the head is; `nil` where it is not whole.
    private func nextLength() throws(NaruError) -> Int? {
        let available = tail - head
        switch framing {
        case .bytes: return available > 0 ? available : nil
        case .lines:
            // In bounds: scanned ≤ available.
            let rest = unsafe UnsafeRawBufferPointer(start: base + head + scanned, count: available - scanned)
            let found = unsafe rest.firstIndex(of: UInt8(ascii: "\n"))
            let length = scanned + (found ?? rest.count)
            guard length <= maximumMessageBytes else {
                let error = NaruError(
                    .messageTooLarge, operation: "receive", object: name,
                    reason: "a line has more than \(maximumMessageBytes) bytes",
                    remedy: "raise maximumMessageBytes, or receive bytes instead of lines")
                failure = error
                throw error
            }
            if found != nil { return length }
            scanned = available
            return hasEnded && available > 0 ? available : nil
        }
    }

    /// Reads once; `false` when nothing came.
    private func fill() throws(NaruError) -> Bool {
        guard !hasEnded else { return false }
        makeRoom()
        // In bounds: makeRoom leaves tail < capacity.
        let room = unsafe UnsafeMutableRawBufferPointer(start: base + tail, count: capacity - tail)
        do throws(SystemError) {
            switch unsafe try end.read(into: room) {
            case .bytes(let count):
                tail += count
                return true
            case .wouldBlock: return false
            case .endOfFile:
                // Before anybody has opened a FIFO to write, a read finds its end too; only the hang-up tells.
                hasEnded = end.kind == .socket ? true : try end.descriptor.pollOnce(.readable).contains(.hangUp)
                return hasEnded && head < tail
            }
        } catch {
            if StreamFailure.isHangUp(error) {
                hasEnded = true
                return head < tail
            }
            let failure = StreamFailure.other(error, "receive", name)
            self.failure = failure
            throw failure
        }
    }

    private func makeRoom() {
        let kept = tail - head
        if kept == capacity {
            // A line longer than the buffer.
            capacity *= 2
            let larger = UnsafeMutableRawPointer.allocate(byteCount: capacity, alignment: 16)
            unsafe larger.copyMemory(from: base + head, byteCount: kept)
            unsafe base.deallocate()
            unsafe base = larger
        } else if head > 0 {
            if kept > 0 { unsafe base.copyMemory(from: base + head, byteCount: kept) }
        } else {
            return
        }
        head = 0
        tail = kept
    }

    private func check(_ operation: String) throws(NaruError) {
        if isDraining {
            throw NaruError(
                .reentrant, operation: operation, object: name, reason: "called from inside a drain of the same lane")
        }
        if let failure { throw failure }
    }
}

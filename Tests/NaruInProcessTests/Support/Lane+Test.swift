// Naru: messages between programs by the fastest valid mechanism.
// Copyright the Naru authors. Licensed under the Apache License, Version 2.0 (see LICENSE).

import NaruCore
import NaruSystem
import Synchronization

enum WaitFailure: Error {
    case timedOut, ended
}

extension OutboundLane {
    /// Copies `bytes` in as a data record; `false` when there is no room.
    func trySend(_ bytes: [UInt8], prefix: [UInt8] = [], header: RecordHeader = .init()) throws(NaruError) -> Bool {
        unsafe try trySend(header, prefix.span.bytes, bytes.span.bytes)
    }

    /// Calls `attempt` until it answers `true`, sleeping between as the core does.
    func blocking(
        _ style: WaitStyle, _ bell: TestBell, byteCount: Int, _ attempt: () throws -> Bool
    ) throws {
        while try !attempt() {
            let target = try arm(style, byteCount: byteCount)
            defer { disarm() }
            try target.sleep(bell)
        }
    }
}

extension InboundLane {
    /// Takes up to `maximum` records, copied.
    func take(_ maximum: Int = .max) throws(NaruError) -> [(header: RecordHeader, bytes: [UInt8])] {
        var records: [(header: RecordHeader, bytes: [UInt8])] = []
        _ = try drain(maximum) { record in
            records.append((record.header, [UInt8](copying: record.bytes)))
            return .take
        }
        return records
    }

    /// Drains until the lane ends, sleeping between as the core does.
    func drainToEnd(
        _ style: WaitStyle, _ bell: TestBell, maximum: Int = 64, _ body: (InboundRecord) -> DrainStep
    ) throws {
        while true {
            if try drain(maximum, body) > 0 { continue }
            let target = try arm(style)
            defer { disarm() }
            do {
                try target.sleep(bell)
            } catch WaitFailure.ended {
                return
            }
        }
    }
}

extension WaitTarget {
    /// Sleeps until the target comes true. Throws when it never will, or does not for half a minute.
    func sleep(_ bell: TestBell) throws {
        switch polled {
        case .ready, .reception: break
        case .ended: throw WaitFailure.ended
        case .word(let word, let value):
            let deadline = Deadline.after(.seconds(30))
            if unsafe try Futex.wait(UnsafeRawPointer(word), while: value, deadline: deadline) == .timedOut {
                throw WaitFailure.timedOut
            }
        case .bell:
            if try !bell.wait() { throw WaitFailure.timedOut }
        case .descriptor(let descriptor, let events):
            if try descriptor.poll(events, deadline: .after(.seconds(30))).isEmpty { throw WaitFailure.timedOut }
        case .pause: throw WaitFailure.timedOut
        }
    }

    /// The case, for comparing.
    var name: String {
        switch self {
        case .ready: "ready"
        case .ended: "ended"
        case .word: "word"
        case .bell: "bell"
        case .descriptor, .reception: "descriptor"
        case .pause: "pause"
        }
    }
}

/// `count` bytes that tell `index`.
func pattern(_ index: Int, _ count: Int) -> [UInt8] {
    (0..<count).map { UInt8(truncatingIfNeeded: index &* 31 &+ $0 &* 7 &+ ($0 >> 8)) }
}

/// The code of the error that `body` throws, `nil` when it throws none.
func code(_ body: () throws -> Void) -> NaruError.Code? {
    do {
        try body()
        return nil
    } catch {
        return (error as? NaruError)?.code
    }
}

// Naru: messages between programs by the fastest valid mechanism.
// Copyright the Naru authors. Licensed under the Apache License, Version 2.0 (see LICENSE).

import Naru
import NaruSystem

/// What one round is about.
struct Plan: Sendable {
    /// Which end is killed.
    enum Victim: String, CaseIterable {
        case send, receive
    }

    /// When.
    enum Moment {
        /// So long after its process was started.
        case afterStart(Duration)
        /// So long after it said that it begins to connect.
        case afterMeeting(Duration)
        /// So long after it said that it has a link.
        case afterLinking(Duration)
    }

    var victim: Victim
    var transport: TransportName
    var wait: WaitMode
    var isAsync: Bool
    var victimIsAsync: Bool
    var moment: Moment
    var name: String

    /// - Parameters:
    ///   - number: Which round; the kinds of link come in turn.
    ///   - worker: A killed receiver leaves its name behind, and the worker's next one takes it over.
    init(_ number: Int, worker: Int, _ random: inout Random) {
        victim = number.isMultiple(of: 2) ? .send : .receive
        let transports: [TransportName] = [.sharedMemory, .unixSocket, .fifo, .tcp]
        transport = transports[number / 2 % transports.count]
        wait = WaitMode.allCases[random.below(WaitMode.allCases.count)]
        isAsync = random.below(2) == 0
        victimIsAsync = random.below(2) == 0
        moment =
            switch random.below(3) {
            case 0: .afterStart(.microseconds(random.below(20_000)))
            case 1: .afterMeeting(.microseconds(random.below(4_000)))
            default: .afterLinking(.microseconds(random.below(10_000)))
            }
        name = victim == .send ? "kill-\(worker)-\(number)" : "kill-\(worker)"
    }

    /// What both ends ask of the link.
    var request: LinkRequest {
        LinkRequest(requirements: Requirements(transports: [transport], wait: wait), compression: .off)
    }

    /// What the victim's process is told.
    func arguments(ledger: String) -> [String] {
        [
            "victim", victim.rawValue, name, transport.rawValue, wait.rawValue, victimIsAsync ? "async" : "blocking",
            ledger,
        ]
    }

    var description: String {
        "killed \(victim.rawValue)r over \(transport), \(wait), survivor \(isAsync ? "async" : "blocking"), "
            + "victim \(victimIsAsync ? "async" : "blocking"), \(moment)"
    }
}

/// Random numbers that a seed repeats (splitmix64).
struct Random {
    private var state: UInt64

    init(seed: UInt64) { state = seed }

    mutating func next() -> UInt64 {
        state &+= 0x9e37_79b9_7f4a_7c15
        var word = state
        word = (word ^ word >> 30) &* 0xbf58_476d_1ce4_e5b9
        word = (word ^ word >> 27) &* 0x94d0_49bb_1331_11eb
        return word ^ word >> 31
    }

    mutating func below(_ bound: Int) -> Int { Int(next() % UInt64(bound)) }
}

/// The messages of a link: number and size follow from each other, so that a receiver knows what must come.
enum Message {
    static func byteCount(_ number: UInt64) -> Int {
        if number.isMultiple(of: 97) { return 100_000 }
        if number.isMultiple(of: 13) { return 5_000 }
        return 8 + Int(number &* 31 % 200)
    }

    static func make(_ number: UInt64) -> [UInt8] {
        var bytes = [UInt8](repeating: UInt8(truncatingIfNeeded: number), count: byteCount(number))
        for index in 0..<8 { bytes[index] = UInt8(truncatingIfNeeded: number >> (8 * UInt64(index))) }
        return bytes
    }

    static func isRight(_ bytes: RawSpan, _ number: UInt64) -> Bool {
        guard bytes.byteCount == byteCount(number) else { return false }
        // At least eight bytes are there, and any are an integer.
        guard unsafe UInt64(littleEndian: bytes.unsafeLoadUnaligned(as: UInt64.self)) == number else { return false }
        guard bytes.byteCount > 8 else { return true }
        let last = unsafe bytes.unsafeLoad(fromByteOffset: bytes.byteCount - 1, as: UInt8.self)
        return last == UInt8(truncatingIfNeeded: number)
    }
}

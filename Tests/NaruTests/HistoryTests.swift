// Naru: messages between programs by the fastest valid mechanism.
// Copyright the Naru authors. Licensed under the Apache License, Version 2.0 (see LICENSE).

import Naru
import NaruSystem
import Testing

/// zstd with history over every transport of the build, on real links.
@Suite(.enabled(if: !Naru.codecs.isEmpty)) struct HistoryTests {
    let place: Place

    init() throws { place = try Place() }

    /// Messages of 0 bytes to 1 MiB, most of them small: records of a log, random bytes, and both.
    private static func message(_ index: Int, _ random: inout Random) -> [UInt8] {
        let most = index % 50 == 49 ? 1 << 20 : index % 10 == 9 ? 40_000 : 300
        let byteCount = Int(random.next() % UInt64(most + 1))
        var bytes: [UInt8] = []
        bytes.reserveCapacity(byteCount + 128)
        while bytes.count < byteCount {
            if index % 4 == 3 || (index % 4 == 2 && bytes.count > byteCount / 2) {
                let word = random.next()
                for shift in 0..<UInt64(8) { bytes.append(UInt8(truncatingIfNeeded: word >> (8 * shift))) }
            } else {
                let value = random.next() >> 44
                let name = "sensor-\(value % 50)"
                bytes += Array(#"{"id":\#(index),"name":"\#(name)","value":\#(value),"unit":"celsius"},"#.utf8)
            }
        }
        return Array(bytes.prefix(byteCount))
    }

    private struct Random: RandomNumberGenerator {
        var state: UInt64
        mutating func next() -> UInt64 {
            state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
            return (state ^ state >> 29) &* 0xBF58_476D_1CE4_E5B9
        }
    }

    /// Sends messages, some of them with no time to wait for room, so that they are given up before their first byte or
    /// half way; what was accepted arrives, whatever was not.
    @Test(.timeLimit(.minutes(3)), arguments: ["in-process", "shared-memory", "unix-socket"], [1, 2])
    func whatIsAcceptedArrives(_ transport: String, _ seed: UInt64) async throws {
        let environment = ["NARU_LINKS_FRAMES_COMPRESSION": "zstd", "NARU_LINKS_FRAMES_TRANSPORTS": transport]
        let (here, there) = (try await place.naru(environment), try await place.naru(environment))
        let receiving = NaruTests.receiveAll(here, "frames")
        let sender = try await there.sender("frames", deadline: .after(.seconds(60)))
        #expect(sender.control.agreement.forward.first?.history == true)
        var random = Random(state: seed)
        var accepted: [[UInt8]] = []
        for index in 0..<600 {
            let message = Self.message(index, &random)
            // In bursts, because a link that is never full gives nothing up.
            let isHasty = index % 100 > 60
            do {
                try await sender.send(message, deadline: isHasty ? .after(.microseconds(20)) : .after(.seconds(60)))
                accepted.append(message)
            } catch {
                #expect(isHasty && error.code == .deadlineExceeded, "\(error)")
            }
        }
        try await sender.finish(deadline: .after(.seconds(60)))
        let received = try await receiving.value
        #expect(received.messages.count == accepted.count)
        #expect(received.messages == accepted)
        let counters = sender.control.counters
        #expect(counters.messagesIncompressible > 0 && counters.compressionNanoseconds > 0)
        #expect(counters.bytesSavedSending > 0)
        #expect("\(counters)".contains("bytes saved sending"))
        await here.shutdown()
        await there.shutdown()
    }

    /// Small records, by themselves and with history.
    @Test(.timeLimit(.minutes(2))) func smallRecordsBecomeSmallOnlyWithHistory() async throws {
        var ratios: [String: Double] = [:]
        for mode in ["zstd", "zstd:per-message"] {
            let environment = ["NARU_LINKS_FRAMES_COMPRESSION": mode]
            let (here, there) = (try await place.naru(environment), try await place.naru(environment))
            let receiving = NaruTests.receiveAll(here, "frames")
            let sender = try await there.sender("frames", deadline: .after(.seconds(60)))
            let messages = (0..<2000).map { index in
                let name = "sensor-\(index % 7)"
                let value = index * 31 % 997
                return Array(#"{"id":\#(index),"name":"\#(name)","value":\#(value),"of":"many small records"}"#.utf8)
            }
            try await sender.send(batch: messages, deadline: .after(.seconds(60)))
            try await sender.finish(deadline: .after(.seconds(60)))
            #expect(try await receiving.value.messages == messages)
            let counters = sender.control.counters
            ratios[mode] = Double(counters.bytesSent) / Double(counters.wireBytesSent)
            await here.shutdown()
            await there.shutdown()
        }
        #expect(try #require(ratios["zstd"]) > 2)
        #expect(ratios["zstd:per-message"] == 1, "below 1 KiB a message by itself travels raw")
    }
}

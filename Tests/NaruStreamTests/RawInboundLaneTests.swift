// Naru: messages between programs by the fastest valid mechanism.
// Copyright the Naru authors. Licensed under the Apache License, Version 2.0 (see LICENSE).

import NaruCore
import NaruStream
import NaruSystem
import Testing

/// What a lane makes of bytes from a program that knows nothing of Naru.
@Suite struct RawInboundLaneTests {
    /// A FIFO that nobody writes yet, and a lane that reads it.
    private final class Place {
        let path = "/tmp/naru-test-\(String(SystemRandom.word(), radix: 36))"
        let lane: RawInboundLane

        init(_ framing: RawFraming = .bytes, maximumMessageBytes: Int = 1 << 20) throws {
            try FileSystem.makeFIFO(path, permissions: 0o600)
            lane = RawInboundLane(
                StreamEnd(try FileSystem.open(path, [.read, .nonBlocking]), kind: .pipe), framing: framing,
                maximumMessageBytes: maximumMessageBytes, name: "test")
        }

        deinit { try? FileSystem.remove(path) }

        func writer() throws -> Descriptor { try FileSystem.open(path, [.write, .nonBlocking]) }

        func write(_ text: String, to writer: Descriptor) throws {
            let bytes = Array(text.utf8)
            // Read only, and during the call.
            let result = unsafe try bytes.withUnsafeBytes { unsafe try writer.write($0) }
            #expect(result == .bytes(bytes.count))
        }

        /// The messages that one drain gives, and whether the last was the finish.
        func take(_ maximum: Int = 64) throws -> (texts: [String], isOver: Bool) {
            var texts: [String] = []
            var isOver = false
            _ = try lane.drain(maximum) { record in
                if record.header.kind == .finish {
                    isOver = true
                } else {
                    texts.append(String(decoding: [UInt8](copying: record.bytes), as: UTF8.self))
                }
                return .take
            }
            return (texts, isOver)
        }
    }

    /// Before anybody has opened the FIFO to write, a read finds its end: that is none.
    @Test func nobodyHasComeYetIsNoEnd() throws {
        let place = try Place()
        for _ in 0..<3 {
            #expect(try place.take().isOver == false)
            guard case .descriptor(let descriptor, let events) = try place.lane.arm(.thread) else {
                Issue.record("there is something to wait for")
                return
            }
            #expect(try descriptor.pollOnce(events).isEmpty)
            place.lane.disarm()
        }
        let writer = try place.writer()
        #expect(try place.take().isOver == false)
        try place.write("first", to: writer)
        #expect(try place.take().texts == ["first"])
        let other = try place.writer()
        writer.close()
        #expect(try place.take() == ([], false), "another writer is there")
        try place.write("last", to: other)
        other.close()
        #expect(try place.take().texts == ["last"])
        #expect(try place.take() == ([], true))
        #expect(try place.take() == ([], false), "the finish comes once")
        guard case .ended = try place.lane.arm(.thread) else {
            Issue.record("nothing more comes")
            return
        }
    }

    @Test func aWriterThatSaidNothingIsAnEnd() throws {
        let place = try Place(.lines)
        try place.writer().close()
        #expect(try place.take() == ([], true))
    }

    @Test func linesAreCutWhereverTheyCome() throws {
        let place = try Place(.lines)
        let writer = try place.writer()
        try place.write("one\ntw", to: writer)
        #expect(try place.take().texts == ["one"])
        #expect(try place.take().texts == [])
        try place.write("o\n\n", to: writer)
        #expect(try place.take(1).texts == ["two"])
        #expect(try place.take().texts == [""])
        let long = String(repeating: "x", count: 60_000)
        try place.write(long, to: writer)
        #expect(try place.take().texts == [])
        try place.write("y\nrest", to: writer)
        #expect(try place.take().texts == [long + "y"])
        writer.close()
        #expect(try place.take().texts == ["rest"])
        #expect(try place.take() == ([], true))
    }

    @Test func aLineThatIsTooLongIsAnErrorThatStays() throws {
        let place = try Place(.lines, maximumMessageBytes: 100)
        let writer = try place.writer()
        try place.write(String(repeating: "x", count: 100) + "\n", to: writer)
        #expect(try place.take().texts.map(\.count) == [100])
        try place.write(String(repeating: "x", count: 101), to: writer)
        for _ in 0..<3 { #expect(code { _ = try place.take() } == .messageTooLarge) }
    }

    @Test func whatIsLeftComesAgain() throws {
        for framing in RawFraming.allCases {
            let place = try Place(framing)
            let writer = try place.writer()
            try place.write("word\n", to: writer)
            writer.close()
            for _ in 0..<3 {
                let taken = try place.lane.drain(1) { record in
                    #expect(record.bytes.byteCount == (framing == .lines ? 4 : 5))
                    return .leaveAndStop
                }
                #expect(taken == 0)
            }
            #expect(try place.take().texts == [framing == .lines ? "word" : "word\n"])
            for _ in 0..<2 {
                #expect(try place.lane.drain(1) { $0.header.kind == .finish ? .leaveAndStop : .take } == 0)
            }
            #expect(try place.take().isOver)
        }
    }

    @Test func aClosedLaneGivesNothing() throws {
        let place = try Place()
        let writer = try place.writer()
        try place.write("word", to: writer)
        let taken = try place.lane.drain(9) { _ in
            place.lane.close()
            return .take
        }
        #expect(taken == 1)
        #expect(code { _ = try place.take() } == .closed)
        #expect(code { _ = try place.lane.arm(.thread) } == .closed)
        place.lane.close()
    }
}

// Naru: messages between programs by the fastest valid mechanism.
// Copyright the Naru authors. Licensed under the Apache License, Version 2.0 (see LICENSE).

import Testing

@testable import NaruCore

@Suite struct ControlFrameTests {
    private static let link = LinkID(high: 0x0123_4567_89ab_cdef, low: 42)

    private static func frames() -> [ControlFrame] {
        [
            .message(.hello(end(.dialer).hello)), .message(.ready(link)),
            .message(.reject(Rejection(link: link, reason: "r", remedy: "m"))),
            .message(.refuse(HandshakeRefusal(code: .busy, reason: "r", remedy: nil))),
            .opening(link, [1, 2, 3], descriptorCount: 2), .bell(link), .taken(link, .max),
            .closing(link, finished: true),
        ]
    }

    private static func read(_ bytes: [UInt8]) throws -> [ControlFrame] {
        var reader = ControlFrameReader()
        unsafe bytes.withUnsafeBytes { unsafe reader.append($0) }
        var frames: [ControlFrame] = []
        while let frame = try reader.next() { frames.append(frame) }
        return frames
    }

    @Test func everyFrameComesBack() throws {
        for frame in Self.frames() {
            let read = try Self.read(try frame.encoded())
            #expect(read == [frame])
        }
    }

    @Test func framesCutAnywhereComeBack() throws {
        let frames = Self.frames()
        let bytes = try frames.flatMap { try $0.encoded() }
        var reader = ControlFrameReader()
        var read: [ControlFrame] = []
        for byte in bytes {
            unsafe [byte].withUnsafeBytes { unsafe reader.append($0) }
            while let frame = try reader.next() { read.append(frame) }
        }
        #expect(read == frames)
    }

    @Test func aLengthOfFourGibibytesIsRefusedAtOnce() {
        #expect(throws: NaruError.self) { try Self.read([0xff, 0xff, 0xff, 0xff]) }
        #expect(throws: NaruError.self) { try Self.read([1, 0, 1, 0]) }
    }

    @Test(
        arguments: [
            [], [9], [2], [3] + Array(repeating: 0, count: 15), [4] + Array(repeating: 0, count: 20),
            [5] + Array(repeating: 0, count: 16) + [7], [2] + Array(repeating: 0, count: 16) + [9],
            Array("{".utf8), Array("{}".utf8), Array(#"{"type":"hello"}"#.utf8), Array(#"{"type":"x"}"#.utf8),
            Array(#"{"type":"ready","ready":{"high":-1,"low":0}}"#.utf8), [16] + Array(repeating: 0, count: 16),
            [16] + Array(repeating: 0, count: 16) + Array("{}".utf8), [17] + Array(repeating: 0, count: 17), [17, 1],
        ] as [[UInt8]])
    func garbledBodiesAreViolations(_ body: [UInt8]) {
        do {
            _ = try ControlFrame(body: body[...])
            Issue.record("\(body) was accepted")
        } catch {
            #expect(error.code == .protocolViolation)
        }
    }

    /// Every byte of a valid HELLO set to random values: it decodes or is a violation, and never traps.
    @Test func mutatedFramesNeverTrap() throws {
        var generator = SystemRandomNumberGenerator()
        let originals = try Self.frames().map { try $0.encoded() }
        var refused = 0
        for _ in 0..<1_500 {
            var bytes = originals.randomElement(using: &generator)!
            for _ in 0..<Int.random(in: 1...4, using: &generator) {
                bytes[Int.random(in: 0..<bytes.count, using: &generator)] = .random(
                    in: .min ... .max, using: &generator)
            }
            do { _ = try Self.read(bytes) } catch { refused += 1 }
        }
        #expect(refused > 0)
    }

    @Test func deeplyNestedJSONIsAViolation() {
        let body = Array((#"{"type":"hello","hello":"# + String(repeating: "[", count: 60_000)).utf8)
        #expect(throws: NaruError.self) { try ControlFrame(body: body[...]) }
    }
}

// Naru: messages between programs by the fastest valid mechanism.
// Copyright the Naru authors. Licensed under the Apache License, Version 2.0 (see LICENSE).

import Testing

@testable import NaruCLI

@Suite struct LineBufferTests {
    /// The lines of a text that is read in pieces of `piece` bytes.
    private func lines(_ text: String, piece: Int, capacity: Int) throws -> [String] {
        var rest = Array(text.utf8)[...]
        var buffer = LineBuffer(capacity: capacity)
        var lines: [String] = []
        func take(_ line: Range<Int>) {
            lines.append(unsafe buffer.bytes(line).withUnsafeBytes { unsafe String(decoding: $0, as: UTF8.self) })
        }
        while try unsafe buffer.fill({ room in
            let part = rest.prefix(min(piece, room.count))
            unsafe room.copyBytes(from: part)
            rest = rest.dropFirst(part.count)
            return part.count
        }) {
            while let line = buffer.next() { take(line) }
        }
        if let line = buffer.last() { take(line) }
        return lines
    }

    @Test(arguments: [1, 2, 3, 7, 1000], [1, 4, 64])
    func `lines come whole, however they are read`(piece: Int, capacity: Int) throws {
        let text = "one\n\nthree\n" + String(repeating: "x", count: 100) + "\nlast"
        let expected = ["one", "", "three", String(repeating: "x", count: 100), "last"]
        #expect(try lines(text, piece: piece, capacity: capacity) == expected)
    }

    @Test func `a newline at the end begins no line`() throws {
        #expect(try lines("a\nb\n", piece: 3, capacity: 8) == ["a", "b"])
        #expect(try lines("\n", piece: 3, capacity: 8) == [""])
        #expect(try lines("", piece: 3, capacity: 8).isEmpty)
    }

    @Test func `an error of the reader is passed on`() {
        struct Broken: Error {}
        var buffer = LineBuffer()
        #expect(throws: Broken.self) { try unsafe buffer.fill { _ in throw Broken() } }
    }
}

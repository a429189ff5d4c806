// Naru: messages between programs by the fastest valid mechanism.
// Copyright the Naru authors. Licensed under the Apache License, Version 2.0 (see LICENSE).

import Testing

@testable import NaruCore

@Suite struct AssemblerTests {
    private func fragment(_ message: UInt64, _ total: UInt64, _ payload: [UInt8]) -> [UInt8] {
        FragmentHeader(message: message, total: total).withBytes { Array(copying: $0) } + payload
    }

    /// Appends outside a macro, which would copy the assembler.
    private func take(_ assembler: inout Assembler, _ bytes: [UInt8]) -> Assembler.Step {
        assembler.append(RecordHeader(kind: .fragment), unsafe bytes.span.bytes)
    }

    private func contents(_ assembler: borrowing Assembler) -> [UInt8] {
        Array(copying: assembler.bytes)
    }

    @Test func fragmentsBecomeTheMessage() {
        var assembler = Assembler(maximum: 100)
        let first = fragment(1, 5, [1, 2, 3])
        let second = fragment(1, 5, [4, 5])
        #expect(take(&assembler, first) == .more)
        var partial = assembler.isPartial
        #expect(partial)
        #expect(take(&assembler, second) == .complete([]))
        partial = assembler.isPartial
        #expect(!partial)
        #expect(contents(assembler) == [1, 2, 3, 4, 5])
    }

    @Test func anAbortedMessageLeavesNoTrace() {
        var assembler = Assembler(maximum: 100)
        let first = fragment(1, 5, [1, 2, 3])
        #expect(take(&assembler, first) == .more)
        #expect(assembler.abort() == [])
        let whole = fragment(2, 2, [8, 9])
        #expect(take(&assembler, whole) == .complete([]))
        #expect(contents(assembler) == [8, 9])
    }

    @Test func anAbortTellsTheFlagsOfWhatItDrops() {
        var assembler = Assembler(maximum: 100)
        #expect(assembler.abort() == [])
        let header = RecordHeader(kind: .fragment, flags: [.compressed, .history])
        let bytes = fragment(1, 5, [1, 2, 3])
        let step = assembler.append(header, unsafe bytes.span.bytes)
        #expect(step == .more)
        #expect(assembler.abort() == [.compressed, .history])
        #expect(assembler.abort() == [])
    }

    private func isViolation(_ step: Assembler.Step) -> Bool {
        if case .violation = step { true } else { false }
    }

    @Test func liesAreViolations() {
        var assembler = Assembler(maximum: 100)
        #expect(isViolation(take(&assembler, [1, 2, 3])))
        let huge = fragment(1, 101, [1])
        #expect(isViolation(take(&assembler, huge)))
        let first = fragment(1, 5, [1, 2, 3])
        #expect(take(&assembler, first) == .more)
        let other = fragment(2, 5, [4])
        #expect(isViolation(take(&assembler, other)))
        let otherTotal = fragment(1, 6, [4])
        #expect(isViolation(take(&assembler, otherTotal)))
        let surplus = fragment(1, 5, [4, 5, 6])
        #expect(isViolation(take(&assembler, surplus)))
    }

    @Test func promisedMemoryIsNotAllocated() {
        var assembler = Assembler(maximum: 1 << 40)
        let first = fragment(1, 1 << 40, [1])
        #expect(take(&assembler, first) == .more)
        #expect(contents(assembler).count == 1)
    }
}

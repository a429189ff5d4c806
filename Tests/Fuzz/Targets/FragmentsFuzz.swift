// Naru: messages between programs by the fastest valid mechanism.
// Copyright the Naru authors. Licensed under the Apache License, Version 2.0 (see LICENSE).

@testable import NaruCore

/// The input is a header word, then records for an assembler.
enum FragmentsFuzz {
    /// The most bytes of a message.
    static let maximum = 600

    /// What is done to the assembler.
    enum Step: UInt8, CaseIterable {
        case fragment, abort, release, short
    }

    private struct Partial {
        var header: FragmentHeader
        var flags: RecordHeader.Flags
        var bytes: [UInt8] = []
    }

    static func run(_ bytes: [UInt8]) throws(Finding) {
        var input = Input(bytes)
        let word = input.number(8)
        if let (header, byteCount) = RecordHeader.split(word) {
            try require(header.word(byteCount: byteCount) == word, "a header word becomes another")
            try require((0...RecordHeader.maximumByteCount).contains(byteCount), "a record of \(byteCount) bytes")
        }
        var assembler = Assembler(maximum: maximum)
        // What should be there.
        var partial: Partial?
        while !input.isEmpty {
            switch Step(rawValue: input.byte() % UInt8(Step.allCases.count)) ?? .fragment {
            case .fragment:
                let flags = RecordHeader.Flags(rawValue: input.byte())
                let header = FragmentHeader(message: input.number(1), total: input.number(Int(input.byte() % 9)))
                let payload = input.bytes(Int(input.byte()))
                if try append(&assembler, &partial, flags, header, payload) { return }
            case .abort:
                let flags = assembler.abort()
                try require(flags == (partial?.flags ?? []), "other flags were dropped")
                partial = nil
            case .release: if partial == nil { assembler.release() }
            case .short:
                let payload = input.bytes(Int(input.byte() % UInt8(FragmentHeader.byteCount)))
                let step = unsafe assembler.append(RecordHeader(kind: .fragment), payload.span.bytes)
                guard case .violation = step else { throw Finding(description: "half a header is \(step)") }
                return
            }
            try require(assembler.isPartial == (partial != nil), "a message is half there, and is not")
        }
    }

    /// Appends a fragment and checks what became of it; `true`: it broke the protocol, and nothing follows.
    private static func append(
        _ assembler: inout Assembler, _ partial: inout Partial?, _ flags: RecordHeader.Flags, _ header: FragmentHeader,
        _ payload: [UInt8]
    ) throws(Finding) -> Bool {
        let encoded = header.withBytes { [UInt8](copying: $0) }
        try require(unsafe FragmentHeader(encoded.span.bytes) == header, "a fragment's header becomes another")
        let record = encoded + payload
        let step = unsafe assembler.append(RecordHeader(kind: .fragment, flags: flags), record.span.bytes)
        var expected = partial ?? Partial(header: header, flags: flags)
        let fits = UInt64(expected.bytes.count + payload.count) <= header.total
        guard header.total <= UInt64(maximum), expected.header == header, expected.flags == flags, fits else {
            guard case .violation = step else { throw Finding(description: "a wrong fragment is \(step)") }
            return true
        }
        expected.bytes += payload
        if UInt64(expected.bytes.count) == header.total {
            try require(step == .complete(flags), "a whole message is \(step)")
            let message = [UInt8](copying: assembler.bytes)
            try require(message == expected.bytes, "another message")
            partial = nil
        } else {
            try require(step == .more, "half a message is \(step)")
            partial = expected
        }
        return false
    }
}

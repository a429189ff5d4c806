// Naru: messages between programs by the fastest valid mechanism.
// Copyright the Naru authors. Licensed under the Apache License, Version 2.0 (see LICENSE).

/// The messages of a stream that are not known to be taken, in order, and how many of them the present link was given.
/// A pure value.
struct KeptMessages {
    private var messages: [[UInt8]] = []
    private var head = 0
    /// Their bytes.
    private(set) var byteCount = 0
    /// How many messages before them are known to be taken.
    private(set) var taken: UInt64 = 0
    /// How many of them the present link was given.
    private(set) var given = 0

    var count: Int { messages.count - head }
    /// How many messages the stream has.
    var total: UInt64 { taken + UInt64(count) }

    /// The next one for the present link.
    var next: [UInt8]? { given < count ? messages[head + given] : nil }

    mutating func append(_ message: [UInt8]) {
        messages.append(message)
        byteCount += message.count
    }

    /// Takes the last one back, where no link was given it.
    mutating func takeBack() -> Bool {
        guard given < count else { return false }
        byteCount -= messages.removeLast().count
        return true
    }

    /// The present link has accepted the next one.
    mutating func give() {
        given += 1
    }

    /// Lets go of what the receiver says it has taken; `false` when it cannot have taken so many.
    mutating func release(through number: UInt64) -> Bool {
        guard number <= taken + UInt64(given) else { return false }
        guard number > taken else { return true }
        let count = Int(number - taken)
        for index in head..<(head + count) {
            byteCount -= messages[index].count
            messages[index] = []
        }
        head += count
        given -= count
        taken = number
        if head > 64, head * 2 > messages.count {
            messages.removeFirst(head)
            head = 0
        }
        return true
    }

    /// A new link goes on behind `number`; `false` when the receiver cannot be there.
    mutating func restart(after number: UInt64) -> Bool {
        guard number >= taken, number <= total else { return false }
        given = count
        defer { given = 0 }
        return release(through: number)
    }
}

// Naru: messages between programs by the fastest valid mechanism.
// Copyright the Naru authors. Licensed under the Apache License, Version 2.0 (see LICENSE).

import Naru

/// A file on its way into a link. Blocks: for a thread of its own.
struct SendTransfer {
    private let sender: Sender
    private let input: InputFile
    private let lendsInPlace: Bool
    private var progress: ProgressBar

    /// - Parameter lendsInPlace: whether a loan of the record's size is the lane's own memory.
    init(_ sender: Sender, _ input: InputFile, lendsInPlace: Bool, progress: ProgressBar) {
        self.sender = sender
        self.input = input
        self.lendsInPlace = lendsInPlace
        self.progress = progress
    }

    /// Sends all of the file and returns when the receiver has taken it.
    mutating func run(lines: Bool, recordBytes: Int) throws {
        defer { progress.clear() }
        if lines {
            try sendLines()
        } else {
            if lendsInPlace, let byteCount = input.byteCount { try lendRecords(of: recordBytes, upTo: byteCount) }
            try copyRecords(of: recordBytes)
        }
        try sender.blocking.finish()
    }

    /// Reads records of a file of known size straight into the lane.
    private mutating func lendRecords(of recordBytes: Int, upTo byteCount: Int) throws {
        var remaining = byteCount
        while remaining > 0 {
            let size = min(recordBytes, remaining)
            try sender.blocking.withLoan(byteCount: size) { memory in
                // Safe: the kernel writes within the loan, which lives as long as the call.
                unsafe try memory.withUnsafeMutableBytes { unsafe try input.fillAll($0) }
            }
            remaining -= size
            progress.advance(size)
        }
    }

    /// Reads records into memory of this end, until the file ends. After a file of known size: what it grew by.
    private mutating func copyRecords(of recordBytes: Int) throws {
        let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: recordBytes, alignment: 16)
        defer { unsafe buffer.deallocate() }
        while true {
            // Safe: the buffer lives until the end of this function, and all that is lent of it was read.
            let size = try unsafe input.fill(buffer)
            if size == 0 { return }
            let record = unsafe RawSpan(_unsafeBytes: UnsafeRawBufferPointer(rebasing: buffer[..<size]))
            try sender.blocking.send(record)
            progress.advance(size)
        }
    }

    private mutating func sendLines() throws {
        var lines = LineBuffer()
        while try unsafe lines.fill({ unsafe try input.readSome($0) }) {
            while let line = lines.next() {
                try sender.blocking.send(lines.bytes(line))
                progress.advance(line.count + 1)
            }
        }
        if let line = lines.last() { try sender.blocking.send(lines.bytes(line)) }
    }
}

// Naru: messages between programs by the fastest valid mechanism.
// Copyright the Naru authors. Licensed under the Apache License, Version 2.0 (see LICENSE).

import NaruSystem

@testable import NaruCore

/// What lies in folders that others may write: names that tell their maker, sidecars, and the kernel's list of locks.
enum NamesFuzz {
    static func run(_ bytes: [UInt8]) throws(Finding) {
        let text = String(decoding: bytes, as: UTF8.self)
        if let name = TransientName(text) {
            try require(NameRule.accepts(name.word), "`\(name.word)` was accepted as a word")
            try require(name.process.processID > 0, "a process number of \(name.process.processID)")
            try require(TransientName(name.text) == name, "\(name.text) does not parse to itself")
        }
        if let record = Sidecar.decode(bytes) {
            try require(
                Sidecar.decode(Sidecar.encode(record)) == record, "a sidecar's record does not decode to itself")
            if let terms = SemaphoreTerms(record) {
                try require(terms.count <= SemaphoreTerms.maximumCount, "\(terms.count) permits")
                try require((terms.use == .permits) <= (terms.count > 0), "permits of which there are none")
            }
        }
        _ = LockTable(parsing: text)
    }
}

extension Bool {
    /// Whether `left` implies `right`.
    fileprivate static func <= (left: Bool, right: Bool) -> Bool { !left || right }
}

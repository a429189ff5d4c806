// Naru: messages between programs by the fastest valid mechanism.
// Copyright the Naru authors. Licensed under the Apache License, Version 2.0 (see LICENSE).

/// The checks behind the `validated()` methods of values that cross the wire.
enum Bounds {
    /// The longest list.
    static let maximumCount = 64
    /// The largest size in bytes: 1 TiB.
    static let maximumSize = 1 << 40
    /// The longest sentence in bytes of UTF-8.
    static let maximumTextBytes = 1024

    static func check(
        _ holds: Bool, _ field: String, _ problem: @autoclosure () -> String
    ) throws(RecordProblem) {
        guard holds else { throw RecordProblem(field: field, problem: problem()) }
    }

    static func name(_ name: String, _ field: String) throws(RecordProblem) {
        try check(NameRule.accepts(name), field, "must match [a-z0-9-]{1,64} (is \(NameRule.quoted(name)))")
    }

    static func names(_ names: [String], _ field: String) throws(RecordProblem) {
        try count(names.count, field)
        for each in names { try name(each, field) }
    }

    static func count(_ count: Int, _ field: String) throws(RecordProblem) {
        try check(count <= maximumCount, field, "must have at most \(maximumCount) elements (has \(count))")
    }

    static func size(_ size: Int, _ field: String, from minimum: Int = 1) throws(RecordProblem) {
        try check(
            size >= minimum && size <= maximumSize, field,
            "must be from \(minimum) to \(maximumSize) bytes (is \(size))")
    }

    static func text(_ text: String, _ field: String) throws(RecordProblem) {
        try check(text.utf8.count <= maximumTextBytes, field, "must have at most \(maximumTextBytes) bytes")
        try check(text.unicodeScalars.allSatisfy(NameRule.isPrintable), field, "must be one line of printable text")
    }
}

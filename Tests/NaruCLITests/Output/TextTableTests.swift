// Naru: messages between programs by the fastest valid mechanism.
// Copyright the Naru authors. Licensed under the Apache License, Version 2.0 (see LICENSE).

import Testing

@testable import NaruCLI

@Suite struct TextTableTests {
    @Test func `columns line up and lines end without spaces`() {
        let table = TextTable(rows: [
            ["a", "b", "c"], ["long", "µs", "x"], ["", "", "below"], ["only"], ["x", "", ""],
        ])
        #expect(table.lines == ["a     b   c", "long  µs  x", "          below", "only", "x"])
    }

    @Test func `no rows are no lines`() {
        #expect(TextTable().lines.isEmpty)
    }
}

// Naru: messages between programs by the fastest valid mechanism.
// Copyright the Naru authors. Licensed under the Apache License, Version 2.0 (see LICENSE).

import Testing

@testable import NaruCLI

@Suite struct JSONTests {
    @Test func `objects keep their order, on one line without spaces`() {
        let json = JSON.object([
            ("z", .integer(-1)), ("a", .array([.bool(true), .null, .number(0.01)])), ("s", .string("x")),
        ])
        #expect(json.line == #"{"z":-1,"a":[true,null,0.01],"s":"x"}"#)
    }

    @Test func `texts are escaped`() {
        #expect(JSON.string("\"\\\n\t\r\u{1}é🦆").line == #""\"\\\n\t\r\u0001é🦆""#)
    }

    @Test func `what is not a number of JSON is null`() {
        #expect(JSON.number(.nan).line == "null")
        #expect(JSON.number(.infinity).line == "null")
        #expect(JSON.optional(String?.none).line == "null")
        #expect(JSON.optional(Int?.none).line == "null")
        #expect(JSON.optional(3).line == "3")
    }
}

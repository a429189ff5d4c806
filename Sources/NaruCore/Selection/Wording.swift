// Naru: messages between programs by the fastest valid mechanism.
// Copyright the Naru authors. Licensed under the Apache License, Version 2.0 (see LICENSE).

/// How numbers and lists read in a decision.
enum Wording {
    /// "simplex, duplex", or "nothing".
    static func list<Element: CustomStringConvertible>(_ elements: [Element]) -> String {
        elements.isEmpty ? "nothing" : elements.map { shown($0.description) }.joined(separator: ", ")
    }

    /// A word from outside, bare where it is a well-formed name.
    static func shown(_ word: String) -> String {
        NameRule.accepts(word) ? word : NameRule.quoted(word)
    }

    /// "15 ns", "0.11 µs", "5.5 µs", "3.2 ms", "1.5 s".
    static func time(nanoseconds: Int) -> String {
        let value = Double(nanoseconds)
        if value < 100 { return "\(nanoseconds) ns" }
        if value < 999_500 { return "\(short(value / 1e3)) µs" }
        if value < 999_500_000 { return "\(short(value / 1e6)) ms" }
        return "\(short(value / 1e9)) s"
    }

    /// "3.4x".
    static func ratio(_ numerator: Int, to denominator: Int) -> String {
        "\(short(Double(numerator) / Double(max(denominator, 1))))x"
    }

    /// "1 B", "4096 B".
    static func size(_ bytes: Int) -> String { "\(bytes) B" }

    /// Two decimals below 1, one below 10, none above.
    private static func short(_ value: Double) -> String {
        if value < 0.995 { return decimal(Int((value * 100).rounded()), digits: 2) }
        if value < 9.95 { return decimal(Int((value * 10).rounded()), digits: 1) }
        return value < 1e15 ? "\(Int(value.rounded()))" : "more than 1e15"
    }

    /// `scaled` divided by a power of ten.
    private static func decimal(_ scaled: Int, digits: Int) -> String {
        let unit = digits == 2 ? 100 : 10
        let fraction = String(scaled % unit)
        return "\(scaled / unit)." + String(repeating: "0", count: digits - fraction.count) + fraction
    }

    /// `text` filled with spaces to `width` characters, on the left where it is a number.
    static func padded(_ text: String, to width: Int, right: Bool = false) -> String {
        let fill = String(repeating: " ", count: max(0, width - text.count))
        return right ? fill + text : text + fill
    }
}

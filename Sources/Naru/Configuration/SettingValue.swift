// Naru: messages between programs by the fastest valid mechanism.
// Copyright the Naru authors. Licensed under the Apache License, Version 2.0 (see LICENSE).

/// A value as a configuration writes it.
public enum SettingValue: Sendable, Hashable, Encodable, CustomStringConvertible {
    /// A text.
    case text(String)
    /// A whole number.
    case number(Int)
    /// A list of texts.
    case list([String])
    /// True or false.
    case flag(Bool)

    /// For people: the text, the number, or the list's texts with commas between; `none` where it is empty.
    public var description: String {
        switch self {
        case .text(let text): text
        case .number(let number): "\(number)"
        case .list(let texts): texts.isEmpty ? "none" : texts.joined(separator: ", ")
        case .flag(let flag): "\(flag)"
        }
    }

    /// Writes the plain JSON value.
    public func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        switch self {
        case .text(let text): try container.encode(text)
        case .number(let number): try container.encode(number)
        case .list(let texts): try container.encode(texts)
        case .flag(let flag): try container.encode(flag)
        }
    }
}

/// A value and where it came from.
public struct SourcedValue: Sendable, Hashable, Encodable {
    /// The source of values that nobody set.
    public static let defaultSource = "default"

    /// The value.
    public var value: SettingValue
    /// `application`, `environment` and the variable, `file` and its path, `default`, or what the program named in
    /// ``LinkSettings/set(_:to:source:)``.
    public var source: String

    /// A value of a source.
    public init(value: SettingValue, source: String) {
        self.value = value
        self.source = source
    }
}

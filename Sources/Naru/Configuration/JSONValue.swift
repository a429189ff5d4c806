// Naru: messages between programs by the fastest valid mechanism.
// Copyright the Naru authors. Licensed under the Apache License, Version 2.0 (see LICENSE).

internal import Configuration

/// Any JSON value.
enum JSONValue: Hashable, Sendable, Decodable, CustomStringConvertible {
    case null
    case bool(Bool)
    case int(Int)
    case double(Double)
    case string(String)
    case array([JSONValue])
    case object([String: JSONValue])

    init(from decoder: any Decoder) throws {
        let container = try decoder.singleValueContainer()
        if container.decodeNil() {
            self = .null
        } else if let value = try? container.decode(Bool.self) {
            self = .bool(value)
        } else if let value = try? container.decode(Int.self) {
            self = .int(value)
        } else if let value = try? container.decode(Double.self) {
            self = .double(value)
        } else if let value = try? container.decode(String.self) {
            self = .string(value)
        } else if let value = try? container.decode([JSONValue].self) {
            self = .array(value)
        } else {
            self = .object(try container.decode([String: JSONValue].self))
        }
    }

    /// The value as a configuration's type; `nil` where it is of another.
    func content(_ type: ConfigType) -> ConfigContent? {
        switch (type, self) {
        case (.string, .string(let value)): .string(value)
        case (.int, .int(let value)): .int(value)
        case (.double, .int(let value)): .double(Double(value))
        case (.double, .double(let value)): .double(value)
        case (.bool, .bool(let value)): .bool(value)
        case (.stringArray, .array(let values)):
            Self.all(values) { if case .string(let value) = $0 { value } else { nil } }.map(ConfigContent.stringArray)
        case (.intArray, .array(let values)):
            Self.all(values) { if case .int(let value) = $0 { value } else { nil } }.map(ConfigContent.intArray)
        default: nil
        }
    }

    private static func all<Element>(_ values: [JSONValue], _ element: (JSONValue) -> Element?) -> [Element]? {
        let elements = values.compactMap(element)
        return elements.count == values.count ? elements : nil
    }

    /// As it is written, for a message: nested objects only by their braces, long texts cut.
    var description: String {
        switch self {
        case .null: "null"
        case .bool(let value): "\(value)"
        case .int(let value): "\(value)"
        case .double(let value): "\(value)"
        case .string(let value): "\"\(value.prefix(80))\""
        case .array(let values): "[\(values.prefix(8).map(\.description).joined(separator: ", "))]"
        case .object: "{…}"
        }
    }
}

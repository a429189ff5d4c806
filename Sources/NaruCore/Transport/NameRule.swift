// Naru: messages between programs by the fastest valid mechanism.
// Copyright the Naru authors. Licensed under the Apache License, Version 2.0 (see LICENSE).

/// The form of every name that crosses the wire: `[a-z0-9-]{1,64}`.
enum NameRule {
    /// Whether `name` has that form. Looks at 65 bytes at most.
    static func accepts(_ name: String) -> Bool {
        var count = 0
        for byte in name.utf8 {
            count += 1
            guard count <= 64 else { return false }
            switch byte {
            case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"):
                continue
            default: return false
            }
        }
        return count > 0
    }

    /// `name` shortened and without control characters, fit for a message.
    static func quoted(_ name: String) -> String {
        var result = "\""
        for scalar in name.unicodeScalars.prefix(64) {
            result.unicodeScalars.append(isPrintable(scalar) ? scalar : "?")
        }
        return result + "\""
    }

    /// Whether a terminal shows the scalar rather than obeys it.
    static func isPrintable(_ scalar: Unicode.Scalar) -> Bool {
        switch scalar.properties.generalCategory {
        case .control, .format, .lineSeparator, .paragraphSeparator, .surrogate, .privateUse, .unassigned: false
        default: true
        }
    }
}

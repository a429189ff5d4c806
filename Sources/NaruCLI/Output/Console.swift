// Naru: messages between programs by the fastest valid mechanism.
// Copyright the Naru authors. Licensed under the Apache License, Version 2.0 (see LICENSE).

import Naru
import SystemPackage

/// The standard streams as a person sees them.
enum Console {
    /// Writes a line to standard output.
    static func print(_ line: String) throws(NaruError) {
        do {
            _ = try FileDescriptor.standardOutput.writeAll((line + "\n").utf8)
        } catch {
            throw NaruError(error, "write", "standard output")
        }
    }

    /// Writes a line to standard error. Where that fails there is nobody to tell.
    static func note(_ line: String) {
        _ = try? FileDescriptor.standardError.writeAll((line + "\n").utf8)
    }

    /// Writes `naru: …` to standard error.
    static func error(_ text: String) {
        note("naru: \(text)")
    }

    /// Replaces the current line of the terminal behind standard error; an empty text only clears it.
    static func redraw(_ text: String) {
        _ = try? FileDescriptor.standardError.writeAll("\r\u{1B}[K\(text)".utf8)
    }

    /// Whether a person watches standard error.
    static var isErrorTerminal: Bool { isTerminal(.standardError) }

    /// The kernel's numbers of terminal devices: virtual, serial, console, and both ends of pseudo-terminals.
    private static func isTerminal(_ descriptor: FileDescriptor) -> Bool {
        guard let status = try? descriptor.stat(), status.type == .characterSpecial else { return false }
        let device = UInt64(status.specialDeviceID.rawValue)
        let major = (device >> 8) & 0xfff
        return major == 4 || major == 5 || (136...143).contains(major) || major == 204 || major == 229
    }
}

// Naru: messages between programs by the fastest valid mechanism.
// Copyright the Naru authors. Licensed under the Apache License, Version 2.0 (see LICENSE).

/// What one end wants of compression on a link.
public struct Compression: Codable, Hashable, Sendable, CustomStringConvertible {
    /// When to compress.
    public var mode: Mode
    /// The codec's name when it is forced.
    public var codec: String?
    /// The codec's level, or `nil` for its default.
    public var level: Int?

    /// When to compress.
    public enum Mode: String, Codable, Sendable {
        /// Where the wire is slower than the codec: never on memory or loopback.
        case auto
        /// Never.
        case off
        /// Always, memory included.
        case forced
    }

    private init(mode: Mode, codec: String?, level: Int?) {
        self.mode = mode
        self.codec = codec
        self.level = level
    }

    /// Where it pays.
    public static let auto = Compression(mode: .auto, codec: nil, level: nil)
    /// Never.
    public static let off = Compression(mode: .off, codec: nil, level: nil)
    /// Always, with this codec.
    public static func forced(_ codec: String, level: Int? = nil) -> Compression {
        Compression(mode: .forced, codec: codec, level: level)
    }

    /// Parses `auto`, `off`, `zstd` or `zstd:3`; `nil` for anything else.
    public init?(_ text: String) {
        switch text {
        case "auto": self = .auto
        case "off": self = .off
        default:
            let parts = text.split(separator: ":", omittingEmptySubsequences: false)
            guard let name = parts.first, parts.count <= 2, !name.isEmpty,
                name.utf8.allSatisfy({ (UInt8(ascii: "a")...UInt8(ascii: "z")).contains($0) })
            else { return nil }
            if parts.count == 2 {
                guard let level = Int(parts[1]) else { return nil }
                self = .forced(String(name), level: level)
            } else {
                self = .forced(String(name))
            }
        }
    }

    /// As it is written in a configuration.
    public var description: String {
        switch mode {
        case .auto: "auto"
        case .off: "off"
        case .forced: level.map { "\(codec ?? "?"):\($0)" } ?? codec ?? "?"
        }
    }

    /// What both ends settle on: a forced codec wins over `auto`, `off` over everything, the dialer's over the
    /// listener's; `nil` is no compression. The transports that exist here are all memory or loopback, where `auto`
    /// never compresses.
    static func settle(dialer: Compression, listener: Compression) -> Compression? {
        if dialer.mode == .off || listener.mode == .off { return nil }
        if dialer.mode == .forced { return dialer }
        if listener.mode == .forced { return listener }
        return nil
    }
}

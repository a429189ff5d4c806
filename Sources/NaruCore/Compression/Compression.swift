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
    /// Whether messages may be compressed with the history of those before them, which makes small ones much smaller.
    ///
    /// History is kept only where both ends want it, both have a ``HistoryCodec``, and the link is reliable, ordered
    /// and has one receiver: negotiated, simplex or duplex, `overflow` is `block`, and the transport neither reorders
    /// by priority nor keeps messages for later receivers. With `auto` it is never kept on confidential links:
    /// compression and secrets in one history leak the secrets through the length of what travels. A forced codec keeps
    /// it there too, unless it is forced per message (`zstd:per-message`). Elsewhere each message is compressed by
    /// itself.
    public var history: Bool

    /// When to compress.
    public enum Mode: String, Codable, Sendable {
        /// Where the wire is slower than the codec: never on memory or loopback.
        case auto
        /// Never.
        case off
        /// Always, memory included.
        case forced
    }

    private init(mode: Mode, codec: String?, level: Int?, history: Bool = true) {
        self.mode = mode
        self.codec = codec
        self.level = level
        self.history = history
    }

    /// Where it pays.
    public static let auto = Compression(mode: .auto, codec: nil, level: nil)
    /// Never.
    public static let off = Compression(mode: .off, codec: nil, level: nil)
    /// Always, with this codec.
    public static func forced(_ codec: String, level: Int? = nil, history: Bool = true) -> Compression {
        Compression(mode: .forced, codec: codec, level: level, history: history)
    }

    private static let perMessage = "per-message"

    /// Parses `auto`, `off`, `zstd` or `zstd:3`, the last two also with `:per-message`; `nil` for anything else.
    public init?(_ text: String) {
        switch text {
        case "auto": self = .auto
        case "off": self = .off
        default:
            var parts = text.split(separator: ":", omittingEmptySubsequences: false)
            let history = parts.last.map { $0 != Self.perMessage } ?? true
            if !history { parts.removeLast() }
            guard let name = parts.first, parts.count <= 2, !name.isEmpty,
                name.utf8.allSatisfy({ (UInt8(ascii: "a")...UInt8(ascii: "z")).contains($0) })
            else { return nil }
            if parts.count == 2 {
                guard let level = Int(parts[1]) else { return nil }
                self = .forced(String(name), level: level, history: history)
            } else {
                self = .forced(String(name), history: history)
            }
        }
    }

    /// As it is written in a configuration.
    public var description: String {
        switch mode {
        case .auto: "auto"
        case .off: "off"
        case .forced:
            (level.map { "\(codec ?? "?"):\($0)" } ?? codec ?? "?") + (history ? "" : ":\(Self.perMessage)")
        }
    }

    /// What both ends settle on: a forced codec wins over `auto`, `off` over everything, the dialer's over the
    /// listener's; `nil` is no compression. History needs that both permit it. The transports that exist here are all
    /// memory or loopback, where `auto` never compresses.
    static func settle(dialer: Compression, listener: Compression) -> Compression? {
        if dialer.mode == .off || listener.mode == .off { return nil }
        guard var settled = dialer.mode == .forced ? dialer : listener.mode == .forced ? listener : nil else {
            return nil
        }
        settled.history = dialer.history && listener.history
        return settled
    }
}

extension Compression {
    private enum Key: String, CodingKey {
        case mode, codec, level, history
    }

    /// Reads what one end wants: unknown fields are skipped, absent ones take their defaults.
    public init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: Key.self)
        self.init(
            mode: try container.decode(Mode.self, forKey: .mode),
            codec: try container.decodeIfPresent(String.self, forKey: .codec),
            level: try container.decodeIfPresent(Int.self, forKey: .level),
            history: try container.decodeIfPresent(Bool.self, forKey: .history) ?? true)
    }

    /// Writes what is not a default.
    public func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: Key.self)
        try container.encode(mode, forKey: .mode)
        try container.encodeIfPresent(codec, forKey: .codec)
        try container.encodeIfPresent(level, forKey: .level)
        if !history { try container.encode(false, forKey: .history) }
    }
}

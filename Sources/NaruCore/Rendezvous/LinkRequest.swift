// Naru: messages between programs by the fastest valid mechanism.
// Copyright the Naru authors. Licensed under the Apache License, Version 2.0 (see LICENSE).

internal import NaruSystem

/// What one end asks of a link.
public struct LinkRequest: Sendable, Hashable {
    /// What the selector weighs.
    public var requirements: Requirements
    /// What this end wants of compression.
    public var compression: Compression
    /// Whether the other end is any program: bytes travel as they are, without Naru's records.
    public var isRaw: Bool
    /// How such bytes are cut into messages, where the other program's object is a stream.
    public var rawFraming: RawFraming

    /// A request; by default a simplex link with no wishes.
    public init(
        requirements: Requirements = Requirements(), compression: Compression = .auto, isRaw: Bool = false,
        rawFraming: RawFraming = .bytes
    ) {
        self.requirements = requirements
        self.compression = compression
        self.isRaw = isRaw
        self.rawFraming = rawFraming
    }

    /// The same wishes for a link both ways.
    var duplex: LinkRequest {
        var request = self
        request.requirements.direction = .duplex
        return request
    }
}

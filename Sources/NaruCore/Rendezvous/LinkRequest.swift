// Naru: messages between programs by the fastest valid mechanism.
// Copyright the Naru authors. Licensed under the Apache License, Version 2.0 (see LICENSE).

internal import NaruSystem

/// What one end asks of a link.
public struct LinkRequest: Sendable, Hashable {
    /// What the selector weighs.
    public var requirements: Requirements
    /// What this end wants of compression.
    public var compression: Compression

    /// A request; by default a simplex link with no wishes.
    public init(requirements: Requirements = Requirements(), compression: Compression = .auto) {
        self.requirements = requirements
        self.compression = compression
    }

    /// The same wishes for a link both ways.
    var duplex: LinkRequest {
        var request = self
        request.requirements.direction = .duplex
        return request
    }
}

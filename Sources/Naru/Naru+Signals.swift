// Naru: messages between programs by the fastest valid mechanism.
// Copyright the Naru authors. Licensed under the Apache License, Version 2.0 (see LICENSE).

public import NaruSystem

extension Naru {
    /// The signal of a link: posted by one process, taken by another, counted in between. No payload.
    ///
    /// ```swift
    /// let ready = try naru.signal("ready")                    // one process
    /// try await ready.wait(deadline: .after(.seconds(5)))
    ///
    /// let ready = try naru.signal("ready")                    // another, before or after
    /// try ready.post()
    /// ```
    ///
    /// There is no peer to wait for: whoever comes first makes it. A link whose direction nothing sets is `signal`
    /// here.
    /// - Parameter link: a name of the configuration, or an address.
    /// - Throws: as ``settings(for:)``, and as ``NaruCore/Runtime/signal(_:_:)``.
    public func signal(_ link: String) throws(NaruError) -> Signal {
        try signal(try settings(for: link))
    }

    /// The signal of the link of these settings.
    public func signal(_ link: LinkSettings) throws(NaruError) -> Signal {
        let (address, request) = try endpoint(link, .exactly(.signal), operation: "open the signal of")
        return try runtime.signal(address.name, request.requirements)
    }

    /// The permits of a link: whoever acquires one keeps the others out until it is released, or its process dies.
    ///
    /// ```swift
    /// let gpu = try naru.permits("gpu", count: 2)
    /// try await gpu.withPermit { try await compute() }
    /// ```
    ///
    /// - Parameters:
    ///   - link: a name of the configuration, or an address.
    ///   - count: how many there are to be; `nil` takes what the configuration says, or else those that are there, and
    ///     makes one where there are none.
    /// - Throws: as ``settings(for:)``, and as ``NaruCore/Runtime/permits(_:count:_:)``.
    public func permits(_ link: String, count: Int? = nil) throws(NaruError) -> Permits {
        try permits(try settings(for: link), count: count)
    }

    /// Permits without a name, for this process and those that are handed their ``NaruCore/Permits/descriptor``: see
    /// ``NaruCore/Runtime/permits(count:)``.
    public func permits(count: Int) throws(NaruError) -> Permits { try runtime.permits(count: count) }

    /// A signal without a name, for this process and those that are handed its ``NaruCore/Signal/descriptor``: see
    /// ``NaruCore/Runtime/signal()``.
    public func signal() throws(NaruError) -> Signal { try runtime.signal() }

    /// Permits that another process made and handed over: see ``NaruCore/Runtime/permits(adopting:)``.
    public func permits(adopting descriptor: Descriptor) throws(NaruError) -> Permits {
        try runtime.permits(adopting: descriptor)
    }

    /// A signal that another process made and handed over: see ``NaruCore/Runtime/signal(adopting:)``.
    public func signal(adopting descriptor: Descriptor) throws(NaruError) -> Signal {
        try runtime.signal(adopting: descriptor)
    }

    /// The permits of the link of these settings.
    public func permits(_ link: LinkSettings, count: Int? = nil) throws(NaruError) -> Permits {
        let (address, request) = try endpoint(link, .exactly(.signal), operation: "open the permits of")
        return try runtime.permits(address.name, count: count ?? link.permits, request.requirements)
    }
}

// Naru: messages between programs by the fastest valid mechanism.
// Copyright the Naru authors. Licensed under the Apache License, Version 2.0 (see LICENSE).

internal import NaruCore
internal import NaruRing

/// How large the rings of links over shared memory are.
public struct SharedMemoryConfiguration: Hashable, Sendable {
    /// The smallest ring that is chosen by itself, bytes: a thousand links take little memory.
    public static let minimumAutomaticRingBytes = 32_768
    /// The largest ring that is chosen by itself, bytes, and that a ring grows to for large messages: above a core's
    /// own caches, within the shared one. It has room for seven messages of 1 MiB at once.
    public static let maximumAutomaticRingBytes = 8_388_608
    /// How many messages of the link's typical size a ring chosen by itself holds, as far as the bounds permit.
    public static let messagesPerRing = 8

    /// The size of each ring that this end sends through, bytes: a power of two from 4 KiB to 64 MiB. `nil`: chosen
    /// from the link's typical message size, and growing where the traffic shows the need. Each sending lane takes this
    /// much memory, and 8 KiB. A ring of a size given here does not grow, and has no slots beside it.
    public var ringBytes: Int?

    /// A configuration; by default the ring's size follows the messages'.
    public init(ringBytes: Int? = nil) {
        self.ringBytes = ringBytes
    }

    /// Up to how many bytes rings grow; `nil` where their size is fixed.
    var maximumRingBytes: Int? { ringBytes == nil ? Self.maximumAutomaticRingBytes : nil }

    /// The ring's size for a link with messages of this typical size, bytes.
    /// - Throws: `NaruError.Code.invalidConfiguration` when ``ringBytes`` is no permitted size.
    func ringBytes(messageBytes: Int) throws(NaruError) -> Int {
        guard let ringBytes else {
            var automatic = Self.minimumAutomaticRingBytes
            while automatic < Self.maximumAutomaticRingBytes, automatic / Self.messagesPerRing < messageBytes {
                automatic *= 2
            }
            return automatic
        }
        guard RingLayout.isValid(ringBytes: ringBytes) else {
            throw NaruError(
                .invalidConfiguration, operation: "open", object: "shared-memory",
                reason: "a ring cannot have \(ringBytes) bytes",
                remedy: "choose a power of two from \(RingLayout.minimumRingBytes) to \(RingLayout.maximumRingBytes)")
        }
        return ringBytes
    }
}

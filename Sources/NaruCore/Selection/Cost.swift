// Naru: messages between programs by the fastest valid mechanism.
// Copyright the Naru authors. Licensed under the Apache License, Version 2.0 (see LICENSE).

/// The time a transport takes for a message, as a function of its size and of the number of receivers.
///
///     time = base + perByte·size + perReceiver·receivers + perReceiverByte·size·(receivers − 1)
///
/// The last term is zero where receivers share one copy, and `perByte` where the message is sent to each.
public struct Cost: Codable, Sendable, Hashable {
    /// Nanoseconds for any message.
    public var base: Double
    /// Nanoseconds for each byte.
    public var perByte: Double
    /// Nanoseconds for each receiver.
    public var perReceiver: Double
    /// Nanoseconds for each byte and receiver beyond the first.
    public var perReceiverByte: Double

    /// Makes a cost of nanoseconds.
    public init(base: Double, perByte: Double, perReceiver: Double = 0, perReceiverByte: Double = 0) {
        self.base = base
        self.perByte = perByte
        self.perReceiver = perReceiver
        self.perReceiverByte = perReceiverByte
    }

    /// The cost of a transport that nobody has measured: dearer than any of Naru's own, so that it is chosen only
    /// where it is the only one or was asked for.
    public static let unmeasured = Cost(base: 250_000, perByte: 5, perReceiver: 50_000, perReceiverByte: 5)

    /// The nanoseconds for a message of `size` bytes to `receivers` ends.
    public func time(size: Int, receivers: Int = 1) -> Double {
        let bytes = Double(size)
        let further = Double(max(receivers, 1) - 1)
        return base + perByte * bytes + perReceiver * Double(receivers)
            + perReceiverByte * bytes * further
    }

    /// The largest quantised cost: about 104 days.
    public static let maximumNanoseconds = 1 << 53

    /// Nanoseconds rounded to an eighth of their power of two, so that two measurements of one thing mostly agree.
    ///
    /// Anything that is not a number, or out of range, becomes the nearest bound: values may come from a file.
    public static func quantised(_ nanoseconds: Double) -> Int {
        guard nanoseconds > 0 else { return nanoseconds.isNaN ? maximumNanoseconds : 0 }
        guard nanoseconds < Double(maximumNanoseconds) else { return maximumNanoseconds }
        let whole = Int(nanoseconds.rounded())
        guard whole > 8 else { return whole }
        let power = 1 << (Int.bitWidth - 1 - whole.leadingZeroBitCount)
        let step = power / 8
        return (whole + step / 2) / step * step
    }
}

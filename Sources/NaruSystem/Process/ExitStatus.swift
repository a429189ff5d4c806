// Naru: messages between programs by the fastest valid mechanism.
// Copyright the Naru authors. Licensed under the Apache License, Version 2.0 (see LICENSE).

/// How a process ended.
public enum ExitStatus: Sendable, Hashable {
    /// It exited with this code, 0 to 255.
    case exited(Int32)
    /// A signal killed it.
    case killed(Int32)

    init(exitCode: Int32, signal: Int32) {
        self = signal == 0 ? .exited(exitCode) : .killed(signal)
    }
}

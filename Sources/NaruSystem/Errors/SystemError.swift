// Naru: messages between programs by the fastest valid mechanism.
// Copyright the Naru authors. Licensed under the Apache License, Version 2.0 (see LICENSE).

internal import CNaruSystem

/// A call of the operating system that failed: which one, on what, and with which `errno`.
public struct SystemError: Error, Sendable, Hashable, CustomStringConvertible {
    /// The C function or system call.
    public let function: String
    /// What it was called on: a path, a name, or `descriptor 7`.
    public let object: String
    /// The error's number; the usual ones are constants of ``SystemErrno``.
    public let errno: Int32

    /// An error of `function` on `object`.
    public init(function: String, object: String, errno: Int32) {
        self.function = function
        self.object = object
        self.errno = errno
    }

    /// The system's text for the number.
    public var message: String {
        // Safe: the callee writes at most the capacity it is told.
        unsafe text(capacity: 128) { buffer in
            unsafe naru_error_text(errno, buffer, 128)
            return 0
        } ?? name
    }

    /// The symbolic name, such as `EACCES`; `errno N` for a number that is not usual.
    public var name: String { SystemErrno.name(of: errno) ?? "errno \(errno)" }

    public var description: String { "\(function)(\(object)): \(message) (\(name))" }
}

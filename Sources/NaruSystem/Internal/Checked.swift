// Naru: messages between programs by the fastest valid mechanism.
// Copyright the Naru authors. Licensed under the Apache License, Version 2.0 (see LICENSE).

internal import CNaruSystem

/// Turns the `-errno` of a wrapped call into an error; the texts are built only then.
@inline(__always)
@discardableResult
func checked<Value: SignedInteger & FixedWidthInteger>(
    _ value: Value, _ function: StaticString, _ object: @autoclosure () -> String
) throws(SystemError) -> Value {
    if value < 0 { throw failure(Int32(-value), function, object()) }
    return value
}

@inline(never)
func failure(_ errno: Int32, _ function: StaticString, _ object: String) -> SystemError {
    SystemError(function: function.description, object: object, errno: errno)
}

/// A path or a name that goes to C: one that holds a NUL byte would silently be cut there.
@inline(__always)
func checkedPath(_ path: String, _ function: StaticString) throws(SystemError) -> String {
    if path.utf8.contains(0) { throw failure(SystemErrno.invalid, function, path) }
    return path
}

/// A text that a C function writes NUL-terminated into a buffer; nil when it reports an error.
func text(capacity: Int, _ fill: (UnsafeMutablePointer<CChar>) -> Int32) -> String? {
    // Safe: the buffer is `capacity` bytes, zeroed, and the callee leaves the last one as it is.
    unsafe withUnsafeTemporaryAllocation(of: CChar.self, capacity: capacity + 1) { buffer in
        unsafe buffer.initialize(repeating: 0)
        guard let base = buffer.baseAddress, unsafe fill(base) >= 0 else { return nil }
        return unsafe String(cString: base)
    }
}

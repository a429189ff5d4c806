// Naru: messages between programs by the fastest valid mechanism.
// Copyright the Naru authors. Licensed under the Apache License, Version 2.0 (see LICENSE).

internal import CNaruSystem

/// Pipes without a name: bytes written to one end are read from the other. For named ones see
/// ``FileSystem/makeFIFO(_:permissions:)``; the capacities are those of both.
public enum SystemPipe {
    /// A new pipe. Its ends are close-on-exec, and non-blocking where asked: not for an end that another program gets
    /// as its standard stream, since it shares the flag.
    public static func make(nonBlocking: Bool) throws(SystemError) -> (reading: Descriptor, writing: Descriptor) {
        var reading: Int32 = -1
        var writing: Int32 = -1
        // Safe: the callee fills the two locals.
        try checked(unsafe naru_pipe(nonBlocking ? 1 : 0, &reading, &writing), "pipe2", "pipe")
        return (Descriptor(adopting: reading), Descriptor(adopting: writing))
    }

    /// How many bytes it holds before a writer has to wait.
    public static func capacity(of pipe: Descriptor) throws(SystemError) -> Int {
        Int(try checked(naru_pipe_capacity(pipe.number), "fcntl(F_GETPIPE_SZ)", pipe.name))
    }

    /// Makes it hold at least so many bytes, and returns how many it holds then.
    ///
    /// Throws `EPERM` above the host's limit or the user's pages, `EBUSY` when more is in it already.
    @discardableResult
    public static func setCapacity(of pipe: Descriptor, byteCount: Int) throws(SystemError) -> Int {
        let result = naru_set_pipe_capacity(pipe.number, Int32(clamping: byteCount))
        return Int(try checked(result, "fcntl(F_SETPIPE_SZ)", pipe.name))
    }
}

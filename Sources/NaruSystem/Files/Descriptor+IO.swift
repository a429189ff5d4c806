// Naru: messages between programs by the fastest valid mechanism.
// Copyright the Naru authors. Licensed under the Apache License, Version 2.0 (see LICENSE).

internal import CNaruSystem

extension Descriptor {
    /// The result of a call that moves bytes out.
    @inline(__always)
    private func written(_ result: Int64, _ function: StaticString) throws(SystemError) -> IOResult {
        if result >= 0 { return .bytes(Int(result)) }
        if result == -Int64(SystemErrno.again) { return .wouldBlock }
        throw failure(Int32(-result), function, name)
    }

    /// The result of a call that moves bytes in; none into a buffer that has room is the end of the file.
    @inline(__always)
    private func gotten(_ result: Int64, _ room: Int, _ function: StaticString) throws(SystemError) -> IOResult {
        if result > 0 { return .bytes(Int(result)) }
        if result == 0 { return room == 0 ? .bytes(0) : .endOfFile }
        if result == -Int64(SystemErrno.again) { return .wouldBlock }
        throw failure(Int32(-result), function, name)
    }

    // Safe, in all of the following: the caller's buffers are valid for the call, and the kernel stays within the
    // counts.

    /// Reads what is there, at most the buffer's size. Blocks unless ``setNonBlocking()`` was called.
    public func read(into buffer: UnsafeMutableRawBufferPointer) throws(SystemError) -> IOResult {
        try gotten(unsafe naru_read(number, buffer.baseAddress, buffer.count), buffer.count, "read")
    }

    /// Writes as much as there is room for. Blocks unless ``setNonBlocking()`` was called. A pipe without a reader
    /// throws `EPIPE` and raises no signal.
    public func write(_ buffer: UnsafeRawBufferPointer) throws(SystemError) -> IOResult {
        try written(unsafe naru_write(number, buffer.baseAddress, buffer.count), "write")
    }

    /// Writes two buffers in one call, for descriptors that are no sockets. As ``write(_:)``.
    public func writev(_ a: UnsafeRawBufferPointer, _ b: UnsafeRawBufferPointer) throws(SystemError) -> IOResult {
        try written(unsafe naru_write_two(number, a.baseAddress, a.count, b.baseAddress, b.count), "writev")
    }

    /// Gives a pipe the pages that hold the bytes instead of a copy, as far as it has room. Never blocks.
    ///
    /// Whoever reads the pipe is shown what the memory holds then: it must not be changed before. Throws `EPIPE`, and
    /// raises no signal, when nobody can read it. The corresponding C function is `vmsplice`, without `SPLICE_F_GIFT`.
    public func lendToPipe(_ bytes: UnsafeRawBufferPointer) throws(SystemError) -> IOResult {
        guard let start = bytes.baseAddress, bytes.count > 0 else { return .bytes(0) }
        return try written(unsafe naru_lend_to_pipe(number, start, bytes.count), "vmsplice")
    }

    /// Sends two buffers in one call through a socket; the second may be empty.
    ///
    /// Never blocks and never raises SIGPIPE, whatever the flags of the descriptor. Throws `EPIPE` or `ECONNRESET` when
    /// the peer is gone.
    public func send(_ a: UnsafeRawBufferPointer, _ b: UnsafeRawBufferPointer) throws(SystemError) -> IOResult {
        try written(unsafe naru_send_two(number, a.baseAddress, a.count, b.baseAddress, b.count), "sendmsg")
    }

    /// Receives from a socket what is there, at most the buffer's size; never blocks.
    ///
    /// On sequenced packets the rest of a longer record is lost without a word: use a buffer of the greatest size.
    public func receive(into buffer: UnsafeMutableRawBufferPointer) throws(SystemError) -> IOResult {
        try gotten(unsafe naru_receive(number, buffer.baseAddress, buffer.count), buffer.count, "recv")
    }

    /// As ``receive(into:)``, but blocks the calling thread until there is something, the end, or an error. Throws
    /// `EINTR` after a signal. ``IOResult/wouldBlock``, at once, only where the socket does not block.
    ///
    /// On Linux a thread wakes from `recv(2)` some microseconds earlier than from `poll(2)`.
    public func receiveBlocking(into buffer: UnsafeMutableRawBufferPointer) throws(SystemError) -> IOResult {
        try gotten(unsafe naru_receive_blocking(number, buffer.baseAddress, buffer.count), buffer.count, "recv")
    }

    /// Reads at a position of a file; less than the buffer's size only at its end, and 0 behind it.
    public func pread(into buffer: UnsafeMutableRawBufferPointer, at offset: Int) throws(SystemError) -> Int {
        var done = 0
        while done < buffer.count {
            let rest = unsafe UnsafeMutableRawBufferPointer(rebasing: buffer[done...])
            let count = unsafe naru_read_at(number, rest.baseAddress, rest.count, Int64(offset + done))
            if try checked(count, "pread", name) == 0 { break }
            done += Int(count)
        }
        return done
    }

    /// Writes all of a buffer at a position of a file.
    public func pwrite(_ buffer: UnsafeRawBufferPointer, at offset: Int) throws(SystemError) {
        var done = 0
        while done < buffer.count {
            let rest = unsafe UnsafeRawBufferPointer(rebasing: buffer[done...])
            let count = unsafe naru_write_at(number, rest.baseAddress, rest.count, Int64(offset + done))
            if try checked(count, "pwrite", name) == 0 { throw failure(SystemErrno.noSpace, "pwrite", name) }
            done += Int(count)
        }
    }

    /// Tells the peer of a socket that nothing more comes; it reads the end of the file after what was sent.
    public func shutdownWrite() {
        // Fails only where there is no connection to end.
        _ = naru_shutdown(number, 1)
    }

    /// Nothing more is received from a socket than has come already; whoever waits for more meets the end of the file.
    public func shutdownRead() {
        _ = naru_shutdown(number, 0)
    }

    /// Ends a socket's connection both ways, also for other holders of the same socket.
    public func shutdownBoth() {
        _ = naru_shutdown(number, 2)
    }
}

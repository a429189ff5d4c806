// Naru: messages between programs by the fastest valid mechanism.
// Copyright the Naru authors. Licensed under the Apache License, Version 2.0 (see LICENSE).

extension Descriptor {
    /// Sends bytes through a socket, in one call.
    public func send(_ bytes: [UInt8]) throws(SystemError) -> IOResult {
        // The kernel only reads the array, during the call.
        unsafe try bytes.span.bytes.withUnsafeBytes { (buffer) throws(SystemError) in
            unsafe try send(buffer, UnsafeRawBufferPointer(start: nil, count: 0))
        }
    }

    /// Receives at most `count` bytes from a socket; none where nothing is there yet, `nil` at the end of the stream.
    public func receive(upTo count: Int) throws(SystemError) -> [UInt8]? {
        var bytes = [UInt8](repeating: 0, count: count)
        // The kernel only writes into the array, during the call.
        var span = bytes.mutableSpan
        var room = unsafe span.mutableBytes
        let result = unsafe try room.withUnsafeMutableBytes { (buffer) throws(SystemError) in
            unsafe try receive(into: buffer)
        }
        switch result {
        case .bytes(let received): return Array(bytes[..<received])
        case .wouldBlock: return []
        case .endOfFile: return nil
        }
    }
}

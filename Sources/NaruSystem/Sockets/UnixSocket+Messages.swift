// Naru: messages between programs by the fastest valid mechanism.
// Copyright the Naru authors. Licensed under the Apache License, Version 2.0 (see LICENSE).

internal import CNaruSystem

extension UnixSocket {
    /// Sends bytes together with descriptors, and with this process's credentials where asked. Does not block.
    ///
    /// The descriptors stay the caller's and arrive as copies. On a stream, descriptors and credentials need at least
    /// one byte, and arrive with the first. Throws `EINVAL` above ``maximumDescriptors``, `EBADF` when one is closed,
    /// `EPIPE` when the peer is gone, `ETOOMANYREFS` when too many are under way.
    public static func send(
        _ descriptor: Descriptor, _ bytes: UnsafeRawBufferPointer, descriptors: [Descriptor], credentials: Bool
    ) throws(SystemError) -> IOResult {
        let passed = descriptors.map(\.number)
        // Safe: both buffers are valid for the call, and the kernel stays within the counts.
        let result = unsafe passed.withUnsafeBufferPointer { numbers in
            unsafe naru_send_message(
                descriptor.number, bytes.baseAddress, bytes.count, numbers.baseAddress,
                Int32(clamping: numbers.count), credentials ? 1 : 0)
        }
        // The descriptors must not be closed by their last release before the kernel has taken them.
        withExtendedLifetime(descriptors) {}
        if result == -Int64(SystemErrno.again) { return .wouldBlock }
        return .bytes(Int(try checked(result, "sendmsg", descriptor.name)))
    }

    /// Receives bytes, at most `maximumDescriptors` descriptors and, while ``passCredentials(_:_:)`` is on, the
    /// credentials of the process that sent them. Does not block.
    ///
    /// Surplus descriptors are closed. When some could not be given to this process (it has no number left) all of the
    /// message's are closed and ``Received/lostDescriptors`` says so; the bytes are given all the same. When a record
    /// did not fit into the buffer, `EMSGSIZE` is thrown and the message is lost.
    public static func receive(
        _ descriptor: Descriptor, into buffer: UnsafeMutableRawBufferPointer, maximumDescriptors: Int
    ) throws(SystemError) -> Received {
        let maximum = max(0, min(maximumDescriptors, UnixSocket.maximumDescriptors))
        var descriptors: [Descriptor] = []
        var found = naru_credentials()
        var hasCredentials: Int32 = 0
        var lost = false
        // Safe: the callee writes at most `maximum` numbers and tells how many; the caller's buffer is valid for the
        // call.
        let result = unsafe withUnsafeTemporaryAllocation(of: Int32.self, capacity: max(1, maximum)) { numbers in
            var received: Int32 = 0
            let result = unsafe naru_receive_message(
                descriptor.number, buffer.baseAddress, buffer.count, numbers.baseAddress, Int32(maximum), &received,
                &found, &hasCredentials)
            lost = received < 0
            for index in 0..<max(0, Int(received)) { descriptors.append(Descriptor(adopting: unsafe numbers[index])) }
            return result
        }
        let credentials = hasCredentials != 0 ? PeerCredentials(found) : nil
        if result == -Int64(SystemErrno.again) { return Received(result: .wouldBlock) }
        let count = Int(try checked(result, "recvmsg", descriptor.name))
        if count == 0, buffer.count > 0, descriptors.isEmpty, !lost { return Received(result: .endOfFile) }
        return Received(
            result: .bytes(count), descriptors: descriptors, credentials: credentials, lostDescriptors: lost)
    }

    /// What one receive brought.
    public struct Received: Sendable {
        /// How many bytes.
        public var result: IOResult
        /// The descriptors, this process's own from now on.
        public var descriptors: [Descriptor] = []
        /// The sender's credentials, where the kernel attached them.
        public var credentials: PeerCredentials?
        /// Whether descriptors came that this process had no number left for.
        public var lostDescriptors = false
    }
}

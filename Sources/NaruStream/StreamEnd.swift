// Naru: messages between programs by the fastest valid mechanism.
// Copyright the Naru authors. Licensed under the Apache License, Version 2.0 (see LICENSE).

public import NaruSystem
internal import Synchronization

/// What kind of descriptor carries a stream.
public enum StreamKind: Sendable {
    /// A connected stream socket. Its flags are not relied on: every call says for itself that it must not block.
    case socket
    /// A pipe or FIFO, non-blocking.
    case pipe
}

/// One end of a byte stream, shared by the lanes that use it: at most one each way.
///
/// The descriptor closes when the last of its lanes has closed. When only the outbound lane of two has closed, a
/// socket's sending side is shut down, so that the peer meets the end of the stream.
public final class StreamEnd: Sendable {
    /// The descriptor that carries the stream; closed with the last lane.
    public let descriptor: Descriptor
    /// What the descriptor is.
    public let kind: StreamKind
    /// Whether two lanes use it.
    let isShared: Bool
    private let lanes: Atomic<Int>

    /// Takes over a descriptor.
    /// - Parameters:
    ///   - descriptor: The stream; a pipe must be non-blocking.
    ///   - kind: What the descriptor is.
    ///   - lanes: How many lanes will use it, 1 or 2.
    public init(_ descriptor: Descriptor, kind: StreamKind, lanes: Int = 1) {
        precondition(lanes == 1 || lanes == 2, "a stream's end serves 1 or 2 lanes (is \(lanes))")
        self.descriptor = descriptor
        self.kind = kind
        isShared = lanes == 2
        self.lanes = Atomic(lanes)
    }

    /// Says that one lane has closed. Each lane says it once.
    func release(sending: Bool) {
        // Acquiring and releasing: the last lane's close comes after everything the other did with the descriptor.
        if lanes.subtract(1, ordering: .acquiringAndReleasing).newValue == 0 {
            descriptor.close()
        } else if sending, kind == .socket {
            descriptor.shutdownWrite()
        }
    }

    /// Writes two pieces of memory in one call, as far as the kernel takes them.
    @inline(__always)
    func write(_ first: UnsafeRawBufferPointer, _ second: UnsafeRawBufferPointer) throws(SystemError) -> IOResult {
        unsafe try Self.write(descriptor, kind, first, second)
    }

    /// Reads what there is, as far as it fits.
    @inline(__always)
    func read(into buffer: UnsafeMutableRawBufferPointer) throws(SystemError) -> IOResult {
        unsafe try Self.read(descriptor, kind, into: buffer)
    }

    /// As the method, for a descriptor that no end has taken over yet.
    @inline(__always)
    static func write(
        _ descriptor: Descriptor, _ kind: StreamKind, _ first: UnsafeRawBufferPointer, _ second: UnsafeRawBufferPointer
    ) throws(SystemError) -> IOResult {
        // The caller's memory is only read, and only during the call.
        switch kind {
        case .socket: unsafe try descriptor.send(first, second)
        case .pipe: unsafe try descriptor.writev(first, second)
        }
    }

    /// As the method, for a descriptor that no end has taken over yet.
    @inline(__always)
    static func read(
        _ descriptor: Descriptor, _ kind: StreamKind, into buffer: UnsafeMutableRawBufferPointer
    ) throws(SystemError) -> IOResult {
        // The caller's memory is only written, and only during the call.
        switch kind {
        case .socket: unsafe try descriptor.receive(into: buffer)
        case .pipe: unsafe try descriptor.read(into: buffer)
        }
    }
}

// Naru: messages between programs by the fastest valid mechanism.
// Copyright the Naru authors. Licensed under the Apache License, Version 2.0 (see LICENSE).

import NaruSystem

/// Stands between two processes that meet, and passes on what they say frame by frame, with its descriptors.
///
/// The dialer's runtime directory holds the relay's socket, the listener's its own.
final class Relay {
    /// A whole frame of one end's, not passed on yet.
    struct Frame {
        var bytes: [UInt8]
        var descriptors: [Descriptor]
        var isDialers: Bool

        /// Whether it says that its end's opening is done.
        var isReady: Bool { bytes[4] == 17 }
    }

    private struct Side {
        let socket: Descriptor
        var bytes: [UInt8] = []
        var descriptors: [Descriptor] = []

        init(_ socket: Descriptor) throws {
            self.socket = socket
            try UnixSocket.passCredentials(socket, true)
        }

        /// Reads what is there; `false` at the end.
        mutating func read() throws -> Bool {
            var chunk = [UInt8](repeating: 0, count: 65_536)
            // The buffer is the callee's for the call only.
            let received = unsafe try chunk.withUnsafeMutableBytes {
                unsafe try UnixSocket.receive(socket, into: $0, maximumDescriptors: 8)
            }
            guard case .bytes(let count) = received.result else { return received.result == .wouldBlock }
            bytes += chunk[..<count]
            descriptors += received.descriptors
            return true
        }

        /// The first whole frame.
        mutating func take(_ isDialers: Bool) -> Frame? {
            guard bytes.count >= 4 else { return nil }
            let byteCount = 4 + (0..<4).reduce(0) { $0 | Int(bytes[$1]) << (8 * $1) }
            guard bytes.count >= byteCount else { return nil }
            // A message of the plugins' says behind the link's id how many descriptors come with it.
            let isOpening = byteCount > 21 && bytes[4] == 2
            let passed = isOpening ? min(Int(bytes[21]), descriptors.count) : 0
            defer {
                bytes.removeFirst(byteCount)
                descriptors.removeFirst(passed)
            }
            return Frame(
                bytes: Array(bytes[..<byteCount]), descriptors: Array(descriptors[..<passed]), isDialers: isDialers)
        }
    }

    private let listening: Descriptor
    private let target: String
    private var dialer: Side?
    private var listener: Side?

    /// Listens at `path`, for a listener at `target`.
    init(at path: String, to target: String) throws {
        listening = try UnixSocket.listen(path: path, backlog: 8, permissions: 0o600)
        self.target = target
    }

    /// Connects the next dialer with whoever listens, which may come later.
    func connect() throws {
        let deadline = Deadline.after(.seconds(60))
        while true {
            do {
                let socket = try UnixSocket.connect(path: target)
                listener = try Side(socket)
                break
            } catch {
                guard !deadline.isPast else { throw error }
                Processor.yield()
            }
        }
        guard try !listening.poll(.readable, deadline: deadline).isEmpty, let socket = try UnixSocket.accept(listening)
        else { throw Lines.Silence(said: "no dialer") }
        dialer = try Side(socket)
    }

    /// The next whole frame of either end; `nil` when one has hung up, or nothing comes for so long.
    func next(within time: Duration = .seconds(60)) throws -> Frame? {
        let deadline = Deadline.after(time)
        while true {
            if let frame = dialer?.take(true) ?? listener?.take(false) { return frame }
            guard let one = dialer?.socket, let other = listener?.socket else { return nil }
            let (ofDialer, ofListener) = try Descriptor.pollAny(one, .readable, other, .readable, deadline: deadline)
            if ofDialer.isEmpty, ofListener.isEmpty { return nil }
            if !ofDialer.isEmpty, try dialer?.read() != true { return nil }
            if !ofListener.isEmpty, try listener?.read() != true { return nil }
        }
    }

    /// Passes a frame on, or only its beginning.
    func pass(_ frame: Frame, byteCount: Int = .max) throws {
        guard let to = frame.isDialers ? listener?.socket : dialer?.socket else { return }
        var rest = frame.bytes.prefix(byteCount)
        var descriptors = frame.descriptors
        while !rest.isEmpty {
            let part = Array(rest)
            // The bytes are the callee's for the call only.
            let result = unsafe try part.withUnsafeBytes {
                unsafe try UnixSocket.send(to, $0, descriptors: descriptors, credentials: true)
            }
            guard case .bytes(let count) = result else {
                _ = try to.poll(.writable, deadline: .after(.seconds(60)))
                continue
            }
            rest.removeFirst(count)
            descriptors = []
        }
    }

    /// Passes everything on until an end hangs up.
    func passAll() throws {
        while let frame = try next() {
            do {
                try pass(frame)
            } catch let error as SystemError where error.errno == SystemErrno.brokenPipe {
                // An end that has finished takes no more.
                continue
            }
        }
    }

    /// Hangs up on both.
    func hangUp() {
        (dialer, listener) = (nil, nil)
    }
}

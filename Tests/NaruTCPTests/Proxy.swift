// Naru: messages between programs by the fastest valid mechanism.
// Copyright the Naru authors. Licensed under the Apache License, Version 2.0 (see LICENSE).

import NaruSystem
import Synchronization
import Testing

@testable import NaruCore
@testable import NaruTCP

/// Stands between a dialer and a listener: changes the listener's invitation, and cuts the wire.
final class Proxy {
    /// What the invitation names instead.
    enum Door {
        /// A name that nobody has.
        case missing
        /// A socket that hangs up on whoever comes.
        case dead
    }

    /// Cuts every connection there is each time that so many bytes more have passed, so often.
    struct Cuts {
        var everyBytes: Int
        var count: Int
    }

    /// The wires there are.
    private final class Wires: Sendable {
        private struct State {
            var ends: [Descriptor] = []
            var passed = 0
            var cuts = 0
        }
        private let cuts: Cuts?
        private let state = Mutex(State())

        init(_ cuts: Cuts?) { self.cuts = cuts }

        func add(_ ends: [Descriptor]) {
            state.withLock { $0.ends += ends }
        }

        /// So many bytes have passed.
        func pass(_ count: Int) {
            guard let cuts else { return }
            let isDue = state.withLock { state in
                state.passed += count
                guard state.passed >= cuts.everyBytes, state.cuts < cuts.count else { return false }
                state.passed = 0
                state.cuts += 1
                return true
            }
            if isDue { cut() }
        }

        func cut() {
            let ends = state.withLock { state in
                defer { state.ends = [] }
                return state.ends
            }
            for end in ends { end.shutdownBoth() }
        }
    }

    let place: NetworkPlace
    private let wires: Wires
    private let listening: Descriptor
    private let stop: EventCounter
    private let threads: [SystemThread]

    init(target: NetworkPlace, at port: UInt16 = 0, door: Door? = nil, cuts: Cuts? = nil) throws {
        let wires = Wires(cuts)
        self.wires = wires
        let own = try #require(InetAddress("127.0.0.1", port: port))
        let listening = try TCPSocket.listen(at: own, backlog: 8)
        let port = try TCPSocket.address(of: listening).port
        place = NetworkPlace(scheme: "tcp", host: "127.0.0.1", port: port)
        let stop = try EventCounter()
        let name = "naru-test-\(LinkID.random())"
        let dead = door == .dead ? try UnixSocket.listen(abstract: name, backlog: 8) : nil
        let address = try #require(InetAddress("127.0.0.1", port: target.port))
        var threads = [
            try SystemThread(name: "proxy") {
                while let near = Self.next(listening, stop) {
                    guard let far = try? TCPSocket.connect(to: address) else { continue }
                    _ = try? far.poll(.writable, deadline: .after(.seconds(30)))
                    // Small writes are not to wait for each other.
                    for end in [near, far] { try? TCPSocket.setNoDelay(end) }
                    wires.add([near, far])
                    let named = door == nil ? nil : name
                    _ = try? SystemThread(name: "proxy-back") {
                        Self.copy(from: far, to: near, stop, wires, door: named)
                    }
                    _ = try? SystemThread(name: "proxy-forth") {
                        Self.copy(from: near, to: far, stop, wires, door: nil)
                    }
                }
            }
        ]
        if let dead {
            threads.append(
                try SystemThread(name: "dead") {
                    while let visitor = Self.next(dead, stop) { visitor.close() }
                })
        }
        (self.listening, self.stop, self.threads) = (listening, stop, threads)
    }

    /// Cuts every connection there is.
    func cut() {
        wires.cut()
    }

    func end() {
        stop.signal()
        for thread in threads { thread.join() }
        listening.close()
    }

    private static func next(_ listening: Descriptor, _ stop: EventCounter) -> Descriptor? {
        while true {
            let found = try? Descriptor.pollAny(
                listening, .readable, stop.descriptor, .readable, deadline: .never)
            guard let found, found.1.isEmpty, !found.0.isEmpty else { return nil }
            if let next = try? UnixSocket.accept(listening) { return next }
        }
    }

    /// Copies bytes until either end closes; the first frame's door is replaced where there is one to put there.
    private static func copy(
        from source: Descriptor, to target: Descriptor, _ stop: EventCounter, _ wires: Wires, door: String?
    ) {
        var isFirst = door != nil
        while true {
            let found = try? Descriptor.pollAny(
                source, .readable, stop.descriptor, .readable, deadline: .never)
            guard let found, found.1.isEmpty, !found.0.isEmpty,
                var bytes = try? source.receive(upTo: 65_536)
            else { break }
            if isFirst, let door, bytes.count > 21, bytes[4] == 18 {
                let length = 17 + door.utf8.count
                bytes = [UInt8(length), 0, 0, 0] + bytes[4..<21] + Array(door.utf8)
            }
            isFirst = false
            while !bytes.isEmpty {
                switch try? target.send(bytes) {
                case .bytes(let count)?:
                    bytes.removeFirst(count)
                    wires.pass(count)
                case .wouldBlock?: _ = try? target.poll(.writable, deadline: .never)
                default: bytes = []
                }
            }
        }
        // The other way may go on.
        target.shutdownWrite()
    }
}

// Naru: messages between programs by the fastest valid mechanism.
// Copyright the Naru authors. Licensed under the Apache License, Version 2.0 (see LICENSE).

internal import NaruCore
internal import NaruSystem
internal import Synchronization

/// Where connections that are to be lanes wait for the openings that they are for, by the token that the opening gave
/// out over the control connection.
final class LaneDesk: Sendable {
    /// One opening's place.
    final class Place: Sendable {
        let token: [UInt8]
        /// Readable once the connection is there.
        let bell: EventCounter
        private let connection = Mutex<Descriptor?>(nil)
        private let desk: LaneDesk

        fileprivate init(_ desk: LaneDesk) throws(SystemError) {
            self.desk = desk
            token = SystemRandom.bytes(Preamble.tokenBytes)
            bell = try EventCounter()
        }

        deinit {
            desk.forget(token)
        }

        fileprivate func put(_ descriptor: Descriptor) {
            connection.withLock { $0 = descriptor }
            bell.signal()
        }

        /// The connection, once it is there.
        func take() -> Descriptor? {
            bell.drain()
            return connection.withLock { connection in
                defer { connection = nil }
                return connection
            }
        }
    }

    private struct WeakPlace {
        weak var place: Place?
    }

    private let places = Mutex<[[UInt8]: WeakPlace]>([:])

    /// A place for one connection; it ends with the last reference to it.
    func reserve() throws(SystemError) -> Place {
        let place = try Place(self)
        places.withLock { $0[place.token] = WeakPlace(place: place) }
        return place
    }

    /// Gives a connection to whom it is for; `false` when nobody waits for it. A token is good once.
    func deliver(_ descriptor: Descriptor, token: [UInt8]) -> Bool {
        guard let place = places.withLock({ $0.removeValue(forKey: token) })?.place else { return false }
        place.put(descriptor)
        return true
    }

    private func forget(_ token: [UInt8]) {
        places.withLock { _ = $0.removeValue(forKey: token) }
    }
}

// Naru: messages between programs by the fastest valid mechanism.
// Copyright the Naru authors. Licensed under the Apache License, Version 2.0 (see LICENSE).

internal import NaruCore
internal import NaruSystem

/// An open POSIX semaphore.
final class PosixHandle: Semaphore {
    private let semaphore: NamedSemaphore
    private let name: String

    init(_ semaphore: NamedSemaphore, name: String) {
        self.semaphore = semaphore
        self.name = name
    }

    func take(_ count: Int, deadline: Deadline) throws(NaruError) -> Bool {
        // One by one, two processes that each want two could each hold one and wait for ever.
        guard count == 1 else {
            throw NaruError(
                .unsupported, operation: "take from", object: name, reason: "POSIX semaphores give one at a time",
                remedy: "use transport semaphore")
        }
        do {
            return try semaphore.take(deadline: deadline)
        } catch {
            throw NaruError(error, operation: "take from", object: name)
        }
    }

    /// There is no way to wait that does not take: what was taken is given back at once.
    func awaitValue(_ count: Int, deadline: Deadline) throws(NaruError) -> Bool {
        guard try take(count, deadline: deadline) else { return false }
        try give(count)
        return true
    }

    func give(_ count: Int) throws(NaruError) {
        var left = count
        while left > 0 {
            do {
                try semaphore.post()
            } catch {
                guard error.errno == SystemErrno.overflow else {
                    throw NaruError(error, operation: "add to", object: name)
                }
                throw NaruError(
                    .resourceExhausted, operation: "add to", object: name,
                    reason: "it cannot count above \(NamedSemaphore.maximumValue)", errno: error.errno,
                    remedy: "take what was posted")
            }
            left -= 1
        }
    }

    func value() throws(NaruError) -> Int {
        do {
            return try semaphore.value()
        } catch {
            throw NaruError(error, operation: "look at", object: name)
        }
    }
}

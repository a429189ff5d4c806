// Naru: messages between programs by the fastest valid mechanism.
// Copyright the Naru authors. Licensed under the Apache License, Version 2.0 (see LICENSE).

internal import NaruCore
internal import NaruSystem

/// An open System V semaphore. Permits are taken and given with undo, so that the two cancel out in what the kernel
/// keeps for this process; signals without.
final class SystemVHandle: Semaphore {
    private let set: SystemVSemaphore
    private let name: String
    private let undo: Bool

    init(_ set: SystemVSemaphore, name: String, undo: Bool) {
        self.set = set
        self.name = name
        self.undo = undo
    }

    func take(_ count: Int, deadline: Deadline) throws(NaruError) -> Bool {
        do {
            return try set.take(count, undo: undo, deadline: deadline)
        } catch {
            throw told(error, "take from")
        }
    }

    func awaitValue(_ count: Int, deadline: Deadline) throws(NaruError) -> Bool {
        do {
            return try set.awaitValue(count, deadline: deadline)
        } catch {
            throw told(error, "wait for")
        }
    }

    func give(_ count: Int) throws(NaruError) {
        do {
            try set.add(count, undo: undo)
        } catch {
            throw told(error, "add to")
        }
    }

    func value() throws(NaruError) -> Int {
        do {
            return try set.status().value
        } catch {
            throw told(error, "look at")
        }
    }

    private func told(_ error: SystemError, _ operation: String) -> NaruError {
        switch error.errno {
        case SystemErrno.removed, SystemErrno.invalid:
            // A number that means nothing any more is EINVAL: the set went before the call, not during it.
            NaruError(
                .removed, operation: operation, object: name, reason: "somebody removed its semaphore set",
                errno: error.errno, remedy: "open it again")
        case SystemErrno.outOfRange:
            NaruError(
                .resourceExhausted, operation: operation, object: name,
                reason: "it cannot count above \(SystemVSemaphore.maximumValue)", errno: error.errno,
                remedy: "take what was posted, or use posix-semaphore")
        default: NaruError(error, operation: operation, object: name)
        }
    }
}

// Naru: messages between programs by the fastest valid mechanism.
// Copyright the Naru authors. Licensed under the Apache License, Version 2.0 (see LICENSE).

public import NaruSystem

/// A mechanism that synchronises and carries no bytes: a kind of semaphore. It is a ``NamedSignalMechanism`` or an
/// ``AnonymousSignalMechanism``.
///
/// There is no peer to agree with: whoever opens the semaphore of a name attaches to what is there, or makes it. Its
/// record has the direction `signal`, says in ``CapabilityRecord/releasesOnDeath`` whether what a process holds goes
/// back when it dies, and lists the property of that name where it does.
public protocol SignalMechanism: Mechanism {}

/// Semaphores that have a name. Who may make and remove which, and when, is the business of ``DurableObjects``; the
/// plugin makes, finds and removes bare semaphores.
public protocol NamedSignalMechanism: SignalMechanism, DurableMedium {
    /// What the semaphore that is to be made for a link is to be known by in the kernel. It is written down before the
    /// semaphore is made, so that what a maker leaves that dies in between is found.
    func object(for link: String) -> String

    /// Opens a semaphore that is there. It was made by ``DurableMedium/make(_:)`` with what its
    /// ``SemaphoreTerms`` say.
    /// - Throws: ``NaruError/Code/removed`` when it is gone, ``NaruError/Code/refused`` when it is another user's.
    func open(_ record: DurableRecord, _ terms: SemaphoreTerms) throws(NaruError) -> any Semaphore
}

extension NamedSignalMechanism {
    /// "2 pending", "1 of 3 available".
    public func detail(of record: DurableRecord) -> String? {
        guard let terms = SemaphoreTerms(record), let value = try? open(record, terms).value() else { return nil }
        return terms.use == .signal ? "\(value) pending" : "\(value) of \(terms.count) available"
    }
}

/// Semaphores without a name, which are handed to another process by a descriptor.
public protocol AnonymousSignalMechanism: SignalMechanism {
    /// Makes a semaphore.
    func make(_ terms: SemaphoreTerms) throws(NaruError) -> any Semaphore

    /// Opens one that another process made. The descriptor comes from outside and may be of anything; it is kept.
    /// - Throws: ``NaruError/Code/refused`` when it is none.
    func adopt(_ descriptor: Descriptor) throws(NaruError) -> (semaphore: any Semaphore, terms: SemaphoreTerms)
}

/// A semaphore, open: a number that is never below 0. Safe to use from any number of threads. It is closed with the
/// last reference.
public protocol Semaphore: AnyObject, Sendable {
    /// Takes `count`, at least 1, at once, or nothing. Blocks the calling thread until it holds that much or the
    /// deadline comes, and may return early with nothing; a past deadline never blocks.
    /// - Returns: whether it was taken.
    /// - Throws: ``NaruError/Code/removed`` when the semaphore was removed, also during the wait;
    ///   ``NaruError/Code/unsupported`` for more than 1 where the mechanism cannot take that at once.
    func take(_ count: Int, deadline: Deadline) throws(NaruError) -> Bool

    /// Waits until it holds `count` and takes nothing: others may take it before the caller can. Blocks the calling
    /// thread until then or the deadline, and may return early.
    /// - Returns: whether it may hold that much.
    /// - Throws: as ``take(_:deadline:)``.
    func awaitValue(_ count: Int, deadline: Deadline) throws(NaruError) -> Bool

    /// Adds `count`, at least 1. Of permits: what this process took before.
    /// - Throws: ``NaruError/Code/resourceExhausted`` when it would hold more than it can; ``NaruError/Code/removed``.
    func give(_ count: Int) throws(NaruError)

    /// What it holds now.
    func value() throws(NaruError) -> Int

    /// What to hand to another process, for one without a name.
    var descriptor: Descriptor? { get }
}

extension Semaphore {
    /// None: it has a name.
    public var descriptor: Descriptor? { nil }
}

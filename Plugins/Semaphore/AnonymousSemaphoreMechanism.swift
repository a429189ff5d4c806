// Naru: messages between programs by the fastest valid mechanism.
// Copyright the Naru authors. Licensed under the Apache License, Version 2.0 (see LICENSE).

public import NaruCore
public import NaruSystem

/// Semaphores without a name: a count in a memory file, for the tasks and threads of one process and for processes that
/// are handed the descriptor. Nothing can be left of them.
///
/// Not the C library's `sem_t`, which is an object of its threads and must not lie in memory that others write: a futex
/// word needs no trust in what it holds, its waits end at a deadline of the monotonic clock, and several can be taken
/// at once. What a holder took stays taken when it dies.
public struct AnonymousSemaphoreMechanism: AnonymousSignalMechanism {
    /// The mechanism.
    public init() {}

    /// `anonymous-semaphore`.
    public var name: TransportName { .anonymousSemaphore }

    /// Makes a semaphore and uses it.
    public func probe() -> CapabilityRecord {
        CapabilityRecord(
            transport: name, localities: [.sameProcess, .relatedProcess, .sameHost], directions: [.signal],
            agreements: [.attached], survivesSenderDeath: true, waitModes: [.power], requiresSameUser: true,
            releasesOnDeath: false, onlyByName: true, availability: availability())
    }

    private func availability() -> Availability {
        do throws(NaruError) {
            let semaphore = try WordSemaphore(SemaphoreTerms(use: .signal, count: 0))
            try semaphore.give(1)
            _ = try semaphore.take(1, deadline: .now)
            return .available
        } catch {
            return .refused(
                reason: error.reason, remedy: error.remedy ?? "allow memfd_create and futex in the seccomp profile")
        }
    }

    /// Makes a memory file.
    public func make(_ terms: SemaphoreTerms) throws(NaruError) -> any Semaphore { try WordSemaphore(terms) }

    /// Checks type, size, seals and contents before it maps it.
    public func adopt(_ descriptor: Descriptor) throws(NaruError) -> (semaphore: any Semaphore, terms: SemaphoreTerms) {
        let semaphore = try WordSemaphore(adopting: descriptor)
        return (semaphore, semaphore.terms)
    }
}

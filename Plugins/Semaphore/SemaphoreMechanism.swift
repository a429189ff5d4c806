// Naru: messages between programs by the fastest valid mechanism.
// Copyright the Naru authors. Licensed under the Apache License, Version 2.0 (see LICENSE).

public import NaruCore
internal import NaruSystem

/// System V semaphores: what a process took as permits, the kernel gives back when it dies (`SEM_UNDO`); what was
/// posted as a signal stays, which is why signals are not undone.
///
/// A semaphore is a set of one under a random key that its sidecar names. Its count is the kernel's: no process can
/// write it but by operations. Whoever waits when it is removed is told so (`EIDRM`).
public struct SemaphoreMechanism: NamedSignalMechanism {
    /// The mechanism.
    public init() {}

    /// `semaphore`.
    public var name: TransportName { .semaphore }
    /// Sets go with the host's start.
    public var survivesRestart: Bool { false }

    /// Tries whether the kernel answers for semaphores, and whether there is room for another. Makes none, because
    /// nobody would find one whose maker is killed at that moment.
    public func probe() -> CapabilityRecord {
        CapabilityRecord(
            transport: name, localities: [.sameProcess, .relatedProcess, .sameHost], directions: [.signal],
            properties: [.persistent, .releasesOnDeath], agreements: [.attached], survivesSenderDeath: true,
            waitModes: [.power], requiresSameUser: true, sharedNamespaces: ["ipc", "mnt"], releasesOnDeath: true,
            availability: availability())
    }

    private func availability() -> Availability {
        do {
            _ = try SystemVSemaphore.find(key: Key.random().number)
        } catch {
            guard error.errno == SystemErrno.notFound || error.errno == SystemErrno.accessDenied else {
                return .refused(
                    reason: error.description, remedy: "allow semget, semctl and semtimedop in the seccomp profile")
            }
        }
        if let limits = SystemVSemaphore.limits, limits.setsInUse >= limits.sets {
            return .refused(
                reason: "all \(limits.sets) semaphore sets of the host are in use", remedy: Self.moreSets)
        }
        return .available
    }

    static let moreSets =
        "raise the fourth number of kernel.sem with sysctl, or remove sets that nobody uses (`ipcs -s`, `naru clean`)"

    /// A random key: names may be longer than a key has bits.
    public func object(for link: String) -> String { Key.random().text }

    /// Makes the set and gives it its count by its first operation, so that one that was not made to its end is known.
    public func make(_ record: DurableRecord) throws(NaruError) {
        let key = try Key(record)
        guard let terms = SemaphoreTerms(record) else { throw Key.unreadable(record) }
        do throws(SystemError) {
            let set = try SystemVSemaphore.make(key: key.number)
            do throws(SystemError) {
                try set.settle(holding: terms.count)
            } catch {
                try? set.remove()
                throw error
            }
        } catch {
            switch error.errno {
            case SystemErrno.exists:
                throw NaruError(
                    .busy, operation: "make", object: record.name, reason: "\(key.text) is taken", errno: error.errno,
                    remedy: "try again: another key is chosen")
            case SystemErrno.noSpace:
                throw NaruError(
                    .resourceExhausted, operation: "make", object: record.name,
                    reason: "the host's semaphore sets are used up", errno: error.errno, remedy: Self.moreSets)
            default: throw NaruError(error, operation: "make", object: record.name)
            }
        }
    }

    /// Whether there is a ready set of this user's.
    public func exists(_ record: DurableRecord) throws(NaruError) -> Bool {
        guard let set = try find(record) else { return false }
        return (try? set.status())?.isReady ?? false
    }

    /// Removes the set; whoever waits for it is told.
    public func remove(_ record: DurableRecord) throws(NaruError) {
        guard let set = try find(record) else { return }
        do {
            try set.remove()
        } catch {
            if error.errno == SystemErrno.removed || error.errno == SystemErrno.invalid { return }
            throw NaruError(error, operation: "remove", object: record.name)
        }
    }

    /// Opens the set by its number.
    public func open(_ record: DurableRecord, _ terms: SemaphoreTerms) throws(NaruError) -> any Semaphore {
        guard let set = try find(record) else {
            throw NaruError(
                .removed, operation: "open", object: record.name, reason: "its semaphore set was removed",
                remedy: "open it again")
        }
        return SystemVHandle(set, name: record.name, undo: terms.use == .permits)
    }

    /// The set of the record's key, if it is this user's and such as this plugin makes.
    private func find(_ record: DurableRecord) throws(NaruError) -> SystemVSemaphore? {
        let key = try Key(record)
        do throws(SystemError) {
            let set = try SystemVSemaphore.find(key: key.number)
            let status = try set.status()
            return HostInformation.isOwnUser(status.creatorID) && status.count == 1 ? set : nil
        } catch {
            switch error.errno {
            case SystemErrno.notFound, SystemErrno.removed, SystemErrno.invalid, SystemErrno.accessDenied: return nil
            default: throw NaruError(error, operation: "find", object: record.name)
            }
        }
    }
}

/// A key of System V, and how a sidecar writes it: `key 1234`.
struct Key {
    let number: Int32

    /// Never 0, which stands for none.
    static func random() -> Key { Key(number: Int32(truncatingIfNeeded: SystemRandom.word() >> 33) | 1) }

    private init(number: Int32) { self.number = number }

    /// The key of a sidecar, which may hold anything.
    init(_ record: DurableRecord) throws(NaruError) {
        guard record.object.hasPrefix("key "), let number = Int32(record.object.dropFirst(4)), number > 0 else {
            throw Self.unreadable(record)
        }
        self.number = number
    }

    var text: String { "key \(number)" }

    static func unreadable(_ record: DurableRecord) -> NaruError {
        NaruError(
            .corrupted, operation: "read", object: record.name, reason: "its sidecar does not say what it is",
            remedy: "remove it with `naru clean --durable` when nobody uses it")
    }
}

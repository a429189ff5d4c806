// Naru: messages between programs by the fastest valid mechanism.
// Copyright the Naru authors. Licensed under the Apache License, Version 2.0 (see LICENSE).

public import NaruCore
internal import NaruSystem

/// POSIX semaphores with a name: what a process took stays taken when it dies, until everybody who uses the name is
/// gone.
///
/// The cheapest where nobody has to wait: no system call. Used only where it is asked for, because the count lies in
/// memory that every process of the user can map and write, because a dead holder's permit is lost, and because whoever
/// waits is not told of a removal.
public struct PosixSemaphoreMechanism: NamedSignalMechanism {
    /// The mechanism.
    public init() {}

    /// `posix-semaphore`.
    public var name: TransportName { .posixSemaphore }
    /// They lie in memory.
    public var survivesRestart: Bool { false }

    /// Looks whether there is a place for semaphores, and makes none.
    public func probe() -> CapabilityRecord {
        CapabilityRecord(
            transport: name, localities: [.sameProcess, .relatedProcess, .sameHost], directions: [.signal],
            properties: [.persistent], agreements: [.attached], survivesSenderDeath: true, waitModes: [.power],
            requiresSameUser: true, sharedNamespaces: ["mnt"], releasesOnDeath: false, onlyByName: true,
            availability: availability())
    }

    private func availability() -> Availability {
        do throws(SystemError) {
            let free = try FileSystem.freeSpace("/dev/shm")
            guard free >= UInt64(HostInformation.pageBytes) else {
                return .refused(reason: "/dev/shm is full", remedy: "free space there")
            }
            return .available
        } catch {
            return .refused(reason: error.description, remedy: "mount a tmpfs at /dev/shm")
        }
    }

    /// The semaphore's name, with its slash: the durable one of the link.
    public func object(for link: String) -> String { "/" + DurableRecord.name(of: link) }

    /// Makes it in one step: it appears under its name with its count.
    public func make(_ record: DurableRecord) throws(NaruError) {
        let path = try checkedName(record)
        guard let terms = SemaphoreTerms(record) else { throw Key.unreadable(record) }
        do {
            _ = try NamedSemaphore.make(path, value: terms.count)
        } catch {
            guard error.errno == SystemErrno.exists else {
                throw NaruError(error, operation: "make", object: record.name)
            }
            throw NaruError(
                .refused, operation: "make", object: record.name,
                reason: "\(NamedSemaphore.path(of: path)) is there and no sidecar tells of it", errno: error.errno,
                remedy: "remove it when nobody uses it")
        }
    }

    /// Whether there is one of this user's.
    public func exists(_ record: DurableRecord) throws(NaruError) -> Bool { isOwn(try checkedName(record)) }

    /// Removes the name. Whoever has it open goes on with what nobody else can find.
    public func remove(_ record: DurableRecord) throws(NaruError) {
        let path = try checkedName(record)
        guard isOwn(path) else { return }
        do {
            try NamedSemaphore.remove(path)
        } catch {
            if error.errno != SystemErrno.notFound { throw NaruError(error, operation: "remove", object: record.name) }
        }
    }

    /// Maps it.
    public func open(_ record: DurableRecord, _ terms: SemaphoreTerms) throws(NaruError) -> any Semaphore {
        let path = try checkedName(record)
        do {
            let semaphore = try NamedSemaphore.find(path)
            // Looked at after it was opened: a name of another user's may stand in that folder, which all can write.
            if isOwn(path) { return PosixHandle(semaphore, name: record.name) }
        } catch {
            guard error.errno == SystemErrno.notFound else {
                throw NaruError(error, operation: "open", object: record.name)
            }
        }
        throw NaruError(
            .removed, operation: "open", object: record.name,
            reason: "\(NamedSemaphore.path(of: path)) is gone, or is not one's own", remedy: "open it again")
    }

    /// The name in a sidecar, which may hold anything.
    private func checkedName(_ record: DurableRecord) throws(NaruError) -> String {
        let name = record.object
        guard name.hasPrefix("/naru-"), !name.dropFirst().contains("/"), name.utf8.count <= 120 else {
            throw Key.unreadable(record)
        }
        return name
    }

    private func isOwn(_ name: String) -> Bool {
        guard let status = try? FileSystem.status(NamedSemaphore.path(of: name), followingSymbolicLinks: false) else {
            return false
        }
        return status.kind == .regular && HostInformation.isOwnUser(status.userID) && status.permissions & 0o077 == 0
    }
}

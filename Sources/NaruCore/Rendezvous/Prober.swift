// Naru: messages between programs by the fastest valid mechanism.
// Copyright the Naru authors. Licensed under the Apache License, Version 2.0 (see LICENSE).

internal import NaruSystem
internal import Synchronization

/// Probes mechanisms one after another, on a thread of its own, so that one whose probe hangs keeps nobody: it is
/// refused, and another thread goes on behind it.
///
/// A thread that hangs inside a plugin cannot be ended from outside. It is left to end by itself when the probe
/// returns, and then does nothing more; ``Runtime/shutdown()`` joins it if it has ended by then, and says so in the log
/// if not.
final class Prober: Sendable {
    /// How long one probe may take.
    static let bound = Duration.seconds(1)

    /// What the thread and its prober share.
    private final class Desk: Sendable {
        let records = Mailbox<CapabilityRecord>()
        // Relaxed, both: neither orders anything; who joins sees everything.
        let isAbandoned = Atomic(false)
        let hasEnded = Atomic(false)
    }

    private let desk: Desk
    private let thread: SystemThread
    /// The mechanism whose probe did not return.
    let hanging: TransportName

    private init(_ desk: Desk, _ thread: SystemThread, hanging: TransportName) {
        self.desk = desk
        self.thread = thread
        self.hanging = hanging
    }

    /// Joins the thread if it has ended; whether it has.
    func join() -> Bool {
        guard desk.hasEnded.load(ordering: .relaxed) else { return false }
        thread.join()
        return true
    }

    /// Probes all of them. Blocks, for each that hangs ``bound``.
    /// - Returns: a record for each, in order, and the threads that hang.
    static func probe(_ mechanisms: [any Mechanism]) -> (records: [CapabilityRecord], hanging: [Prober]) {
        var records: [CapabilityRecord] = []
        var hanging: [Prober] = []
        while records.count < mechanisms.count {
            let rest = Array(mechanisms.dropFirst(records.count))
            let desk = Desk()
            guard let thread = start(rest, desk) else {
                // No thread to be had: what must be known is found out here.
                records += rest.map(record(of:))
                break
            }
            while records.count < mechanisms.count, let record = next(desk) { records.append(record) }
            if records.count == mechanisms.count {
                thread.join()
                break
            }
            desk.isAbandoned.store(true, ordering: .relaxed)
            let name = mechanisms[records.count].name
            hanging.append(Prober(desk, thread, hanging: name))
            records.append(refused(name, "its probe did not return within \(bound.components.seconds) s"))
        }
        return (records, hanging)
    }

    private static func start(_ mechanisms: [any Mechanism], _ desk: Desk) -> SystemThread? {
        try? SystemThread(name: "naru-probe") {
            for mechanism in mechanisms {
                desk.records.put(record(of: mechanism))
                if desk.isAbandoned.load(ordering: .relaxed) { break }
            }
            desk.hasEnded.store(true, ordering: .relaxed)
        }
    }

    /// The next record; `nil` when none came in time. The kernel refusing to wait counts as that.
    private static func next(_ desk: Desk) -> CapabilityRecord? {
        (try? desk.records.waitBlocking(deadline: .after(bound), "probe", "transport")) ?? nil
    }

    /// What a plugin says of itself, or that what it says cannot be used: one that is wrong must not hide the others.
    private static func record(of mechanism: any Mechanism) -> CapabilityRecord {
        let record = mechanism.probe()
        do {
            _ = try record.validated()
            guard record.transport != mechanism.name else { return record }
            return refused(mechanism.name, "its record names \(record.transport)")
        } catch {
            return refused(mechanism.name, "its record is not valid: \(error)")
        }
    }

    private static func refused(_ name: TransportName, _ reason: String) -> CapabilityRecord {
        CapabilityRecord(
            transport: name, localities: [], directions: [],
            availability: .refused(reason: reason, remedy: "mend the plugin"))
    }
}

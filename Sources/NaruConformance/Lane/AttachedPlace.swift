// Naru: messages between programs by the fastest valid mechanism.
// Copyright the Naru authors. Licensed under the Apache License, Version 2.0 (see LICENSE).

internal import NaruCore
internal import NaruSystem

/// A medium of the kit's own to which ends attach: a folder for its sidecar, and a name that nobody else uses.
final class AttachedPlace: Sendable {
    let subject: Subject
    let directory: String
    let link: String
    let reactor: Reactor

    init(_ subject: Subject) throws {
        self.subject = subject
        let id = String(SystemRandom.word(), radix: 36)
        let folder = HostInformation.environment("TMPDIR") ?? "/tmp"
        directory = "\(folder)/naru-kit-\(id)"
        link = "kit-\(id)"
        reactor = try Reactor(name: "naru-kit")
        try FileSystem.makeDirectory(directory, permissions: 0o700)
    }

    deinit {
        remove()
        reactor.shutdown()
    }

    /// The direction of links of two ends.
    var direction: Direction { subject.record.directions.contains(.simplex) ? .simplex : .queue }

    /// One end.
    func attach(sends: Bool, _ direction: Direction) throws -> Lanes {
        guard let transport = subject.transport as? any AttachableTransport else {
            throw Complaint("the record says that it attaches, and the plugin is no AttachableTransport")
        }
        let request = AttachRequest(
            medium: .link(name: link),
            requirements: Requirements(
                transports: [subject.transport.name], must: [.persistent], direction: direction),
            sends: sends, receives: !sends, directories: RuntimeDirectories([directory]), reactor: reactor)
        for _ in 0..<1000 {
            if case .attached(let attachment) = try transport.attach(request) {
                try expect(attachment.delivery != .taken, "it says that finish() returns taken, and nobody answers")
                return attachment.lanes
            }
            Processor.yield()
        }
        throw Complaint("it is not there yet, however often one asks")
    }

    /// A sender's and a receiver's.
    func lanes() throws -> (Lanes, Lanes) {
        (try attach(sends: true, direction), try attach(sends: false, direction))
    }

    /// Removes the medium, once nobody holds it, and the folder.
    func remove() {
        Self.remove(directory, subject)
    }

    static func remove(_ directory: String, _ subject: Subject) {
        for entry in DurableObjects.list(in: RuntimeDirectories([directory])) {
            _ = try? DurableObjects.remove(entry, subject.transport as? any DurableMedium)
        }
        for name in (try? FileSystem.list(directory)) ?? [] { try? FileSystem.remove("\(directory)/\(name)") }
        try? FileSystem.removeDirectory(directory)
    }
}

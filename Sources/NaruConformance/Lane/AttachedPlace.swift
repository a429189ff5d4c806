// Naru: messages between programs by the fastest valid mechanism.
// Copyright the Naru authors. Licensed under the Apache License, Version 2.0 (see LICENSE).

internal import NaruCore
internal import NaruSystem

/// A medium of the kit's own to which ends attach: a folder for its sidecar, and a name that nobody else uses.
final class AttachedPlace: Sendable {
    let subject: Subject
    private let folder: BenchFolder
    let link: String
    let reactor: Reactor

    init(_ subject: Subject) throws {
        self.subject = subject
        reactor = try Reactor(name: "naru-kit")
        folder = try BenchFolder()
        link = "kit-\(folder.id)"
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
            sends: sends, receives: !sends, directories: folder.directories, reactor: reactor)
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
        folder.removeObjects(of: subject.transport)
        try? folder.remove()
    }
}

// Naru: messages between programs by the fastest valid mechanism.
// Copyright the Naru authors. Licensed under the Apache License, Version 2.0 (see LICENSE).

extension Runtime {
    /// The mechanisms of this runtime whose objects have names and outlive their users, by name: what
    /// ``DurableObjects`` needs to remove one.
    public var durableMedia: [TransportName: any DurableMedium] {
        var media: [TransportName: any DurableMedium] = [:]
        for record in records { media[record.transport] = transport(record.transport) as? any DurableMedium }
        return media
    }

    /// Removes what the medium of a link holds, and the medium: a queue with its messages.
    /// - Returns: whether there was one that nobody holds; one that somebody holds is left as it is.
    /// - Throws: ``NaruError/Code/unsupported`` where this build lacks the mechanism whose object it is, what the
    ///   kernel refused.
    public func removeMedium(of link: String) throws(NaruError) -> Bool {
        try checkFork("remove", link)
        let name = DurableRecord.name(of: link)
        var isRemoved = false
        for entry in DurableObjects.list(in: directories) where entry.path.hasSuffix("/\(name).object") {
            let medium = entry.record.flatMap { durableMedia[$0.kind] }
            guard medium != nil || entry.record == nil else {
                throw NaruError(
                    .unsupported, operation: "remove", object: name,
                    reason: "this build has no \(entry.record?.kind.rawValue ?? "plugin"), whose object it is")
            }
            if try DurableObjects.remove(entry, medium) { isRemoved = true }
        }
        return isRemoved
    }
}

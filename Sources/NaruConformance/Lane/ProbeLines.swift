// Naru: messages between programs by the fastest valid mechanism.
// Copyright the Naru authors. Licensed under the Apache License, Version 2.0 (see LICENSE).

internal import NaruCore

extension Conformance {
    /// What a plugin says of itself.
    static let probeLines: [ConformanceLine] = [
        .lane("probe.record", "What the mechanism can do on this host, measured or tried, not assumed.") { subject in
            do {
                _ = try subject.record.validated()
            } catch {
                throw Complaint("the record is not valid: \(error)")
            }
            try expectEqual(subject.record.transport, subject.transport.name, "the record's transport")
            try expect(subject.transport.name.isWellFormed, "the name does not match [a-z0-9-]{1,64}")
            try expect(
                !subject.record.agreements.contains(.attached) || subject.transport is any AttachableTransport,
                "the record says that it attaches, and the plugin is no AttachableTransport")
            try expectEqual(subject.transport.probe(), subject.record, "a second probe")
            return .passed
        },
        .lane(
            "probe.refusal",
            "What it cannot do is said in the record's availability, with reason and remedy."
        ) { subject in
            guard case .refused(let reason, let remedy) = subject.record.availability else {
                return .inapplicable(reason: "this host permits it")
            }
            try expect(!reason.isEmpty, "the refusal has no reason")
            try expect(!remedy.isEmpty, "the refusal has no remedy")
            return .passed
        },
        .lane(
            "probe.leaves-nothing", alone: true,
            "Must not throw, must not leave anything behind, should return within a second."
        ) { subject in
            try ProcessResources.expectNoGrowth(rounds: 256) { _ in _ = subject.transport.probe() }
            return .passed
        },
    ]
}

// Naru: messages between programs by the fastest valid mechanism.
// Copyright the Naru authors. Licensed under the Apache License, Version 2.0 (see LICENSE).

internal import NaruCore
internal import NaruSystem

extension Conformance {
    /// How a plugin opens.
    static let openingLines: [ConformanceLine] = [
        .lane(
            "opening.lanes",
            """
            Both ends call open(_:) with the same agreement and their own role, and step the Opening until it yields \
            lanes.
            """
        ) { subject in
            for shape in shapes(of: subject) {
                let bench = try OpeningBench(subject, shape)
                // What openings made goes before its folder does.
                defer { withExtendedLifetime(bench) {} }
                var driver = try OpeningDriver(subject, bench)
                guard case .opened(let dialer, let listener) = driver.run() else {
                    throw Complaint("the openings of a \(shape) link do not yield lanes")
                }
                let (sends, receives) = (shape != .backward, shape != .forward)
                try expectEqual(dialer.outbound != nil, sends, "whether the dialer of a \(shape) link sends")
                try expectEqual(listener.inbound != nil, sends, "whether the listener of a \(shape) link receives")
                try expectEqual(dialer.inbound != nil, receives, "whether the dialer of a \(shape) link receives")
                try expectEqual(listener.outbound != nil, receives, "whether the listener of a \(shape) link sends")
                for lanes in [dialer, listener] {
                    lanes.outbound?.close()
                    lanes.inbound?.close()
                }
            }
            return .passed
        },
        .lane(
            "opening.directions",
            "The lanes from the dialer to the listener, and the lanes from the listener to the dialer."
        ) { subject in
            for shape in shapes(of: subject) {
                let bench = try LaneBench(subject, shape)
                try bench.exchange((0..<20).map { Record($0, byteCount: min($0 * 3, bench.maximumTried)) })
            }
            return .passed
        },
        .lane("opening.alone", "Must not block; may create what this end sends through.") { subject in
            for role in [Role.dialer, .listener] {
                let bench = try OpeningBench(subject)
                // What openings made goes before its folder does.
                defer { withExtendedLifetime(bench) {} }
                let opening = try subject.transport.open(bench.request(role))
                // The other end does not exist: the opening comes to a point where it waits, and says so.
                for _ in 0..<100 {
                    guard case .send = try opening.advance(.proceed) else { break }
                }
            }
            return .passed
        },
        .lane("opening.message-bounds", "Opaque to the core, at most 16 KiB. At most eight descriptors.") { subject in
            for shape in shapes(of: subject) {
                let bench = try OpeningBench(subject, shape)
                defer { withExtendedLifetime(bench) {} }
                var driver = try OpeningDriver(subject, bench)
                guard case .opened = driver.run() else { throw Complaint("the openings do not yield lanes") }
                for (role, message) in driver.messages {
                    try expect(
                        message.bytes.count <= 16_384, "a message of the \(role) has \(message.bytes.count) bytes")
                    try expect(
                        message.descriptors.count <= 8,
                        "a message of the \(role) has \(message.descriptors.count) descriptors")
                }
            }
            return .passed
        },
        .lane("opening.dropped", alone: true, "Dropping an opening releases everything it made.") { subject in
            let bench = try OpeningBench(subject, .duplexWhereThereIs(subject))
            // What openings made goes before its folder does.
            defer { withExtendedLifetime(bench) {} }
            var whole = try OpeningDriver(subject, bench)
            guard case .opened = whole.run() else { throw Complaint("the openings do not yield lanes") }
            let steps = whole.steps
            whole.dropAll()
            for limit in 0..<steps {
                try ProcessResources.expectNoGrowth(rounds: 96) { _ in
                    var driver = try OpeningDriver(subject, bench)
                    driver.maximumSteps = limit
                    driver.patience = .zero
                    if case .opened = driver.run() { throw Complaint("opened in \(limit) of \(steps) steps") }
                }
                try bench.expectNothingLeft()
            }
            return .passed
        },
        .lane("opening.released", alone: true, "The lanes that an opening yields; this end owns them.") { subject in
            try ProcessResources.expectNoGrowth(rounds: 96) { _ in
                let bench = try LaneBench(subject, .duplexWhereThereIs(subject))
                try bench.exchange([Record(1, byteCount: 8)])
            }
            return .passed
        },
        .lane(
            "opening.many",
            "Both ends call open with the same agreement; agreements do not disturb each other."
        ) { subject in
            let benches = try (0..<8).map { _ in try LaneBench(subject) }
            for (index, bench) in benches.enumerated() {
                try bench.exchange((0..<10).map { Record(index * 100 + $0, byteCount: min(40, bench.maximumTried)) })
            }
            for (index, bench) in benches.enumerated() where index % 2 == 0 { bench.close() }
            for (index, bench) in benches.enumerated() where index % 2 == 1 {
                try bench.exchange((0..<10).map { Record(index * 100 + $0, byteCount: min(40, bench.maximumTried)) })
            }
            return .passed
        },
    ]

    /// The shapes of link that a transport carries.
    static func shapes(of subject: Subject) -> [OpeningBench.Shape] {
        (subject.record.directions.contains(.simplex) ? [.forward, .backward] : [])
            + (subject.record.directions.contains(.duplex) ? [.duplex] : [])
    }
}

extension OpeningBench.Shape {
    /// Duplex, so that both ways are tried at once; simplex where the transport has no duplex.
    static func duplexWhereThereIs(_ subject: Subject) -> OpeningBench.Shape {
        subject.record.directions.contains(.duplex) ? .duplex : .forward
    }
}

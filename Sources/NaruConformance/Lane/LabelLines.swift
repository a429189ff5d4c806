// Naru: messages between programs by the fastest valid mechanism.
// Copyright the Naru authors. Licensed under the Apache License, Version 2.0 (see LICENSE).

internal import NaruCore

extension Conformance {
    /// Labels of records.
    static let labelLines: [ConformanceLine] = [
        .lane(
            "lane.label.priority",
            """
            setLabel(_:) labels the records accepted from then on, whatever is refused or waits in between. label is \
            that of the record lent last, also inside the closure that it is lent to.
            """
        ) { subject in
            let bench = try LaneBench(subject)
            guard try bench.keepsLabels(.priority) else {
                return .inapplicable(reason: "it gives records in the order in which they were sent")
            }
            for (index, priority) in [0, 3, 1, 3].enumerated() {
                try bench.outbound.setLabel(MessageLabel(priority: priority))
                try expectError(.unsupported, "a label with a type") {
                    try bench.outbound.setLabel(MessageLabel(priority: 9, type: 9))
                }
                try expect(try bench.outbound.trySend(Record(index, byteCount: 8)), "an empty lane has no room")
            }
            _ = try bench.outbound.flush()
            try bench.expectLabelled([(1, 3), (3, 3), (2, 1), (0, 0)]) { $0.priority }
            try expectError(.unsupported, "a choice by type") { try bench.inbound.select(.type(1)) }
            try bench.expectNothingMore("after all were taken")
            return .passed
        },
        .lane(
            "lane.label.type",
            """
            select(_:) says which records are given from then on; one that was lent and left comes first all the \
            same.
            """
        ) { subject in
            let bench = try LaneBench(subject)
            guard try bench.keepsLabels(.selective) else {
                try expectError(.unsupported, "a choice by type") { try bench.inbound.select(.type(1)) }
                return .inapplicable(reason: "it gives records in its own order only")
            }
            for (index, type) in [4, 2, 4, 3, 2].enumerated() {
                try bench.outbound.setLabel(MessageLabel(type: type))
                try expect(try bench.outbound.trySend(Record(index, byteCount: 8)), "an empty lane has no room")
            }
            _ = try bench.outbound.flush()
            try expectEqual(try bench.inbound.drain(1) { _ in .leaveAndStop }, 0, "the count of a drain that leaves")
            try bench.inbound.select(.type(2))
            try bench.expectLabelled([(0, 4), (1, 2), (4, 2)]) { $0.type }
            try bench.expectNothingMore("of a type of which there is none")
            try bench.inbound.select(.lowestType(upTo: 3))
            try bench.expectLabelled([(3, 3)]) { $0.type }
            for wrong in [MessageSelection.type(0), .lowestType(upTo: -1)] {
                try expectError(.invalidArgument, "a type below 1") { try bench.inbound.select(wrong) }
            }
            try bench.inbound.select(.all)
            try bench.expectLabelled([(2, 4)]) { $0.type }
            return .passed
        },
    ]
}

extension LaneBench {
    /// Whether the lanes have labels of a kind. Those that have none refuse every label but the plain one.
    func keepsLabels(_ property: Property) throws -> Bool {
        try outbound.setLabel(MessageLabel())
        if properties.contains(property), !endsWithSender { return true }
        let label = property == .priority ? MessageLabel(priority: 1) : MessageLabel(type: 1)
        try expectError(.unsupported, "a label of a kind that its record does not have") {
            try outbound.setLabel(label)
        }
        return false
    }

    /// Complains unless these records come next, each with its label.
    func expectLabelled(_ expected: [(index: Int, value: Int)], _ value: (MessageLabel) -> Int) throws {
        for (index, label) in expected {
            var complaint: (any Error)?
            let count = try inbound.drain(1) { record in
                do {
                    try expect(Payload.matches(record.bytes, index, 8), "another record than \(index) comes")
                    try expectEqual(value(inbound.label), label, "the label of record \(index)")
                } catch {
                    complaint = error
                }
                return .take
            }
            if let complaint { throw complaint }
            try expectEqual(count, 1, "records when \(index) should come")
        }
    }
}

// Naru: messages between programs by the fastest valid mechanism.
// Copyright the Naru authors. Licensed under the Apache License, Version 2.0 (see LICENSE).

internal import NaruCore
internal import NaruSystem

/// Two runtimes in one process with one transport, a folder of their own, and a link's name that nobody else uses, in
/// which ends attach to a medium.
final class AttachedBench: Sendable {
    let one: Runtime
    let other: Runtime
    let subject: Subject
    let address: Address
    private let folder: BenchFolder

    private init(_ subject: Subject) throws {
        self.subject = subject
        folder = try BenchFolder()
        address = .local(name: "kit-\(folder.id)")
        (one, other) = try folder.runtimes([subject.transport])
    }

    /// Runs `body` with a bench, which ends with it, and its medium too.
    static func run(
        _ subject: Subject, _ direction: Direction? = nil, _ body: (AttachedBench) async throws -> Void
    ) async throws -> ConformanceOutcome {
        if let direction, !subject.record.directions.contains(direction) {
            return .inapplicable(reason: "it does not carry \(direction)")
        }
        let bench = try await Worker.run { try AttachedBench(subject) }
        let result: Result<Void, any Error>
        do {
            result = .success(try await body(bench))
        } catch {
            result = .failure(error)
        }
        try await bench.end()
        try result.get()
        return .passed
    }

    private func end() async throws {
        try await Worker.run { [self] in
            one.shutdown()
            other.shutdown()
            let isHeld = folder.entries.contains { $0.isAlive }
            folder.removeObjects(of: subject.transport)
            try folder.remove()
            try expect(!isHeld, "an end that was closed, or whose runtime was shut down, still holds the medium")
        }
    }

    /// The direction of links of two ends.
    var direction: Direction { subject.record.directions.contains(.simplex) ? .simplex : .queue }

    /// What an end asks for.
    func request(_ direction: Direction? = nil, _ must: [Property] = []) -> LinkRequest {
        LinkRequest(
            requirements: Requirements(
                transports: [subject.transport.name], must: [.persistent] + must,
                direction: direction ?? self.direction, wait: .power, messageBytes: 64, maximumMessageBytes: 4 << 20),
            compression: .off)
    }

    /// A sender of the first runtime.
    func sender(_ direction: Direction? = nil) async throws -> Sender {
        try await one.sender(address, request(direction), deadline: Limit.wait)
    }

    /// A receiver of the second.
    func receiver(_ direction: Direction? = nil) async throws -> Receiver {
        try await other.receiver(address, request(direction), deadline: Limit.wait)
    }
}

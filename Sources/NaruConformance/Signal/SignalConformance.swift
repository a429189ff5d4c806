// Naru: messages between programs by the fastest valid mechanism.
// Copyright the Naru authors. Licensed under the Apache License, Version 2.0 (see LICENSE).

public import NaruCore

/// One thing that a mechanism that synchronises must do, and a test of it.
public struct SignalConformanceLine: Sendable, Identifiable, CustomStringConvertible {
    /// The line's name, stable: `signal.counted`.
    public let id: String
    /// The sentence of the contract.
    public let contract: String

    let isAlone: Bool
    let body: @Sendable (SignalSubject) async throws -> ConformanceOutcome

    /// The line's name.
    public var description: String { id }

    init(
        _ id: String, alone: Bool = false, _ contract: String,
        _ body: @escaping @Sendable (SignalSubject) async throws -> ConformanceOutcome
    ) {
        self.id = id
        self.contract = contract
        isAlone = alone
        self.body = body
    }
}

/// What a line tests.
struct SignalSubject: Sendable {
    let mechanism: any SignalMechanism
    let record: CapabilityRecord

    /// Complains in the line's stead that it does not concern a mechanism without names.
    func requireNames() throws {
        guard mechanism is any NamedSignalMechanism else { throw NotApplicable("its semaphores have no names") }
    }
}

extension Conformance {
    /// Every line for mechanisms that synchronise: in a plugin's test target,
    ///
    ///     @Test(arguments: Conformance.signalLines) func line(_ line: SignalConformanceLine) async throws {
    ///         try await Conformance.check(line, of: SemaphoreMechanism())
    ///     }
    public static let signalLines: [SignalConformanceLine] =
        signalRecordLines + signalCountLines + signalWaitLines + permitLines + signalPlaceLines

    /// Tests one line and prints it where it does not apply.
    /// - Throws: ``ConformanceFailure``.
    @discardableResult
    public static func check(
        _ line: SignalConformanceLine, of mechanism: any SignalMechanism
    ) async throws -> ConformanceOutcome {
        let outcome = try await run(line, mechanism)
        if case .inapplicable(let reason) = outcome {
            print("\(mechanism.name) \(line.id) is inapplicable: \(reason)")
        }
        return outcome
    }

    /// Tests one line. May take seconds; blocks no thread of Swift's.
    public static func run(
        _ line: SignalConformanceLine, _ mechanism: any SignalMechanism
    ) async throws -> ConformanceOutcome {
        let subject = SignalSubject(mechanism: mechanism, record: mechanism.probe())
        if case .refused(let reason, let remedy) = subject.record.availability, line.id != "signal.record" {
            return .inapplicable(reason: "not available on this host: \(reason) (\(remedy))")
        }
        do {
            return try await Gate.lines.pass(alone: line.isAlone) { try await line.body(subject) }
        } catch let error as NotApplicable {
            return .inapplicable(reason: error.reason)
        } catch {
            let message = (error as? Complaint)?.description ?? "unexpected error: \(error)"
            throw ConformanceFailure(
                line: line.id, contract: line.contract, mechanism: mechanism.name.rawValue, message: message)
        }
    }
}

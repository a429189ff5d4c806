// Naru: messages between programs by the fastest valid mechanism.
// Copyright the Naru authors. Licensed under the Apache License, Version 2.0 (see LICENSE).

public import NaruCore

/// The battery of tests that any transport must pass.
///
/// In a plugin's test target, with Swift Testing:
///
///     @Suite struct SharedMemoryConformance {
///         @Test(arguments: Conformance.lines) func line(_ line: ConformanceLine) async throws {
///             try await Conformance.check(line, of: SharedMemoryTransport())
///         }
///     }
///
/// The kit needs no test framework: a line that fails throws ``ConformanceFailure``. A line that does not apply to a
/// transport says why, and is never passed over in silence.
public enum Conformance {
    /// Every line, in the order in which a plugin's author will want them to pass.
    public static let lines: [ConformanceLine] =
        probeLines + openingLines + hostileOpeningLines + sendingLines + loanLines + receivingLines
        + borrowingLines + waitingLines + closingLines + sizeLines + sendLines + endLines + insideLines + orderLines
        + lifeLines + nameLines + codecLines + historyLines

    /// The line of this name.
    public static func line(_ id: String) -> ConformanceLine? {
        lines.first { $0.id == id }
    }

    /// Tests one line. May take seconds; blocks no thread of Swift's.
    ///
    /// Called for many lines at once, as test frameworks do, it lets a few of them run at a time, and those that count
    /// what the process holds alone.
    /// - Parameters:
    ///   - line: What to test.
    ///   - transport: The transport, configured as it will be used.
    ///   - patience: How long a lane's waiter sleeps before its wake-up counts as lost.
    /// - Returns: That it passed, or why it does not apply.
    /// - Throws: ``ConformanceFailure``.
    public static func run(
        _ line: ConformanceLine, _ transport: any Transport, patience: Duration = .seconds(20)
    ) async throws -> ConformanceOutcome {
        let subject = Subject(transport: transport, record: transport.probe(), patience: patience)
        if let reason = reasonNotToRun(line, subject.record) { return .inapplicable(reason: reason) }
        do {
            return try await Gate.lines.pass(alone: line.isAlone) { try await line.body(subject) }
        } catch let error as NotApplicable {
            return .inapplicable(reason: error.reason)
        } catch {
            let message = (error as? Complaint)?.description ?? "unexpected error: \(error)"
            throw ConformanceFailure(line: line, transport: transport.name.rawValue, message: message)
        }
    }

    /// Tests one line and prints it where it does not apply.
    /// - Throws: ``ConformanceFailure``.
    @discardableResult
    public static func check(
        _ line: ConformanceLine, of transport: any Transport
    ) async throws -> ConformanceOutcome {
        let outcome = try await run(line, transport)
        if case .inapplicable(let reason) = outcome {
            print("\(transport.name) \(line.id) is inapplicable: \(reason)")
        }
        return outcome
    }

    /// Tests every line, one after the other.
    public static func report(of transport: any Transport) async -> ConformanceReport {
        var rows: [ConformanceReport.Row] = []
        for line in lines {
            do {
                rows.append(ConformanceReport.Row(line: line, result: .success(try await run(line, transport))))
            } catch {
                let failure =
                    error as? ConformanceFailure
                    ?? ConformanceFailure(line: line, transport: transport.name.rawValue, message: "\(error)")
                rows.append(ConformanceReport.Row(line: line, result: .failure(failure)))
            }
        }
        return ConformanceReport(transport: transport.name, rows: rows)
    }

    /// Why a whole battery does not concern a transport.
    private static func reasonNotToRun(_ line: ConformanceLine, _ record: CapabilityRecord) -> String? {
        if line.id.hasPrefix("probe.") { return nil }
        if case .refused(let reason, let remedy) = record.availability {
            return "not available on this host: \(reason) (\(remedy))"
        }
        guard record.agreements.contains(.negotiated) else {
            return "its agreements are attached, not negotiated: there is no peer to open it with"
        }
        guard record.directions.contains(.simplex) || record.directions.contains(.duplex) else {
            return "it carries neither simplex nor duplex"
        }
        guard line.battery == .link else { return nil }
        guard record.localities.contains(.sameProcess) else {
            let reach = record.localities.map(\.rawValue).joined(separator: ", ")
            return "it reaches \(reach), and the two ends of the kit's links share a process"
        }
        return nil
    }
}

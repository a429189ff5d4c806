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
        + borrowingLines + waitingLines + labelLines + closingLines + sizeLines + sendLines + endLines + insideLines
        + orderLines + lifeLines + nameLines + codecLines + historyLines + attachedLines

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
    ///   - way: How the ends come to an agreement, for a transport that has both ways: test it in each. By default the
    ///     first that its record names.
    ///   - patience: How long a lane's waiter sleeps before its wake-up counts as lost.
    /// - Returns: That it passed, or why it does not apply.
    /// - Throws: ``ConformanceFailure``.
    public static func run(
        _ line: ConformanceLine, _ transport: any Transport, way: AgreementKind? = nil,
        patience: Duration = .seconds(20)
    ) async throws -> ConformanceOutcome {
        let record = transport.probe()
        let subject = Subject(
            transport: transport, record: record, way: way ?? record.agreements.first ?? .negotiated,
            patience: patience)
        if let reason = reasonNotToRun(line, subject) { return .inapplicable(reason: reason) }
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
        _ line: ConformanceLine, of transport: any Transport, way: AgreementKind? = nil
    ) async throws -> ConformanceOutcome {
        let outcome = try await run(line, transport, way: way)
        if case .inapplicable(let reason) = outcome {
            let manner = way.map { " (\($0))" } ?? ""
            print("\(transport.name)\(manner) \(line.id) is inapplicable: \(reason)")
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
    private static func reasonNotToRun(_ line: ConformanceLine, _ subject: Subject) -> String? {
        let record = subject.record
        if line.id.hasPrefix("probe.") { return nil }
        if case .refused(let reason, let remedy) = record.availability {
            return "not available on this host: \(reason) (\(remedy))"
        }
        guard record.agreements.contains(subject.way) else { return "its record has no agreement \(subject.way)" }
        let isAttachedLine = line.id.hasPrefix("attached.")
        if subject.way == .attached {
            guard subject.transport is any AttachableTransport else {
                return "its record says that it attaches, and the plugin cannot (probe.record fails)"
            }
            guard record.directions.contains(.simplex) || record.directions.contains(.queue) else {
                return "it carries neither simplex nor queue"
            }
            return isAttachedLine ? nil : reasonNotAttached(line)
        }
        guard record.directions.contains(.simplex) || record.directions.contains(.duplex) else {
            return "it carries neither simplex nor duplex"
        }
        guard line.battery == .link else { return nil }
        guard !isAttachedLine else { return "its links are negotiated: the medium holds no agreement" }
        guard record.localities.contains(.sameProcess) else {
            let reach = record.localities.map(\.rawValue).joined(separator: ", ")
            return "it reaches \(reach), and the two ends of the kit's links share a process"
        }
        return nil
    }

    /// Why a line about negotiated links does not concern one that is attached to its medium.
    private static func reasonNotAttached(_ line: ConformanceLine) -> String? {
        if line.id.hasPrefix("opening.") {
            return "its links are attached: nothing is opened with a peer"
        }
        if line.battery == .link { return "its links are attached: there is no peer (attached.* tests what there is)" }
        switch line.id {
        case "lane.violation":
            return "its links are attached: what the medium holds cannot be changed by way of an opening"
        case "lane.ended.receiver", "lane.ended.sender", "lane.close.handed-over", "lane.close.loan":
            return "its links are attached: a medium that keeps messages does not end with one of its ends"
        default: return nil
        }
    }
}

// Naru: messages between programs by the fastest valid mechanism.
// Copyright the Naru authors. Licensed under the Apache License, Version 2.0 (see LICENSE).

import ArgumentParser
import Naru
import NaruSystem

/// One end of a measurement, in a process of its own. Started by ``BenchCommand``; prints one line.
struct BenchEndCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(commandName: "bench-end", shouldDisplay: false)

    @OptionGroup var plan: BenchCase
    /// Which end; none: both, in this process.
    @Option var end: BenchEnd?
    /// The private folder in which the ends meet.
    @Option var folder: String

    func run() async throws {
        if let end { try Processor.pin(to: plan.cores.core(of: end)) }
        // Who starts a measurement at a priority of their choice means the ends.
        try? Processor.sharePriority(ofParent: true)
        let outcome = try await Self.measure(plan, end, folder)
        try Console.print(outcome.line)
    }

    // Concurrent, so that nothing of a measurement runs on the main actor.
    @concurrent
    private static func measure(_ plan: BenchCase, _ end: BenchEnd?, _ folder: String) async throws -> BenchOutcome {
        var environment = ["NARU_RUNTIME_DIR": folder]
        environment[InheritedEnds.variable] = HostInformation.environment(InheritedEnds.variable)
        let naru = try await Naru(
            sources: ConfigurationSources(environment: environment, workingDirectory: folder),
            logger: .command(quiet: true))
        var settings = try naru.settings(for: "bench")
        try settings.set("direction", to: .text("duplex"), source: "bench")
        try settings.set("transports", to: .list([plan.transport]), source: "--transport")
        try settings.set("wait", to: .text(plan.wait.rawValue), source: "--wait")
        try settings.set("messageBytes", to: .number(plan.size), source: "--size")
        try settings.set("compression", to: .text(plan.compression), source: "--compression")
        let outcome: BenchOutcome
        do {
            outcome =
                TransportName(plan.transport) == .pipe
                ? try await runRelated(plan, end, naru, settings, folder) : try await run(plan, end, naru, settings)
        } catch {
            await naru.shutdown()
            throw error
        }
        await naru.shutdown()
        return outcome
    }

    private static func run(
        _ plan: BenchCase, _ end: BenchEnd?, _ naru: Naru, _ settings: LinkSettings
    ) async throws -> BenchOutcome {
        switch end {
        case .client?:
            return try await client(plan, naru, settings)
        case .server?:
            return try await server(plan, naru, try naru.listener(settings, direction: .duplex))
        case nil:
            let listener = try naru.listener(settings, direction: .duplex)
            async let other = server(plan, naru, listener)
            var own = try await client(plan, naru, settings)
            own.combine(try await other)
            return own
        }
    }

    /// Over a pipe: the client starts the server, and puts together what both measured.
    private static func runRelated(
        _ plan: BenchCase, _ end: BenchEnd?, _ naru: Naru, _ settings: LinkSettings, _ folder: String
    ) async throws -> BenchOutcome {
        if plan.pattern == .connect { throw ConnectBench.notOfAChild }
        if end == .server {
            return try await loop(plan, .server, naru, Channel.split(try await naru.channel(settings)))
        }
        let (output, childOutput) = try SystemPipe.make(nonBlocking: false)
        let child = try naru.start(
            ChildProgram(
                ChildProcess.executablePath,
                ["bench-end"] + plan.arguments + ["--folder", folder, "--end", BenchEnd.server.rawValue],
                links: ["bench"], standardOutput: childOutput))
        childOutput.close()
        let channel = try await naru.channel(settings, with: child)
        let mechanism = channel.control.agreement.transport.rawValue
        var outcome = try await loop(plan, .client, naru, Channel.split(channel))
        outcome.mechanism = mechanism
        guard try await child.waitForEnd() == .exited(0), let other = try BenchOutcome(from: output) else {
            throw BenchFailure.endedEarly
        }
        outcome.combine(other)
        return outcome
    }

    private static func client(
        _ plan: BenchCase, _ naru: Naru, _ settings: LinkSettings
    ) async throws -> BenchOutcome {
        if plan.pattern == .connect { return try await ConnectBench.client(plan, naru, settings) }
        let channel = try await naru.channel(settings)
        let mechanism = channel.control.agreement.transport.rawValue
        var outcome = try await loop(plan, .client, naru, Channel.split(channel))
        outcome.mechanism = mechanism
        return outcome
    }

    private static func server(_ plan: BenchCase, _ naru: Naru, _ listener: Listener) async throws -> BenchOutcome {
        if plan.pattern == .connect { return try await ConnectBench.server(plan, listener) }
        guard let channel = try await listener.nextChannel(deadline: .after(.seconds(30))) else {
            throw BenchFailure.endedEarly
        }
        return try await loop(plan, .server, naru, Channel.split(channel))
    }

    private static func loop(
        _ plan: BenchCase, _ end: BenchEnd, _ naru: Naru, _ halves: Channel.Halves
    ) async throws -> BenchOutcome {
        if plan.form == .executor {
            let executor = try naru.runtime.makeExecutor()
            return try await withTaskExecutorPreference(executor) {
                guard let sender = halves.takeSender(), let receiver = halves.takeReceiver() else {
                    throw BenchFailure.endedEarly
                }
                return try await AsyncBench(plan, sender: sender, receiver: receiver).run(end)
            }
        }
        guard plan.form == .blocking else {
            guard let sender = halves.takeSender(), let receiver = halves.takeReceiver() else {
                throw BenchFailure.endedEarly
            }
            return try await AsyncBench(plan, sender: sender, receiver: receiver).run(end)
        }
        return try await withCheckedThrowingContinuation { continuation in
            let work: @Sendable () -> Void = {
                continuation.resume(
                    with: Result {
                        try Processor.pin(to: plan.cores.core(of: end))
                        try? Processor.sharePriority(ofParent: false)
                        guard let sender = halves.takeSender(), let receiver = halves.takeReceiver() else {
                            throw BenchFailure.endedEarly
                        }
                        return try BlockingBench(plan, sender: sender, receiver: receiver).run(end)
                    })
            }
            do throws(SystemError) {
                _ = try SystemThread(name: "naru-bench", work)
            } catch {
                continuation.resume(throwing: NaruError(error, operation: "start", object: "thread"))
            }
        }
    }
}

// Naru: messages between programs by the fastest valid mechanism.
// Copyright the Naru authors. Licensed under the Apache License, Version 2.0 (see LICENSE).

public import Configuration
public import Logging
internal import NaruSystem
internal import Synchronization

/// A program's way to its links: the configuration, the transports of this build, and the one thread that watches.
///
/// ```swift
/// let naru = try await Naru()
/// let sender = try await naru.sender("frames")
/// ```
///
/// The values of a link come from the application's own providers, then the environment, then the configuration file,
/// then the defaults. Only making a `Naru` reads environment and file; both are as they were then.
///
/// The thread that watches ends with ``shutdown()``, or with the last of the `Naru` and its endpoints.
public final class Naru: Sendable {
    /// What every link of this `Naru` shares.
    public let runtime: Runtime
    /// What is wrong with the environment or the file without being an error: unknown keys, each with the nearest
    /// known one. Each was logged once.
    /// Also what is wrong with the links that the process should have inherited.
    public var warnings: [String] { layers.warnings.map(\.text) + notInherited }

    private let layers: Layers
    private let notInherited: [String]
    private let logged = Mutex<Set<String>>([])
    // Relaxed: it orders nothing, it only turns use after the end into an error.
    private let isShutDown = Atomic(false)

    /// Reads the configuration, probes the transports and starts the thread that watches.
    ///
    /// - Parameters:
    ///   - application: the program's own providers, the first the strongest; they are asked for `links.NAME.KEY`
    ///     each time a link's settings are needed, and come before everything else.
    ///   - sources: where environment and configuration file are taken from.
    ///   - transports: the plugins that carry messages.
    ///   - signals: the plugins that synchronise.
    ///   - codecs: the codec plugins.
    ///   - costs: what the selector ranks by.
    ///   - logger: for what an operator should know.
    /// - Throws: ``NaruCore/NaruError/Code/invalidConfiguration`` for a file that cannot be read or does not parse,
    ///   ``NaruCore/NaruError/Code/resourceExhausted`` or ``NaruCore/NaruError/Code/system`` when the thread cannot
    ///   start.
    public init(
        application: [any ConfigProvider] = [], sources: ConfigurationSources = .standard,
        transports: [any Transport] = Naru.transports, signals: [any SignalMechanism] = Naru.signals,
        codecs: [any Codec] = Naru.codecs,
        costs: CostTable = .shipped, logger: Logger = Logger(label: "naru")
    ) async throws(NaruError) {
        layers = try Layers(application: application, sources: sources)
        let (inherited, problems) = InheritedEnds.adopt(sources.environment[InheritedEnds.variable] ?? "")
        notInherited = problems
        runtime = try Runtime(
            transports: transports, signals: signals, codecs: codecs, costs: costs,
            directories: sources.directories, inherited: inherited, logger: logger)
        log(warnings)
    }

    /// What the configuration says of a link, each value with its source.
    ///
    /// A name that the process inherited from the one that started it is at `inherited:NAME`, unless the configuration
    /// gives it an address.
    ///
    /// - Parameter link: a name of the configuration, or an address; `local:NAME` has the settings of NAME, at that
    ///   address, and `inherited:` those of the only link that was inherited. `nil`: the defaults alone.
    /// - Throws: ``NaruCore/NaruError/Code/invalidConfiguration`` naming source and key of a value that does not
    ///   parse, ``NaruCore/NaruError/Code/invalidArgument`` or ``NaruCore/NaruError/Code/unsupported`` for something
    ///   that is neither name nor address.
    public func settings(for link: String?) throws(NaruError) -> LinkSettings {
        let vocabulary = Vocabulary(records: runtime.records, codecs: runtime.codecs)
        guard let link else { return LinkSettings(vocabulary: vocabulary) }
        let address = try named(try Address(parsing: link))
        guard let name = address.configurationName else {
            // An object of another program has no settings but the defaults.
            return LinkSettings(name: address.name, address: address, vocabulary: vocabulary)
        }
        var settings = LinkSettings(name: name, address: address, vocabulary: vocabulary)
        for warning in layers.warnings where warning.concerns(name) { settings.warnings.append(warning.text) }
        for key in LinkKey.allCases {
            guard let found = try layers.value(of: key, link: name) else { continue }
            try settings.apply(found.value, to: key, source: found.source, place: found.place)
        }
        if link.contains(":") {
            settings.fix(address)
        } else if runtime.inheritedLinks.contains(name) {
            settings.inherit()
        }
        log(settings.warnings)
        return settings
    }

    /// An address with the link's name, where it was left out.
    private func named(_ address: Address) throws(NaruError) -> Address {
        guard address == .inherited(name: "") else { return address }
        let links = runtime.inheritedLinks
        if links.count == 1, let only = links.first { return .inherited(name: only) }
        throw NaruError(
            .invalidArgument, operation: "open", object: "inherited:",
            reason: links.isEmpty
                ? "this process inherited no link" : "it inherited several: \(links.joined(separator: ", "))",
            remedy: links.isEmpty ? "start it with one" : "name one, as inherited:\(links[0])")
    }

    /// What would be decided for a link and why, with the source of each value: a dry run without a peer.
    ///
    /// - Parameters:
    ///   - link: as in ``settings(for:)``.
    ///   - locality: where the other end is taken to be.
    /// - Throws: as ``settings(for:)``.
    public func explain(_ link: String?, locality: Locality = .sameHost) throws(NaruError) -> Explanation {
        explain(try settings(for: link), locality: locality)
    }

    /// What would be decided for these settings and why.
    public func explain(_ settings: LinkSettings, locality: Locality = .sameHost) -> Explanation {
        var notes = settings.warnings
        if !layers.application.isEmpty, settings.name != nil {
            let names = layers.application.map(\.providerName).joined(separator: ", ")
            notes.append("the application's own configuration (\(names)) comes first; its keys cannot be checked")
        }
        return Explanation(
            settings: settings, decision: runtime.explain(settings.request.requirements, locality: locality),
            warnings: notes)
    }

    /// Ends every link and the thread that watches. Idempotent. Holds none of Swift's threads while it waits.
    public func shutdown() async {
        await withCheckedContinuation { continuation in
            let finish: @Sendable () -> Void = {
                self.blocking.shutdown()
                continuation.resume()
            }
            // The wait is for a thread that never waits itself: where none can be started for it, it is short enough.
            if (try? SystemThread(name: "naru-shutdown", finish)) == nil { finish() }
        }
    }

    /// As ``shutdown()``; blocks the calling thread.
    func shutdownBlocking() {
        isShutDown.store(true, ordering: .relaxed)
        runtime.shutdown()
    }

    /// What an endpoint is made of: address and request, once the settings are found to suit it.
    func endpoint(
        _ link: LinkSettings, _ shape: LinkSettings.Shape, operation: String
    ) throws(NaruError) -> (Address, LinkRequest) {
        try checkRunning(operation, link.name ?? "a link")
        return try link.endpoint(shape, operation: operation)
    }

    /// - Throws: ``NaruCore/NaruError/Code/closed`` after a shutdown.
    func checkRunning(_ operation: String, _ object: String) throws(NaruError) {
        guard isShutDown.load(ordering: .relaxed) else { return }
        throw NaruError(.closed, operation: operation, object: object, reason: "this Naru was shut down")
    }

    /// Logs each of these once in the life of this `Naru`.
    private func log(_ warnings: [String]) {
        let fresh = logged.withLock { logged in warnings.filter { logged.insert($0).inserted } }
        for warning in fresh { runtime.logger.warning("\(warning)") }
    }
}

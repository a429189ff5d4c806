// Naru: messages between programs by the fastest valid mechanism.
// Copyright the Naru authors. Licensed under the Apache License, Version 2.0 (see LICENSE).

public import Logging
public import NaruSystem
internal import Synchronization

/// What every link of one program shares: the mechanisms, the codecs, the costs, and the one thread that watches
/// descriptors, deadlines and handshakes.
///
/// The core knows no mechanism; whoever makes a runtime gives it the plugins. Every thread of Naru's belongs to a
/// runtime and ends in ``shutdown()``.
public final class Runtime: Sendable {
    /// The thread that watches.
    public let reactor: Reactor
    /// What each mechanism can do on this host, probed when the runtime was made.
    public let records: [CapabilityRecord]
    /// The costs the selector ranks by.
    public let costs: CostTable
    /// The codecs of this build, by name.
    public let codecs: [String: any Codec]
    /// Where links on this host meet.
    public let directories: RuntimeDirectories
    /// The links that this process inherited from the one that started it, by name.
    let inherited: [String: RelatedEnd]
    /// Where the runtime says what an operator should know.
    public let logger: Logger

    /// The processes at the other ends of the links.
    let processes: PeerProcesses
    /// What was said and heard while negotiating.
    let memo = HandshakeMemo()
    /// Who this process says it is: as it was when the runtime was made.
    private let claim = ProcessClaim.current()
    private let transports: [TransportName: any Transport]
    private let signals: [TransportName: any SignalMechanism]
    /// Threads that hang in a plugin's probe.
    private let hangingProbes: [Prober]
    private let endings = Mutex(Endings())

    /// What a shutdown has to end: open links, listeners, dials.
    private struct Endings {
        var actions: [ObjectIdentifier: @Sendable () -> Void] = [:]
        /// Ended after everything else: their threads may be waiting for a link.
        var executors: [WaitingExecutor] = []
        /// Threads that the actions told to end, each with how to wait for it.
        var threads: [ObjectIdentifier: @Sendable () -> Void] = [:]
        var isShutDown = false
    }

    /// Probes the mechanisms and starts the reactor's thread.
    ///
    /// One whose probe does not return within a second is refused, and hides no other.
    /// - Parameters:
    ///   - transports: the plugins that carry messages, each with a name of its own.
    ///   - signals: the plugins that synchronise.
    ///   - codecs: the codec plugins.
    ///   - costs: what the selector ranks by.
    ///   - directories: where links on this host meet.
    ///   - inherited: the links that this process inherited from the one that started it, by name; see
    ///     ``InheritedEnds``.
    ///   - logger: for what an operator should know.
    /// - Throws: ``NaruError/Code/resourceExhausted`` or ``NaruError/Code/system`` when the reactor cannot start,
    ///   ``NaruError/Code/invalidArgument`` when two plugins have one name.
    public init(
        transports: [any Transport], signals: [any SignalMechanism] = [], codecs: [any Codec] = [],
        costs: CostTable = .shipped, directories: RuntimeDirectories = .standard(),
        inherited: [String: RelatedEnd] = [:], logger: Logger
    ) throws(NaruError) {
        let mechanisms: [any Mechanism] = transports + signals
        try Self.checkNames(mechanisms)
        self.transports = Dictionary(uniqueKeysWithValues: transports.map { ($0.name, $0) })
        self.signals = Dictionary(uniqueKeysWithValues: signals.map { ($0.name, $0) })
        self.codecs = Dictionary(codecs.map { ($0.name, $0) }, uniquingKeysWith: { first, _ in first })
        self.costs = costs
        self.directories = directories
        self.inherited = inherited
        self.logger = logger
        do {
            reactor = try Reactor(name: "naru")
        } catch {
            throw NaruError(error, operation: "start", object: "reactor")
        }
        processes = PeerProcesses(reactor: reactor)
        (records, hangingProbes) = Prober.probe(mechanisms)
        for prober in hangingProbes {
            logger.warning("the probe of \(prober.hanging) hangs; the transport is left out")
        }
    }

    deinit {
        reactor.shutdown()
    }

    private static func checkNames(_ mechanisms: [any Mechanism]) throws(NaruError) {
        var names: Set<TransportName> = []
        for mechanism in mechanisms where !names.insert(mechanism.name).inserted {
            throw NaruError(
                .invalidArgument, operation: "register", object: mechanism.name.rawValue,
                reason: "two plugins have this name", remedy: "register each transport once")
        }
    }

    /// The plugin of this name.
    func transport(_ name: TransportName) -> (any Transport)? {
        transports[name]
    }

    /// The plugin of this name that synchronises.
    func signal(_ name: TransportName) -> (any SignalMechanism)? {
        signals[name]
    }

    /// Every plugin, transports first.
    var mechanisms: [any Mechanism] {
        records.compactMap { transports[$0.transport] ?? signals[$0.transport] }
    }

    /// Closes every link, listener, dial, signal and permit of the runtime, then ends its thread. What waits throws
    /// ``NaruError/Code/closed``, and so does every later call. Idempotent. Blocks until the thread has ended.
    ///
    /// The one thread that may go on is one that hangs in a plugin's probe: nothing can end it but the probe's return.
    /// The log names the plugin.
    ///
    /// In a forked child it does nothing, and touches nothing of the parent's.
    public func shutdown() {
        if isForked { return }
        let (actions, executors) = endings.withLock { endings in
            endings.isShutDown = true
            defer { (endings.actions, endings.executors) = ([:], []) }
            return (endings.actions, endings.executors)
        }
        for action in actions.values { action() }
        // After all of them were told, so that they end together.
        for wait in endings.withLock({ $0.threads }).values { wait() }
        for executor in executors { executor.end() }
        reactor.shutdown()
        for prober in hangingProbes where !prober.join() {
            logger.warning("the probe of \(prober.hanging) still hangs; its thread ends when it returns")
        }
    }

    /// Whether this process was forked from the one that made the runtime.
    var isForked: Bool { reactor.forkGuard.isForked }

    /// - Throws: ``NaruError/Code/forked`` in a forked child.
    func checkFork(_ operation: String, _ name: String) throws(NaruError) {
        if isForked { throw .forked(operation, "local:\(name)") }
    }

    /// What everything that waits throws after a shutdown.
    static let shutDown = NaruError(.closed, operation: "use", object: "runtime", reason: "it was shut down")

    /// Remembers an executor, to end it on shutdown when nothing is left for its thread to wait for.
    /// - Throws: ``NaruError/Code/closed`` after a shutdown.
    func remember(_ executor: WaitingExecutor) throws(NaruError) {
        let isShutDown = endings.withLock { endings in
            if !endings.isShutDown { endings.executors.append(executor) }
            return endings.isShutDown
        }
        if isShutDown { throw Self.shutDown }
    }

    /// Remembers how to end something on shutdown.
    /// - Throws: ``NaruError/Code/closed`` after a shutdown.
    func remember(_ id: ObjectIdentifier, _ end: @escaping @Sendable () -> Void) throws(NaruError) {
        let isShutDown = endings.withLock { endings in
            if !endings.isShutDown { endings.actions[id] = end }
            return endings.isShutDown
        }
        if isShutDown { throw Self.shutDown }
    }

    /// Remembers a thread that an action ends, and how to wait for it.
    /// - Throws: ``NaruError/Code/closed`` after a shutdown.
    func rememberThread(_ id: ObjectIdentifier, _ join: @escaping @Sendable () -> Void) throws(NaruError) {
        let isShutDown = endings.withLock { endings in
            if !endings.isShutDown { endings.threads[id] = join }
            return endings.isShutDown
        }
        if isShutDown { throw Self.shutDown }
    }

    /// A thread ends: nobody has to wait for it any more.
    func forgetThread(_ id: ObjectIdentifier) {
        let forgotten = endings.withLock { $0.threads.removeValue(forKey: id) }
        withExtendedLifetime(forgotten) {}  // What it owns goes outside the lock.
    }

    /// How many links, listeners and dials a shutdown would end.
    var openEndCount: Int { endings.withLock { $0.actions.count } }

    /// Something ended by itself.
    func forget(_ id: ObjectIdentifier) {
        if isForked { return }
        endings.withLock { _ = $0.actions.removeValue(forKey: id) }
    }

    /// Closes a link on shutdown, or now when that was before.
    func register(_ link: Link) {
        let id = ObjectIdentifier(link)
        do {
            try remember(id) { [weak link] in link?.leave(.closed, finished: false) }
            link.onClose { [weak self] _ in self?.forget(id) }
        } catch {
            link.leave(.closed, finished: false)
        }
    }

    /// What a decision would be, without a peer: both ends are taken to be this host.
    public func explain(_ requirements: Requirements, locality: Locality) -> Decision {
        let relation = Relation(
            locality: locality, sameUser: true, sharedNamespaces: locality == .remote ? [] : sharedNamespaces)
        return Selector.decide(
            requirements, relation: relation, local: records, remote: records, costs: costs,
            ways: [requirements.agreement])
    }

    /// The kinds of namespace that this process shares with one that shares all of them.
    var sharedNamespaces: [String] { claim.host.namespaces.keys.sorted() }

    /// The HELLO of one end of a link.
    func hello(name: String, _ request: LinkRequest, sends: Bool, receives: Bool) -> Hello {
        Hello(
            versions: .current, requires: [], name: name, process: claim,
            records: records.filter { transports[$0.transport] != nil },
            codecs: codecs.keys.sorted(), requirements: request.requirements, compression: request.compression,
            sends: sends, receives: receives, codecFeatures: codecs.mapValues(CodecFeature.all(of:)))
    }
}

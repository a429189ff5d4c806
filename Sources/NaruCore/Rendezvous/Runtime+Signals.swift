// Naru: messages between programs by the fastest valid mechanism.
// Copyright the Naru authors. Licensed under the Apache License, Version 2.0 (see LICENSE).

public import NaruSystem

extension Runtime {
    /// The permits of a name: those that are there, or new ones.
    ///
    /// Unless the request names transports, only mechanisms are considered that release what a dead process held:
    /// otherwise one that is killed at the wrong moment stops all others for ever.
    /// - Parameters:
    ///   - name: a link's name.
    ///   - count: how many there are to be, 1 to ``SemaphoreTerms/maximumCount``; `nil` takes those that are there as
    ///     they are, and makes one where there are none.
    ///   - request: what is asked of the mechanism; its direction is taken to be `signal`.
    /// - Throws: ``NaruError/Code/noTransport`` with every candidate's reason, ``NaruError/Code/refused`` when another
    ///   number of permits, or something else, has the name, ``NaruError/Code/busy`` when somebody has been making or
    ///   removing them for long, ``NaruError/Code/invalidArgument``.
    public func permits(
        _ name: String, count: Int? = nil, _ request: Requirements = Requirements()
    ) throws(NaruError) -> Permits {
        var request = request
        if request.transports == nil, !request.must.contains(.releasesOnDeath) { request.must.append(.releasesOnDeath) }
        let terms = SemaphoreTerms(use: .permits, count: count ?? 1)
        return Permits(try named(name, terms, isCountGiven: count != nil, request))
    }

    /// The signal of a name: the one that is there, or a new one.
    /// - Throws: as ``permits(_:count:_:)``.
    public func signal(_ name: String, _ request: Requirements = Requirements()) throws(NaruError) -> Signal {
        Signal(try named(name, SemaphoreTerms(use: .signal, count: 0), isCountGiven: true, request))
    }

    /// Permits without a name: for the tasks and threads of this process, and for others that are handed their
    /// ``Permits/descriptor``. Nothing is left of them, whoever dies; what a process held that died is not released.
    /// - Throws: ``NaruError/Code/noTransport``, ``NaruError/Code/resourceExhausted``,
    ///   ``NaruError/Code/invalidArgument``.
    public func permits(count: Int) throws(NaruError) -> Permits {
        Permits(try unnamed(SemaphoreTerms(use: .permits, count: count), adopting: nil))
    }

    /// A signal without a name: for the tasks and threads of this process, and for others that are handed its
    /// ``Signal/descriptor``.
    public func signal() throws(NaruError) -> Signal {
        Signal(try unnamed(SemaphoreTerms(use: .signal, count: 0), adopting: nil))
    }

    /// Permits that another process made and handed over.
    /// - Parameter descriptor: what their ``Permits/descriptor`` is there; taken over, also when it is refused.
    /// - Throws: ``NaruError/Code/refused`` when it is something else.
    public func permits(adopting descriptor: Descriptor) throws(NaruError) -> Permits {
        Permits(try unnamed(SemaphoreTerms(use: .permits, count: 1), adopting: descriptor))
    }

    /// A signal that another process made and handed over.
    public func signal(adopting descriptor: Descriptor) throws(NaruError) -> Signal {
        Signal(try unnamed(SemaphoreTerms(use: .signal, count: 0), adopting: descriptor))
    }

    // MARK: With a name

    private func named(
        _ name: String, _ terms: SemaphoreTerms, isCountGiven: Bool, _ request: Requirements
    ) throws(NaruError) -> SemaphoreEnd {
        try checkFork("open", name)
        let address = Address.local(name: name)
        guard NameRule.accepts(name) else {
            throw NaruError(
                .invalidArgument, operation: "open", object: "\(address)", reason: "it is not a link's name",
                remedy: "use 1 to 64 of the characters a-z, 0-9 and -")
        }
        try check(terms, "\(address)")
        var decision = decide(request)
        for transport in decision.order {
            guard let mechanism = signal(transport) as? any NamedSignalMechanism, let record = record(of: transport)
            else {
                decision.recordFailure(
                    of: transport, reason: "its semaphores have no names", remedy: "use another transport")
                continue
            }
            let opened: (DurableHold, SemaphoreTerms, any Semaphore)
            do throws(NaruError) {
                opened = try open(name, mechanism, terms, isCountGiven: isCountGiven)
            } catch {
                // Something else has the name: that is no fault of the mechanism.
                if error.code == .refused || error.code == .busy { throw error }
                decision.recordFailure(
                    of: transport, reason: error.reason, remedy: error.remedy ?? "use another transport")
                continue
            }
            return try SemaphoreEnd(
                self, name: name, terms: opened.1, record: record, decision: decision, semaphore: opened.2,
                place: .init(hold: opened.0, mechanism: mechanism))
        }
        throw nothingValid(decision, "\(address)")
    }

    /// How long somebody else may take to make or remove a semaphore: it is a matter of microseconds, but for one that
    /// was stopped in the middle.
    private static let makingTime = Duration.milliseconds(200)

    private func open(
        _ name: String, _ mechanism: any NamedSignalMechanism, _ terms: SemaphoreTerms, isCountGiven: Bool
    ) throws(NaruError) -> (DurableHold, SemaphoreTerms, any Semaphore) {
        let deadline = Deadline.after(Self.makingTime)
        while true {
            if let opened = try attempt(name, mechanism, terms, isCountGiven: isCountGiven) { return opened }
            guard !deadline.isPast else {
                throw NaruError(
                    .busy, operation: "open", object: "local:\(name)",
                    reason: "somebody has been making or removing it for \(Self.makingTime)", remedy: "try again")
            }
            Processor.yield()
        }
    }

    /// One attempt; `nil` when somebody else was making or removing it, or it was removed under our hands.
    private func attempt(
        _ name: String, _ mechanism: any NamedSignalMechanism, _ terms: SemaphoreTerms, isCountGiven: Bool
    ) throws(NaruError) -> (DurableHold, SemaphoreTerms, any Semaphore)? {
        let hold = try DurableObjects.hold(name, mechanism, in: directories, isTransient: terms.use == .permits) {
            (mechanism.object(for: name), terms.words)
        }
        guard let hold else { return nil }
        guard let found = SemaphoreTerms(hold.record) else {
            throw refused(name, "its sidecar \(hold.path) does not say what it is for")
        }
        guard found.use == terms.use, !isCountGiven || found.count == terms.count else {
            throw refused(name, "it is \(found.described), not \(terms.described)")
        }
        do {
            // Permits that nobody holds are all there; where the mechanism lost those of the dead, they are made anew.
            if found.use == .permits {
                let record = hold.record
                _ = try hold.alone { () throws(NaruError) in
                    guard try mechanism.open(record, found).value() != found.count else { return }
                    try mechanism.remove(record)
                    try mechanism.make(record)
                }
            }
            return (hold, found, try mechanism.open(hold.record, found))
        } catch {
            if error.code == .removed || error.code == .busy { return nil }
            throw error
        }
    }

    private func refused(_ name: String, _ reason: String) -> NaruError {
        NaruError(
            .refused, operation: "open", object: "local:\(name)", reason: reason,
            remedy: "use another name, or remove it with `naru clean --durable` when nobody uses it")
    }

    // MARK: Without a name

    private func unnamed(_ terms: SemaphoreTerms, adopting descriptor: Descriptor?) throws(NaruError) -> SemaphoreEnd {
        try checkFork("open", "")
        let object = "\(terms.use) without a name"
        try check(terms, object)
        let candidates = records.filter { signal($0.transport) is any AnonymousSignalMechanism }.map(\.transport)
        var decision = decide(Requirements(transports: candidates))
        for transport in decision.order {
            guard let mechanism = signal(transport) as? any AnonymousSignalMechanism, let record = record(of: transport)
            else { continue }
            do throws(NaruError) {
                guard let descriptor else {
                    return try SemaphoreEnd(
                        self, name: nil, terms: terms, record: record, decision: decision,
                        semaphore: try mechanism.make(terms), place: nil)
                }
                let adopted = try mechanism.adopt(descriptor)
                guard adopted.terms.use == terms.use else {
                    throw NaruError(
                        .refused, operation: "open", object: object, reason: "it is \(adopted.terms.described)",
                        remedy: "hand over the descriptor of the right one")
                }
                return try SemaphoreEnd(
                    self, name: nil, terms: adopted.terms, record: record, decision: decision,
                    semaphore: adopted.semaphore, place: nil)
            } catch {
                if descriptor != nil || error.code == .closed { throw error }
                decision.recordFailure(
                    of: transport, reason: error.reason, remedy: error.remedy ?? "use another transport")
            }
        }
        throw nothingValid(decision, object)
    }

    // MARK: Both

    private func record(of transport: TransportName) -> CapabilityRecord? {
        records.first { $0.transport == transport }
    }

    /// Who can do it: all who use a semaphore share what it needs.
    private func decide(_ request: Requirements) -> Decision {
        var request = request
        request.direction = .signal
        return explain(request, locality: .sameHost)
    }

    private func check(_ terms: SemaphoreTerms, _ object: String) throws(NaruError) {
        guard terms.use == .signal || (1...SemaphoreTerms.maximumCount).contains(terms.count) else {
            throw NaruError(
                .invalidArgument, operation: "open", object: object,
                reason: "\(terms.count) permits are not from 1 to \(SemaphoreTerms.maximumCount)")
        }
    }

    private func nothingValid(_ decision: Decision, _ object: String) -> NaruError {
        // Transports that carry messages are no news, unless one was asked for.
        let asked = decision.request.transports
        let candidates = decision.candidates.filter { candidate in
            asked?.contains(candidate.transport) ?? (signal(candidate.transport) != nil)
        }
        let reasons = candidates.map { "\($0.transport): \($0.reason)" }.joined(separator: "; ")
        let remedied = candidates.first { asked != nil || record(of: $0.transport)?.onlyByName == false }
        return NaruError(
            .noTransport, operation: "open", object: object,
            reason: candidates.isEmpty
                ? "this build has nothing that synchronises" : "no transport is valid: \(reasons)",
            remedy: (remedied ?? candidates.first)?.remedy)
    }
}

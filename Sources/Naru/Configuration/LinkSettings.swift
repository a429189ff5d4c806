// Naru: messages between programs by the fastest valid mechanism.
// Copyright the Naru authors. Licensed under the Apache License, Version 2.0 (see LICENSE).

/// What the configuration says of one link, each value with its source.
///
/// A plain value: ``Naru/settings(for:)`` reads it, a program may change it with ``set(_:to:source:)`` or
/// ``request``, and give it to ``Naru/sender(_:deadline:)-(LinkSettings,_)`` and its kin.
public struct LinkSettings: Sendable {
    /// The link's name; `nil` for the defaults alone.
    public let name: String?
    /// Where the ends meet; `nil` where there is no link.
    public private(set) var address: Address?
    /// Where the end that listens does so, where that is not ``address``: `tcp:*:9000` on a host that others know by a
    /// name.
    public private(set) var listen: Address?
    /// What this end asks of the link.
    public var request = LinkRequest()
    /// What resuming ends of the link keep, and for how long they look for each other.
    public var resumption = Resumption()
    /// How many permits there are to be, where the link is a semaphore; `nil`: as many as there are, or one.
    public private(set) var permits: Int?
    /// Each key's value and source. Changes of ``request`` that do not come by ``set(_:to:source:)`` don't show here.
    public private(set) var sources: [String: SourcedValue] = [:]
    /// What is wrong with the values without being an error: unknown keys and names, each with the nearest known one.
    public internal(set) var warnings: [String] = []

    let vocabulary: Vocabulary

    /// The defaults.
    init(name: String? = nil, address: Address? = nil, vocabulary: Vocabulary) {
        self.name = name
        self.address = address
        self.vocabulary = vocabulary
        let requirements = request.requirements
        note(.direction, .text(requirements.direction.rawValue), SourcedValue.defaultSource)
        note(.transports, .list(["auto"]), SourcedValue.defaultSource)
        note(.deny, .list([]), SourcedValue.defaultSource)
        note(.require, .list([]), SourcedValue.defaultSource)
        note(.prefer, .list([]), SourcedValue.defaultSource)
        note(.optimize, .text(requirements.optimize.rawValue), SourcedValue.defaultSource)
        note(.wait, .text(requirements.wait.rawValue), SourcedValue.defaultSource)
        note(.messageBytes, .number(requirements.messageBytes), SourcedValue.defaultSource)
        note(.maximumMessageBytes, .number(requirements.maximumMessageBytes), SourcedValue.defaultSource)
        note(.overflow, .text(requirements.overflow.rawValue), SourcedValue.defaultSource)
        note(.compression, .text(request.compression.description), SourcedValue.defaultSource)
        if let address { note(.address, .text(address.description), SourcedValue.defaultSource) }
    }

    /// Sets a key, as a configuration would.
    ///
    /// - Parameters:
    ///   - key: a key of the configuration: `direction`, `transports`, `messageBytes`.
    ///   - value: its value.
    ///   - source: where it comes from, for errors and explanations: `--direction`.
    /// - Throws: ``NaruCore/NaruError/Code/invalidConfiguration`` for a key that is unknown or a value that is not
    ///   permitted.
    public mutating func set(_ key: String, to value: SettingValue, source: String) throws(NaruError) {
        guard let known = LinkKey(rawValue: key) else {
            let nearest = Nearest.to(key, among: LinkKey.allCases.map(\.rawValue)) ?? ""
            throw .badValue(source, "unknown key `\(key)`", remedy: "the nearest known one is `\(nearest)`")
        }
        try apply(value, to: known, source: source, place: source)
    }

    /// Sets a key from a source; `place` names source and key for an error.
    mutating func apply(
        _ value: SettingValue, to key: LinkKey, source: String, place: String
    ) throws(NaruError) {
        var requirements = request.requirements
        switch (key, value) {
        case (.address, .text(let text)): address = try Self.address(text, place)
        case (.listen, .text(let text)): listen = try Self.address(text, place)
        case (.insecure, .flag(let flag)): request.insecure = flag
        case (.direction, .text(let text)): requirements.direction = try Self.word(text, place)
        case (.optimize, .text(let text)): requirements.optimize = try Self.word(text, place)
        case (.wait, .text(let text)): requirements.wait = try Self.word(text, place)
        case (.overflow, .text(let text)): requirements.overflow = try Self.word(text, place)
        case (.compression, .text(let text)): request.compression = try compression(text, place)
        case (.resumeBytes, .number(let count)): resumption.resumeBytes = try Self.atLeastOne(count, place)
        case (.resumeSeconds, .number(let count)): resumption.patience = .seconds(try Self.atLeastOne(count, place))
        case (.permits, .number(let count)): permits = try Self.atLeastOne(count, place)
        case (.messageBytes, .number(let count)): requirements.messageBytes = count
        case (.maximumMessageBytes, .number(let count)): requirements.maximumMessageBytes = count
        case (.transports, .list(let names)): requirements.transports = try transports(names, place)
        case (.deny, .list(let names)):
            requirements.deny = try known(names, vocabulary.transports, place).map { TransportName($0) }
        case (.require, .list(let names)):
            requirements.must = try known(names, vocabulary.properties, place).map { Property($0) }
        case (.prefer, .list(let names)):
            requirements.prefer = try known(names, vocabulary.properties, place).map { Property($0) }
        case (.allowedUsers, .list(let users)):
            guard users.isEmpty else {
                throw .badValue(
                    place, "this build admits its own user only", remedy: "remove allowedUsers, or leave it empty")
            }
        default:
            throw .badValue(place, "`\(value)` is not \(key.kind.rawValue)")
        }
        do {
            request.requirements = try requirements.validated()
        } catch {
            throw .badValue(place, error.problem)
        }
        note(key, value, source)
    }

    /// Takes the address that the program named, whatever the configuration says.
    mutating func fix(_ address: Address) {
        // What is configured for listening belongs to the address that was.
        listen = nil
        sources[LinkKey.listen.rawValue] = nil
        guard self.address != address else { return }
        self.address = address
        note(.address, .text(address.description), "application")
    }

    /// The process inherited a link of this name: it is meant where nobody says otherwise.
    mutating func inherit() {
        guard let name, sources[LinkKey.address.rawValue]?.source == SourcedValue.defaultSource else { return }
        let inherited = Address.inherited(name: name)
        address = inherited
        note(.address, .text(inherited.description), "the process that started this one")
    }

    /// What an endpoint needs of a link's direction.
    enum Shape {
        case any
        case oneWay
        case exactly(Direction)
    }

    /// Where the end that listens does so. An address of a network that has no link's name takes that of ``address``.
    private var listeningAddress: Address? {
        if case .network(let place)? = listen, place.name == NetworkPlace.unnamed, case .network(let met)? = address {
            return .network(
                NetworkPlace(scheme: place.scheme, host: place.host, port: place.port, name: met.name))
        }
        return listen ?? address
    }

    /// Address and request for an endpoint; a direction that nobody set is what the endpoint needs.
    func endpoint(
        _ shape: Shape, listens: Bool = false, operation: String
    ) throws(NaruError) -> (Address, LinkRequest) {
        guard let address = listens ? listeningAddress : address, let name else {
            throw NaruError(
                .invalidArgument, operation: operation, object: "a link", reason: "these settings are of no link",
                remedy: "name one")
        }
        var request = request
        let direction = request.requirements.direction
        let source = sources[LinkKey.direction.rawValue]?.source ?? SourcedValue.defaultSource
        func contradiction(_ needed: String) -> NaruError {
            NaruError(
                .invalidConfiguration, operation: operation, object: name,
                reason: "the link's direction is \(direction) (\(source)); this needs \(needed)",
                remedy: "correct `direction`, or use the endpoints of a \(direction) link")
        }
        switch shape {
        case .any: break
        case .oneWay: if direction == .duplex { throw contradiction(Direction.simplex.rawValue) }
        case .exactly(let needed):
            guard direction == needed || source == SourcedValue.defaultSource else {
                throw contradiction(needed.rawValue)
            }
            request.requirements.direction = needed
        }
        return (address, request)
    }

    private mutating func note(_ key: LinkKey, _ value: SettingValue, _ source: String) {
        sources[key.rawValue] = SourcedValue(value: value, source: source)
    }
}

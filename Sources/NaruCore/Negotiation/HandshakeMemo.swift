// Naru: messages between programs by the fastest valid mechanism.
// Copyright the Naru authors. Licensed under the Apache License, Version 2.0 (see LICENSE).

internal import FoundationEssentials
internal import Synchronization

/// What this process has said and heard in HELLO and in proposals, as bytes and as values, so that a link to a peer
/// that is known already costs no JSON: HELLO describes the process and its mechanisms, and apart from the link's name
/// it is the same for every link of two processes; so are, apart from the link's id, the proposals that follow from it.
///
///     {"type":"hello","hello":{"name":"frames",TERMS}}
///
/// In HELLO, TERMS are the fields but for the name, in the order in which they happen to be encoded. A body of exactly
/// this form is looked up by its terms; every other one is left to the decoder of JSON. What is found is what the
/// decoder made of the same terms, and terms that could hold a second name are not kept, so nothing that a peer sends
/// can make the two differ. A proposal's frame keeps the id apart from the JSON. Memory is bounded: few entries, and
/// none large.
///
/// A memo belongs to one ``Runtime``, whose process, records and codecs stay as they are.
final class HandshakeMemo: Sendable {
    /// What tells one HELLO of a runtime from another, apart from the name.
    private struct Request: Hashable {
        var requirements: Requirements
        var compression: Compression
        var sends: Bool
        var receives: Bool

        init(_ hello: Hello) {
            (requirements, compression) = (hello.requirements, hello.compression)
            (sends, receives) = (hello.sends, hello.receives)
        }
    }

    private struct State {
        var spoken: [Request: [UInt8]] = [:]
        var heard: [ArraySlice<UInt8>: Hello] = [:]
        var proposed: [Proposal: [UInt8]] = [:]
        var considered: [ArraySlice<UInt8>: Proposal] = [:]
    }

    /// More entries than these and all are forgotten; one process meets few others at a time.
    static let maximumEntries = 16
    /// The largest terms that are kept, bytes.
    static let maximumTermsByteCount = 8_192

    private static let head = Array(#"{"type":"hello","hello":{"name":""#.utf8)
    private let state = Mutex(State())

    /// The body of a HELLO.
    /// - Throws: ``NaruError/Code/invalidArgument`` when it cannot be encoded.
    func body(_ hello: Hello) throws(NaruError) -> [UInt8] {
        let name = Array(hello.name.utf8)
        guard name.allSatisfy(Self.isPlain), !name.isEmpty else { return try Self.encoded(ControlMessage.hello(hello)) }
        let request = Request(hello)
        if let known = state.withLock({ $0.spoken[request] }) { return Self.head + name + known }
        let fields = try Self.encoded(Terms(hello: hello))
        let terms = Array(#"","#.utf8) + fields.dropFirst() + Array("}".utf8)
        state.withLock { Self.keep(terms, as: request, in: &$0.spoken) }
        return Self.head + name + terms
    }

    /// The HELLO of a body; `nil` when the body is of another form or its terms were not heard before.
    func hello(_ body: ArraySlice<UInt8>) -> Hello? {
        guard let (name, terms) = Self.split(body), var hello = state.withLock({ $0.heard[terms] }) else { return nil }
        hello.name = name
        return hello
    }

    /// Keeps what the decoder of JSON made of a body.
    func learn(_ hello: Hello, _ body: ArraySlice<UInt8>) {
        // A second name, written plainly or with escapes, could make the decoder and this memo disagree.
        guard let (name, terms) = Self.split(body), name == hello.name, terms.count <= Self.maximumTermsByteCount,
            !terms.contains(UInt8(ascii: "\\")), !terms.contains(Array(#""name""#.utf8))
        else { return }
        // A copy, so that no buffer of a connection is kept.
        let copy = Array(terms)[...]
        state.withLock { Self.keep(hello, as: copy, in: &$0.heard) }
    }

    /// The JSON of a proposal, without its link's id.
    /// - Throws: ``NaruError/Code/invalidArgument`` when it cannot be encoded.
    func json(_ proposal: Proposal) throws(NaruError) -> [UInt8] {
        var anonymous = proposal
        anonymous.agreement.link = LinkID(high: 0, low: 0)
        if let known = state.withLock({ $0.proposed[anonymous] }) { return known }
        let json = try Self.encoded(anonymous)
        state.withLock { Self.keep(json, as: anonymous, in: &$0.proposed) }
        return json
    }

    /// The proposal of a JSON text, for this link.
    /// - Throws: what the decoder throws.
    func proposal(_ json: ArraySlice<UInt8>, _ link: LinkID) throws -> Proposal {
        var proposal: Proposal
        if let known = state.withLock({ $0.considered[json] }) {
            proposal = known
        } else {
            proposal = try JSONDecoder().decode(Proposal.self, from: Data(json))
            if json.count <= Self.maximumTermsByteCount {
                let copy = Array(json)[...]
                let anonymous = proposal
                state.withLock { Self.keep(anonymous, as: copy, in: &$0.considered) }
            }
        }
        // Only the frame says which link it is.
        proposal.agreement.link = link
        return proposal
    }

    /// How much is kept, for tests.
    var count: Int {
        state.withLock { $0.spoken.count + $0.heard.count + $0.proposed.count + $0.considered.count }
    }

    private static func keep<Key, Value>(_ value: Value, as key: Key, in entries: inout [Key: Value]) {
        if entries.count >= maximumEntries { entries = [:] }
        entries[key] = value
    }

    /// A value in JSON.
    static func encoded(_ value: some Encodable) throws(NaruError) -> [UInt8] {
        do {
            let encoder = JSONEncoder()
            encoder.outputFormatting = .withoutEscapingSlashes
            return Array(try encoder.encode(value))
        } catch {
            throw NaruError(
                .invalidArgument, operation: "encode", object: "control message", reason: String(describing: error))
        }
    }

    /// Whether a character of a name is one that a link's name can have: JSON escapes none of them.
    private static func isPlain(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"): true
        default: false
        }
    }

    /// The name and the terms of a body of the known form.
    private static func split(_ body: ArraySlice<UInt8>) -> (name: String, terms: ArraySlice<UInt8>)? {
        guard body.starts(with: head) else { return nil }
        let rest = body.dropFirst(head.count)
        let name = rest.prefix(while: isPlain)
        let terms = rest.dropFirst(name.count)
        guard !name.isEmpty, name.count <= 64, terms.first == UInt8(ascii: "\"") else { return nil }
        return (String(decoding: name, as: UTF8.self), terms)
    }

    /// Every field of HELLO but the name.
    private struct Terms: Encodable {
        let hello: Hello

        func encode(to encoder: any Encoder) throws {
            var container = encoder.container(keyedBy: Hello.CodingKeys.self)
            try container.encode(hello.versions, forKey: .versions)
            try container.encode(hello.requires, forKey: .requires)
            try container.encode(hello.process, forKey: .process)
            try container.encode(hello.records, forKey: .records)
            try container.encode(hello.codecs, forKey: .codecs)
            try container.encode(hello.requirements, forKey: .requirements)
            try container.encode(hello.compression, forKey: .compression)
            try container.encode(hello.sends, forKey: .sends)
            try container.encode(hello.receives, forKey: .receives)
            try container.encodeIfPresent(hello.codecFeatures, forKey: .codecFeatures)
        }
    }
}

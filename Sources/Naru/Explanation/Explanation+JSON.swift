// Naru: messages between programs by the fastest valid mechanism.
// Copyright the Naru authors. Licensed under the Apache License, Version 2.0 (see LICENSE).

internal import FoundationEssentials

extension Explanation {
    /// One line of JSON:
    /// `{"candidates":[…],"link":…,"locality":…,"notices":[…],"request":{…},"sources":{…},"warnings":[…]}`.
    ///
    /// Keys are sorted, and every one is always there: what has no value is null. The words of `request` and
    /// `sources` are the configuration's.
    public func json() throws(NaruError) -> String {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        do {
            return String(decoding: try encoder.encode(Form(self)), as: UTF8.self)
        } catch {
            throw NaruError(.system, operation: "encode", object: "explanation", reason: "\(error)")
        }
    }

    /// The fields of the JSON form.
    private struct Form: Encodable {
        let link: Nullable<String>
        let locality: String
        let request: Request
        let sources: [String: SourcedValue]
        let candidates: [Place]
        let notices: [String]
        let warnings: [String]

        init(_ explanation: Explanation) {
            link = Nullable(explanation.link)
            locality = explanation.decision.relation.locality.rawValue
            request = Request(explanation.request)
            sources = explanation.sources
            candidates = explanation.candidates.map(Place.init)
            notices = explanation.decision.notices
            warnings = explanation.warnings
        }
    }

    /// The request, in the configuration's words.
    private struct Request: Encodable {
        let direction, optimize, wait, overflow, compression: String
        let transports, deny, require, prefer: [String]
        let messageBytes, maximumMessageBytes, receivers: Int

        init(_ request: LinkRequest) {
            let requirements = request.requirements
            direction = requirements.direction.rawValue
            optimize = requirements.optimize.rawValue
            wait = requirements.wait.rawValue
            overflow = requirements.overflow.rawValue
            compression = request.compression.description
            transports = requirements.transports?.map(\.rawValue) ?? ["auto"]
            deny = requirements.deny.map(\.rawValue)
            require = requirements.must.map(\.rawValue)
            prefer = requirements.prefer.map(\.rawValue)
            messageBytes = requirements.messageBytes
            maximumMessageBytes = requirements.maximumMessageBytes
            receivers = requirements.receivers
        }
    }

    /// A candidate with every field.
    private struct Place: Encodable {
        let transport, verdict, reason: String
        let rank, costNanoseconds: Nullable<Int>
        let remedy: Nullable<String>

        init(_ candidate: Candidate) {
            transport = candidate.transport.rawValue
            verdict = candidate.verdict.rawValue
            reason = candidate.reason
            rank = Nullable(candidate.rank)
            costNanoseconds = Nullable(candidate.costNanoseconds)
            remedy = Nullable(candidate.remedy)
        }
    }

    /// A value that is written as null where there is none.
    private struct Nullable<Value: Encodable>: Encodable {
        let value: Value?

        init(_ value: Value?) {
            self.value = value
        }

        func encode(to encoder: any Encoder) throws {
            var container = encoder.singleValueContainer()
            if let value { try container.encode(value) } else { try container.encodeNil() }
        }
    }
}

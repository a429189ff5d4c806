// Naru: messages between programs by the fastest valid mechanism.
// Copyright the Naru authors. Licensed under the Apache License, Version 2.0 (see LICENSE).

/// Something in the environment or the file that is not an error: a key that nothing reads.
struct Warning: Sendable {
    let text: String
    /// The link that it is about; `nil` where it is about none.
    let link: String?

    /// Whether it belongs to what is said of a link.
    func concerns(_ name: String) -> Bool { link == nil || link == name }

    /// The unknown keys of a file.
    /// - Throws: ``NaruCore/NaruError/Code/invalidConfiguration`` where `links` or a link is not an object, or a link's
    ///   name is none.
    static func all(in file: ConfigurationFile) throws(NaruError) -> [Warning] {
        var warnings: [Warning] = []
        func unknown(_ key: String, path: String, among known: [String], link: String?) {
            let nearest = Nearest.to(key, among: known) ?? ""
            warnings.append(
                Warning(
                    text: "\(file.providerName): unknown key `\(path)\(key)`; the nearest known one is "
                        + "`\(path)\(nearest)`", link: link))
        }
        for key in file.root.keys.sorted() where key != "links" { unknown(key, path: "", among: ["links"], link: nil) }
        let links: [String: JSONValue]
        switch file.root["links"] {
        case nil, .null?: return warnings
        case .object(let members)?: links = members
        case let other?: throw .badValue("\(file.providerName), key links", "`\(other)` is not an object")
        }
        let known = LinkKey.allCases.map(\.rawValue)
        for (name, value) in links.sorted(by: { $0.key < $1.key }) {
            let place = "\(file.providerName), key links.\(name)"
            guard !name.contains(":"), (try? Address(parsing: name)) != nil else {
                throw .badValue(
                    place, "`\(name)` is not a link's name", remedy: "use 1 to 64 of the characters a-z, 0-9 and -")
            }
            guard case .object(let members) = value else { throw .badValue(place, "`\(value)` is not an object") }
            for key in members.keys.sorted() where !known.contains(key) {
                unknown(key, path: "links.\(name).", among: known, link: name)
            }
        }
        return warnings
    }

    /// The variables that begin with `NARU_` and mean nothing.
    static func all(in variables: some Sequence<String>) -> [Warning] {
        variables.filter { $0.hasPrefix("NARU_") }.sorted().compactMap { variable in
            if plain.contains(variable) || LinkVariable.meaning(of: variable) != nil { return nil }
            let nearest = nearest(to: variable)
            return Warning(
                text: "environment: unknown variable \(variable); the nearest known one is \(nearest)",
                link: LinkVariable.meaning(of: nearest)?.link)
        }
    }

    /// The variables that are not a link's.
    private static let plain = ["NARU_CONFIG", "NARU_RUNTIME_DIR", InheritedEnds.variable]

    /// The nearest variable that means something: each split of the words into prefix, link and key is tried.
    private static func nearest(to variable: String) -> String {
        let words = variable.prefix(256).split(separator: "_", omittingEmptySubsequences: false)
        var candidates = plain
        for end in words.indices.dropFirst(3) {
            guard let link = LinkVariable.decoded(words[2..<end].joined(separator: "_")) else { continue }
            candidates += LinkKey.allCases.compactMap { LinkVariable.name(of: $0, link: link) }
        }
        return Nearest.to(variable, among: candidates) ?? plain[0]
    }
}

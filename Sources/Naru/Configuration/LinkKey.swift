// Naru: messages between programs by the fastest valid mechanism.
// Copyright the Naru authors. Licensed under the Apache License, Version 2.0 (see LICENSE).

/// The keys of a link, in the order of the documentation.
enum LinkKey: String, CaseIterable {
    case address, listen, direction, transports, deny, require, prefer, optimize, wait, messageBytes
    case maximumMessageBytes, overflow, compression, allowedUsers, insecure, resumeBytes, resumeSeconds, permits

    /// What a value of the key is.
    enum Kind: String {
        case text = "a text"
        case number = "a whole number"
        case list = "a list of texts"
        case flag = "true or false"
    }

    var kind: Kind {
        switch self {
        case .address, .listen, .direction, .optimize, .wait, .overflow, .compression: .text
        case .messageBytes, .maximumMessageBytes, .resumeBytes, .resumeSeconds, .permits: .number
        case .transports, .deny, .require, .prefer, .allowedUsers: .list
        case .insecure: .flag
        }
    }

    /// The key as it ends a variable's name: `maximumMessageBytes` is `MAXIMUM_MESSAGE_BYTES`.
    var variable: String { Self.variables[self] ?? "" }

    private static let variables = Dictionary(
        uniqueKeysWithValues: allCases.map { key in
            let name = key.rawValue.reduce(into: "") { name, letter in
                if letter.isUppercase { name += "_" }
                name += letter.uppercased()
            }
            return (key, name)
        })
}

/// The mapping between links and the environment: `links.my-link.messageBytes` is `NARU_LINKS_MY_LINK_MESSAGE_BYTES`.
enum LinkVariable {
    static let prefix = "NARU_LINKS_"

    /// The variable of a link's key; `nil` where there is none.
    ///
    /// One variable means one thing: `NARU_LINKS_X_MAXIMUM_MESSAGE_BYTES` is the `maximumMessageBytes` of `x`, so that
    /// the `messageBytes` of a link `x-maximum` cannot be set by the environment.
    static func name(of key: LinkKey, link: String) -> String? {
        let name = prefix + encoded(link) + "_" + key.variable
        guard let meaning = meaning(of: name), meaning.key == key, meaning.link == link else { return nil }
        return name
    }

    /// Those of these variables that say something of a link.
    static func all(in variables: some Sequence<String>) -> [String: [LinkKey: String]] {
        var found: [String: [LinkKey: String]] = [:]
        for variable in variables {
            guard let (link, key) = meaning(of: variable), name(of: key, link: link) == variable else { continue }
            found[link, default: [:]][key] = variable
        }
        return found
    }

    /// What a variable means; `nil` where it is none of a link's key. The longest key wins.
    static func meaning(of variable: String) -> (link: String, key: LinkKey)? {
        guard variable.hasPrefix(prefix) else { return nil }
        let rest = variable.dropFirst(prefix.count)
        let keys = LinkKey.allCases.filter { rest.hasSuffix("_" + $0.variable) }
        guard let key = keys.max(by: { $0.variable.count < $1.variable.count }) else { return nil }
        let encoded = rest.dropLast(key.variable.count + 1)
        guard let link = decoded(encoded) else { return nil }
        return (link, key)
    }

    static func encoded(_ link: String) -> String {
        String(link.uppercased().map { $0 == "-" ? "_" : $0 })
    }

    /// The link's name in a variable; `nil` where it could be none.
    static func decoded(_ text: some StringProtocol) -> String? {
        guard !text.contains(where: \.isLowercase) else { return nil }
        let name = String(text.lowercased().map { $0 == "_" ? "-" : $0 })
        guard !name.contains(":"), (try? Address(parsing: name)) != nil else { return nil }
        return name
    }
}

// Naru: messages between programs by the fastest valid mechanism.
// Copyright the Naru authors. Licensed under the Apache License, Version 2.0 (see LICENSE).

internal import Configuration
internal import FoundationEssentials
internal import NaruSystem

/// A JSON file as it was when it was read: a provider of values that also keeps the tree, so that unknown keys can be
/// found.
struct ConfigurationFile: Sendable {
    /// The largest file in bytes.
    static let maximumByteCount = 1 << 20

    /// The file's path.
    let path: String
    /// The file's top level.
    let root: [String: JSONValue]

    /// Reads the file; `nil` where it is missing and need not be there.
    init?(path: String, isRequired: Bool) throws(NaruError) {
        self.path = path
        let bytes: [UInt8]
        do {
            bytes = try FileSystem.readSmallFile(path, limit: Self.maximumByteCount)
        } catch {
            if error.errno == SystemErrno.notFound, !isRequired { return nil }
            throw NaruError(
                .invalidConfiguration, operation: "read", object: "file \(path)", reason: error.description,
                errno: error.errno, remedy: isRequired ? "correct NARU_CONFIG, or unset it" : nil)
        }
        let tree: JSONValue
        do {
            tree = try JSONDecoder().decode(JSONValue.self, from: Data(bytes))
        } catch {
            throw .badValue("file \(path)", "not valid JSON\(Self.detail(of: error))")
        }
        guard case .object(let root) = tree else {
            throw .badValue("file \(path)", "the top level is \(tree), not an object")
        }
        self.root = root
    }

    /// The decoder's own words, where it has more than that the file is not valid.
    private static func detail(of error: any Error) -> String {
        guard case .dataCorrupted(let context)? = error as? DecodingError else { return ": \(error)" }
        return context.underlyingError.map { ": \($0)" } ?? ""
    }

    /// What stands at a path of keys; `nil` where there is nothing, or null.
    private func node(_ keys: [String]) -> JSONValue? {
        var node = JSONValue.object(root)
        for key in keys {
            guard case .object(let members) = node, let member = members[key] else { return nil }
            node = member
        }
        return node == .null ? nil : node
    }
}

extension ConfigurationFile: ConfigProvider, ConfigSnapshot {
    /// `file` and the path.
    var providerName: String { "file \(path)" }

    func value(forKey key: AbsoluteConfigKey, type: ConfigType) throws -> LookupResult {
        let value = try node(key.components).map { node in
            guard let content = node.content(type) else { throw Mismatch(found: "`\(node)`") }
            return ConfigValue(content, isSecret: false)
        }
        return LookupResult(encodedKey: key.components.joined(separator: "."), value: value)
    }

    func snapshot() -> any ConfigSnapshot { self }

    func fetchValue(forKey key: AbsoluteConfigKey, type: ConfigType) async throws -> LookupResult {
        try value(forKey: key, type: type)
    }

    func watchValue<Return: ~Copyable>(
        forKey key: AbsoluteConfigKey, type: ConfigType,
        updatesHandler: (ConfigUpdatesAsyncSequence<Result<LookupResult, any Error>, Never>) async throws -> Return
    ) async throws -> Return {
        try await watchValueFromValue(forKey: key, type: type, updatesHandler: updatesHandler)
    }

    func watchSnapshot<Return: ~Copyable>(
        updatesHandler: (ConfigUpdatesAsyncSequence<any ConfigSnapshot, Never>) async throws -> Return
    ) async throws -> Return {
        try await watchSnapshotFromSnapshot(updatesHandler: updatesHandler)
    }
}

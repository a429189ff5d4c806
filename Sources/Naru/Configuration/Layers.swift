// Naru: messages between programs by the fastest valid mechanism.
// Copyright the Naru authors. Licensed under the Apache License, Version 2.0 (see LICENSE).

internal import Configuration

/// The sources of a link's values, the strongest first: application, environment, file.
struct Layers: Sendable {
    /// The program's own providers.
    let application: [any ConfigProvider]
    /// What is wrong in the environment and the file without being an error.
    let warnings: [Warning]

    private let environment: any ConfigProvider
    /// The variables that say something of a link, by link and key.
    private let variables: [String: [LinkKey: String]]
    private let file: ConfigurationFile?

    /// A value of one source.
    struct Found {
        let value: SettingValue
        /// As ``SourcedValue/source``.
        let source: String
        /// Source and key, for an error.
        let place: String
    }

    /// Reads environment and file.
    init(application: [any ConfigProvider], sources: ConfigurationSources) throws(NaruError) {
        self.application = application
        environment = EnvironmentVariablesProvider(environmentVariables: sources.environment)
            .prefixKeys(with: "naru")
        variables = LinkVariable.all(in: sources.environment.keys)
        let (path, isRequired) = sources.file
        file = try ConfigurationFile(path: path, isRequired: isRequired)
        warnings =
            try (file.map { file throws(NaruError) in try Warning.all(in: file) } ?? [])
            + Warning.all(in: sources.environment.keys)
    }

    /// The value of the strongest source that has one; `nil` where none has.
    func value(of key: LinkKey, link: String) throws(NaruError) -> Found? {
        let path = "links.\(link).\(key.rawValue)"
        for provider in application {
            let place = "application (\(provider.providerName)), key \(path)"
            if let value = try lookup(key, link, in: provider, place) {
                return Found(value: value, source: "application", place: place)
            }
        }
        if let variable = variables[link]?[key] {
            let place = "environment \(variable)"
            if let value = try lookup(key, link, in: environment, place) {
                // An empty variable is an empty list; the provider makes one empty text of it.
                return Found(value: value == .list([""]) ? .list([]) : value, source: place, place: place)
            }
        }
        if let file {
            let place = "\(file.providerName), key \(path)"
            if let value = try lookup(key, link, in: file, place) {
                return Found(value: value, source: file.providerName, place: place)
            }
        }
        return nil
    }

    private func lookup(
        _ key: LinkKey, _ link: String, in provider: any ConfigProvider, _ place: String
    ) throws(NaruError) -> SettingValue? {
        let path = AbsoluteConfigKey(["links", link, key.rawValue])
        let type: ConfigType =
            switch key.kind {
            case .text: .string
            case .number: .int
            case .list: .stringArray
            case .flag: .bool
            }
        do {
            switch try provider.value(forKey: path, type: type).value?.content {
            case nil: return nil
            case .string(let text): return .text(text)
            case .int(let number): return .number(number)
            case .stringArray(let texts): return .list(texts)
            case .bool(let flag): return .flag(flag)
            case let other?: throw Mismatch(found: "\(other)")
            }
        } catch {
            // Providers say that a value is of another type by an error of their own; the text, where it has one, says
            // more.
            let text: String? =
                if case .string(let text)? = (try? provider.value(forKey: path, type: .string))?.value?.content {
                    "`\(text)`"
                } else { nil }
            let found = (error as? Mismatch)?.found ?? text ?? "\(error)"
            throw .badValue(place, "\(found) is not \(key.kind.rawValue)")
        }
    }
}

/// A value of another type than was asked for.
struct Mismatch: Error {
    /// The value, as it is written.
    let found: String
}

extension NaruError {
    /// A value that a source holds and that is not permitted.
    static func badValue(_ place: String, _ reason: String, remedy: String? = nil) -> NaruError {
        NaruError(.invalidConfiguration, operation: "read", object: place, reason: reason, remedy: remedy)
    }
}

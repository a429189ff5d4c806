// Naru: messages between programs by the fastest valid mechanism.
// Copyright the Naru authors. Licensed under the Apache License, Version 2.0 (see LICENSE).

internal import FoundationEssentials

/// Where a ``Naru`` takes environment and configuration file from.
public struct ConfigurationSources: Sendable {
    /// The environment's variables, by name.
    public var environment: [String: String]
    /// The folder that relative paths start from, and in which `naru.json` is looked for.
    public var workingDirectory: String

    /// Takes the variables and the folder that are given, and nothing from the process.
    public init(environment: [String: String], workingDirectory: String) {
        self.environment = environment
        self.workingDirectory = workingDirectory
    }

    /// The environment and the working folder of the process, as they are now.
    public static var standard: ConfigurationSources {
        ConfigurationSources(
            environment: ProcessInfo.processInfo.environment,
            workingDirectory: FileManager.default.currentDirectoryPath)
    }

    /// Where links on this host meet: `NARU_RUNTIME_DIR`, else `naru` in `XDG_RUNTIME_DIR`, else the user's own.
    var directories: RuntimeDirectories {
        .standard(
            runtimeDirectory: variable("NARU_RUNTIME_DIR").map(absolute),
            userDirectory: variable("XDG_RUNTIME_DIR").map(absolute))
    }

    /// The file that `NARU_CONFIG` names, which must be there; else `naru.json`, which may be missing.
    var file: (path: String, isRequired: Bool) {
        guard let named = variable("NARU_CONFIG") else { return (absolute("naru.json"), false) }
        return (absolute(named), true)
    }

    /// A variable's value; `nil` where it is missing or empty.
    private func variable(_ name: String) -> String? {
        environment[name].flatMap { $0.isEmpty ? nil : $0 }
    }

    private func absolute(_ path: String) -> String {
        if path.hasPrefix("/") { return path }
        return workingDirectory.hasSuffix("/") ? workingDirectory + path : "\(workingDirectory)/\(path)"
    }
}

// Naru: messages between programs by the fastest valid mechanism.
// Copyright the Naru authors. Licensed under the Apache License, Version 2.0 (see LICENSE).

import Configuration
import FoundationEssentials
import Logging
import Naru
import NaruSystem

/// A private folder of one test, in which its links meet and its configuration lies; removed with all it holds.
final class Place: Sendable {
    let path: String

    init() throws {
        path = "/tmp/naru-umbrella-\(ProcessIdentity.current.processID)-\(String(SystemRandom.word(), radix: 36))"
        try FileSystem.makeDirectory(path, permissions: 0o700)
    }

    deinit {
        try? FileManager.default.removeItem(atPath: path)
    }

    /// Writes a file of the folder and returns its path.
    @discardableResult
    func write(_ text: String, to name: String = "naru.json") throws -> String {
        try text.write(toFile: "\(path)/\(name)", atomically: false, encoding: .utf8)
        return "\(path)/\(name)"
    }

    /// This folder as the working folder, and these variables as the environment.
    func sources(_ environment: [String: String] = [:]) -> ConfigurationSources {
        ConfigurationSources(
            environment: environment.merging(["NARU_RUNTIME_DIR": "\(path)/run"]) { given, _ in given },
            workingDirectory: path)
    }

    /// A `Naru` of this folder alone; a second one of the same place reaches the first one's links.
    func naru(
        _ environment: [String: String] = [:], application: [any ConfigProvider] = [],
        logger: Logger = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }
    ) async throws -> Naru {
        try await Naru(application: application, sources: sources(environment), logger: logger)
    }
}

/// An application's own provider.
func application(_ values: [AbsoluteConfigKey: ConfigValue]) -> [any ConfigProvider] {
    [InMemoryProvider(name: "app", values: values)]
}

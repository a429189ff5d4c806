// Naru: messages between programs by the fastest valid mechanism.
// Copyright the Naru authors. Licensed under the Apache License, Version 2.0 (see LICENSE).

import NaruSystem
import NaruZstd
import Synchronization

@testable import Naru
@testable import NaruCore

/// The input is the file's text, then a zero byte and `NAME=value` for each variable.
enum ConfigurationFuzz {
    static func run(_ bytes: [UInt8]) throws(Finding) {
        let parts = bytes.split(separator: 0, omittingEmptySubsequences: false)
        var environment: [String: String] = [:]
        for part in parts.dropFirst() {
            let words = part.split(separator: UInt8(ascii: "="), maxSplits: 1, omittingEmptySubsequences: false)
            guard words.count == 2 else { continue }
            environment[String(decoding: words[0], as: UTF8.self)] = String(decoding: words[1], as: UTF8.self)
        }
        let text = Array(parts.first ?? [])
        let result = file.withLock { file in
            outcome { () throws(NaruError) in
                environment["NARU_CONFIG"] = file.hold(text)
                return try Layers(
                    application: [], sources: ConfigurationSources(environment: environment, workingDirectory: "/"))
            }
        }
        switch result {
        case .failure(let error): try require(error, isOneOf: .invalidConfiguration)
        case .success(let layers): for link in ["frames", "a"] { try check(layers, link) }
        }
    }

    private static func check(_ layers: Layers, _ link: String) throws(Finding) {
        var settings = LinkSettings(name: link, address: .local(name: link), vocabulary: vocabulary)
        var copy = settings
        for key in LinkKey.allCases {
            switch outcome({ () throws(NaruError) in try layers.value(of: key, link: link) }) {
            case .failure(let error): try require(error, isOneOf: .invalidConfiguration)
            case .success(nil): break
            case .success(let found?):
                let applied = outcome { () throws(NaruError) in
                    try settings.apply(found.value, to: key, source: found.source, place: found.place)
                }
                if case .failure(let error) = applied {
                    try require(error, isOneOf: .invalidConfiguration)
                    try require(error.object == found.place, "an error that does not name \(found.place): \(error)")
                    continue
                }
                let set = outcome { () throws(NaruError) in
                    try copy.set(key.rawValue, to: found.value, source: "again")
                }
                guard case .success = set else { throw Finding(description: "\(key) is accepted once only") }
            }
        }
        try require(settings.request == copy.request, "the same values make two requests")
        try require(
            (try? settings.request.requirements.validated()) != nil, "values were accepted that are out of bounds")
        guard case .success = outcome({ () throws(NaruError) in try settings.endpoint(.any, operation: "fuzz") })
        else { throw Finding(description: "settings that are of no link") }
    }

    private static let vocabulary: Vocabulary = {
        #if Zstd
            Vocabulary(records: [], codecs: ["zstd": ZstdCodec()])
        #else
            Vocabulary(records: [], codecs: [:])
        #endif
    }()

    private static let file = Mutex(HeldFile())
}

/// A file in memory that is written anew for each input.
private struct HeldFile: Sendable {
    private let descriptor = try? MemoryFile.create(name: "naru-fuzz", byteCount: 4096)

    /// Holds these bytes, and returns a path to them.
    func hold(_ bytes: [UInt8]) -> String {
        guard let descriptor else { preconditionFailure("there is no memory for a file") }
        do {
            try descriptor.truncate(to: 0)
            // Read only, and during the call.
            unsafe try bytes.withUnsafeBytes { unsafe try descriptor.pwrite($0, at: 0) }
        } catch {
            preconditionFailure("a file in memory cannot be written: \(error)")
        }
        return "/proc/self/fd/\(descriptor.raw)"
    }
}

// Naru: messages between programs by the fastest valid mechanism.
// Copyright the Naru authors. Licensed under the Apache License, Version 2.0 (see LICENSE).

/// The values of a link's keys, each checked with its place in the error.
extension LinkSettings {
    /// One of the words of a closed set.
    static func word<Word: RawRepresentable<String> & CaseIterable>(
        _ text: String, _ place: String
    ) throws(NaruError) -> Word {
        if let word = Word(rawValue: text) { return word }
        let words = Word.allCases.map(\.rawValue).joined(separator: ", ")
        throw .badValue(place, "`\(text)` is none of \(words)")
    }

    /// A number of something of which there must be some.
    static func atLeastOne(_ number: Int, _ place: String) throws(NaruError) -> Int {
        guard number >= 1 else { throw .badValue(place, "\(number) is below 1") }
        return number
    }

    static func address(_ text: String, _ place: String) throws(NaruError) -> Address {
        do {
            return try Address(parsing: text)
        } catch {
            throw .badValue(place, "`\(text)`: \(error.reason)", remedy: error.remedy)
        }
    }

    /// The transports that are permitted; `nil` where all are.
    mutating func transports(_ names: [String], _ place: String) throws(NaruError) -> [TransportName]? {
        if names == ["auto"] { return nil }
        guard !names.isEmpty else {
            throw .badValue(place, "the list is empty", remedy: "name transports, or use auto")
        }
        guard !names.contains("auto") else {
            throw .badValue(place, "auto stands beside other names", remedy: "name transports, or use auto alone")
        }
        return try known(names, vocabulary.transports, place).map { TransportName($0) }
    }

    /// Names that are well formed; those that this build does not know are noted as warnings.
    mutating func known(_ names: [String], _ words: [String], _ place: String) throws(NaruError) -> [String] {
        for name in names {
            guard TransportName(name).isWellFormed else {
                throw .badValue(
                    place, "`\(name.prefix(80))` is not a name", remedy: "use 1 to 64 of the characters a-z, 0-9 and -")
            }
            guard !words.contains(name) else { continue }
            let nearest = Nearest.to(name, among: words) ?? ""
            warnings.append("\(place): unknown name `\(name)`; the nearest known one is `\(nearest)`")
        }
        return names
    }

    /// When to compress, with a codec of this build at a level that it has.
    func compression(_ text: String, _ place: String) throws(NaruError) -> Compression {
        guard let compression = Compression(text) else {
            throw .badValue(
                place, "`\(text)` is none of auto, off, zstd, zstd:LEVEL, the last two also with :per-message")
        }
        guard let codec = compression.codec else { return compression }
        guard let levels = vocabulary.codecs[codec] else {
            let known = vocabulary.codecs.keys.sorted().joined(separator: ", ")
            throw .badValue(
                place, "this build has no codec `\(codec)`",
                remedy: known.isEmpty ? "build with the package trait Zstd, or use auto or off" : "it has \(known)")
        }
        if let level = compression.level, !levels.contains(level) {
            throw .badValue(
                place, "`\(text)`: the level is not from \(levels.lowerBound) to \(levels.upperBound)")
        }
        return compression
    }
}

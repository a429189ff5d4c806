// Naru: messages between programs by the fastest valid mechanism.
// Copyright the Naru authors. Licensed under the Apache License, Version 2.0 (see LICENSE).

extension KeyedDecodingContainer {
    /// Decodes a list of words and skips those that this build does not know.
    func decodeKnown<Word: RawRepresentable<String>>(_ type: Word.Type, forKey key: Key) throws -> [Word] {
        try decode([String].self, forKey: key).compactMap(Word.init(rawValue:))
    }

    /// As ``decodeKnown(_:forKey:)``; `nil` where the field is absent or null.
    func decodeKnownIfPresent<Word: RawRepresentable<String>>(
        _ type: Word.Type, forKey key: Key
    ) throws -> [Word]? {
        try decodeIfPresent([String].self, forKey: key)?.compactMap(Word.init(rawValue:))
    }
}

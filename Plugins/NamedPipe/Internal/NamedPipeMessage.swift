// Naru: messages between programs by the fastest valid mechanism.
// Copyright the Naru authors. Licensed under the Apache License, Version 2.0 (see LICENSE).

internal import NaruCore
internal import NaruStream
internal import NaruSystem

/// What the two openings say to each other on the control connection. The listener makes the pipes, because its folder
/// is one in which the dialer looks.
///
///      listener → dialer   names     version, id, folder and names; nothing exists yet
///      dialer → listener   noted     version, own id; from here on whoever survives the other knows what to remove
///      listener → dialer   objects   version, device and inode of each pipe; it holds what it reads from
///      dialer → listener   opened    version; it holds all its ends, the same objects, and its proof is written
///      listener → dialer   answer    version, the secret of that proof; it holds all its ends, the names are gone,
///                                    and its own proof is written
enum NamedPipeMessage {
    private static let version: UInt8 = 1
    private static let objectBytes = 16

    static func names(id: [UInt8], _ paths: NamedPipePaths) -> OpeningMessage {
        let text = ([paths.folder] + paths.names).map { Array($0.utf8) }.joined(separator: [0])
        return OpeningMessage(bytes: [version] + id + text)
    }

    /// - Throws: `protocolViolation` for what is no such message, or names anything but pipes of links; `unsupported`
    ///   where the folder is not one that only this user may write to.
    static func parseNames(
        _ message: OpeningMessage, count: Int
    ) throws(NaruError) -> (id: [UInt8], NamedPipePaths) {
        let body = try payload(message, atLeast: StreamProof.wordBytes)
        let words = body.dropFirst(StreamProof.wordBytes).split(separator: 0, omittingEmptySubsequences: false)
            .map { String(decoding: $0, as: UTF8.self) }
        guard words.count == 1 + count, let folder = words.first else { throw violation("other names than agreed") }
        let names = Array(words.dropFirst())
        guard names.allSatisfy(NamedPipeName.isWellFormed), Set(names).count == names.count else {
            throw violation("a name that no pipe of a link has")
        }
        let problem: String?
        do throws(SystemError) {
            problem = folder.hasPrefix("/") ? try RuntimeDirectories.problem(folder) : "it is none"
        } catch {
            problem = error.description
        }
        if let problem { throw unusable(folder, problem) }
        return (Array(body.prefix(StreamProof.wordBytes)), NamedPipePaths(folder: folder, names: names))
    }

    private static func unusable(_ folder: String, _ reason: String) -> NaruError {
        NaruError(
            .unsupported, operation: "open", object: TransportName.fifo.rawValue,
            reason: "the listener's folder \(folder): \(reason)", remedy: "give both ends the same NARU_RUNTIME_DIR")
    }

    /// A message that says only that it has come so far.
    static var step: OpeningMessage { OpeningMessage(bytes: [version]) }

    static func parseStep(_ message: OpeningMessage) throws(NaruError) {
        _ = try payload(message, exactly: 0)
    }

    static func objects(_ objects: [NamedPipeObject]) -> OpeningMessage {
        OpeningMessage(bytes: [version] + objects.flatMap { word($0.device) + word($0.inode) })
    }

    static func parseObjects(_ message: OpeningMessage, count: Int) throws(NaruError) -> [NamedPipeObject] {
        let body = try payload(message, exactly: count * objectBytes)
        return (0..<count).map { index in
            let begin = index * objectBytes
            return NamedPipeObject(device: number(body[begin..<begin + 8]), inode: number(body[begin + 8..<begin + 16]))
        }
    }

    /// A message of one word: an id or a secret.
    static func word(_ word: [UInt8]) -> OpeningMessage { OpeningMessage(bytes: [version] + word) }

    static func parseWord(_ message: OpeningMessage) throws(NaruError) -> [UInt8] {
        try payload(message, exactly: StreamProof.wordBytes)
    }

    static func violation(_ what: String) -> NaruError {
        NaruError(
            .protocolViolation, operation: "open", object: TransportName.fifo.rawValue, reason: "the peer said \(what)")
    }

    private static func payload(
        _ message: OpeningMessage, exactly count: Int? = nil, atLeast minimum: Int = 0
    ) throws(NaruError) -> [UInt8] {
        guard message.bytes.first == version, message.descriptors.isEmpty, message.bytes.count > minimum,
            count == nil || message.bytes.count == 1 + (count ?? 0)
        else { throw violation("something that is no message of this opening") }
        return Array(message.bytes.dropFirst())
    }

    private static func word(_ number: UInt64) -> [UInt8] {
        (0..<8).map { UInt8(truncatingIfNeeded: number >> (8 * $0)) }
    }

    private static func number(_ bytes: ArraySlice<UInt8>) -> UInt64 {
        bytes.reversed().reduce(0) { $0 << 8 | UInt64($1) }
    }
}

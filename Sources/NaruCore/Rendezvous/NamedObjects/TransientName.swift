// Naru: messages between programs by the fastest valid mechanism.
// Copyright the Naru authors. Licensed under the Apache License, Version 2.0 (see LICENSE).

public import NaruSystem

/// The name of an object that goes with the process that made it:
/// `naru-<uid>-<word>-<boot>-<pid>-<start>-<random>`.
///
/// It tells whose the object is and whether its maker lives: `boot` are the first eight digits of the host's boot id,
/// `start` is when the process started in ticks since then. A process number means something within one PID namespace
/// only, so the random part, sixteen hexadecimal digits, begins with eight that stand for the maker's.
public struct TransientName: Sendable, Hashable {
    /// The maker's user.
    public let userID: UInt32
    /// What it is: `[a-z0-9-]{1,64}`.
    public let word: String
    /// The maker.
    public let process: ProcessIdentity
    private let boot: String
    private let namespace: String
    private let random: String

    /// A new name for something that this process makes.
    public static func make(_ word: String) -> TransientName {
        let here = Here.current()
        return TransientName(
            userID: HostInformation.userID, word: word, process: .current, boot: here.boot, namespace: here.namespace,
            random: hexadecimal(UInt32(truncatingIfNeeded: SystemRandom.word())))
    }

    private init(
        userID: UInt32, word: String, process: ProcessIdentity, boot: String, namespace: String, random: String
    ) {
        self.userID = userID
        self.word = word
        self.process = process
        self.boot = boot
        self.namespace = namespace
        self.random = random
    }

    /// Reads a name, which may come from anybody; `nil` where it is none of this form.
    public init?(_ text: String) {
        guard text.utf8.count <= 200 else { return nil }
        let parts = text.split(separator: "-", omittingEmptySubsequences: false)
        guard parts.count >= 7, parts[0] == "naru", let user = UInt32(parts[1]) else { return nil }
        let word = parts[2..<(parts.count - 4)].joined(separator: "-")
        let tail = parts.suffix(4).map(String.init)
        guard NameRule.accepts(word), Self.isHexadecimal(tail[0], 8), let process = Int32(tail[1]), process > 0,
            let start = UInt64(tail[2]), Self.isHexadecimal(tail[3], 16)
        else { return nil }
        self.init(
            userID: user, word: word, process: ProcessIdentity(processID: process, startTime: start), boot: tail[0],
            namespace: String(tail[3].prefix(8)), random: String(tail[3].suffix(8)))
    }

    /// The name.
    public var text: String {
        "naru-\(userID)-\(word)-\(boot)-\(process.processID)-\(process.startTime)-\(namespace)\(random)"
    }

    /// Whether the maker is proved to have ended.
    public var isDead: Bool {
        if case .dead = state() { return true }
        return false
    }

    /// Whether the maker lives; unknown where this process cannot tell.
    func state() -> NamedObject.State {
        let here = Here.current()
        guard here.boot != Here.hidden, boot != Here.hidden else { return .unknown("the host's boot id is hidden") }
        guard boot == here.boot else { return .dead("it was made before the host last started") }
        guard namespace == here.namespace, namespace != Here.hidden else {
            return .unknown("process \(process.processID) of another PID namespace made it")
        }
        guard !process.isAlive else { return .alive([process.processID]) }
        return .dead("process \(process.processID), which made it, has ended")
    }

    private struct Here {
        /// Stands for what cannot be read.
        static let hidden = "00000000"
        let boot: String
        let namespace: String

        static func current() -> Here {
            let host = HostIdentity.current()
            let boot = String(host.bootID.filter { $0 != "-" }.lowercased().prefix(8))
            let digits = (host.namespaces["pid"] ?? "").filter(\.isNumber)
            return Here(
                boot: isHexadecimal(boot, 8) ? boot : hidden,
                namespace: UInt64(digits).map { hexadecimal(UInt32(truncatingIfNeeded: $0)) } ?? hidden)
        }
    }

    private static func isHexadecimal(_ text: String, _ count: Int) -> Bool {
        text.utf8.count == count && text.utf8.allSatisfy { "0123456789abcdef".utf8.contains($0) }
    }

    private static func hexadecimal(_ number: UInt32) -> String {
        let digits = String(number, radix: 16)
        return String(repeating: "0", count: 8 - digits.count) + digits
    }
}

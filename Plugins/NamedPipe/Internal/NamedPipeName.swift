// Naru: messages between programs by the fastest valid mechanism.
// Copyright the Naru authors. Licensed under the Apache License, Version 2.0 (see LICENSE).

internal import NaruCore
internal import NaruSystem
internal import Synchronization

/// Names of pipes that are being opened: `naru-USER-fifo-BOOT-PROCESS-START-RANDOM`, so that who made one, and whether
/// that process lives, can be told from the name.
enum NamedPipeName {
    private static let maximumBytes = 128

    /// A name that nothing has.
    static func random() -> String { TransientName.make("fifo").text }

    /// Removes what two ends that were killed at once have left in a folder: the first time that this process makes a
    /// pipe there, since whoever is killed later leaves it to the next.
    static func removeDead(in folder: String) {
        guard cleaned.withLock({ $0.insert(folder).inserted }), let names = try? FileSystem.list(folder) else { return }
        for name in names where isWellFormed(name) {
            guard let maker = TransientName(name), maker.isDead else { continue }
            NamedPipePaths(folder: folder, names: [name]).remove()
        }
    }

    private static let cleaned = Mutex<Set<String>>([])

    /// Whether a peer may name a pipe so: one of this user's, in no other folder.
    static func isWellFormed(_ name: String) -> Bool {
        name.hasPrefix(prefix) && name.utf8.count <= maximumBytes
            && name.utf8.allSatisfy { byte in
                (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(byte)
                    || (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte) || byte == UInt8(ascii: "-")
            }
    }

    private static var prefix: String { "naru-\(HostInformation.userID)-fifo-" }
}

/// The names of one link's pipes, removed once both ends have them open, or when the opening is dropped.
///
/// Both ends hold them, so that they go when either end is killed in between; only a kill of both at that moment leaves
/// one behind, which the next that makes one here removes.
final class NamedPipePaths {
    /// The folder that they lie in.
    let folder: String
    /// The name of each lane's pipe, the dialer's sending lane first.
    let names: [String]
    private var isKept = true

    init(folder: String, names: [String]) {
        self.folder = folder
        self.names = names
    }

    deinit {
        remove()
    }

    /// The path of a lane's pipe.
    func path(_ index: Int) -> String { "\(folder)/\(names[index])" }

    /// Removes the names, once. What goes by one of them and is no pipe of this user's is left alone.
    func remove() {
        guard isKept else { return }
        isKept = false
        for index in names.indices {
            guard let found = try? FileSystem.status(path(index), followingSymbolicLinks: false), found.kind == .fifo,
                found.userID == HostInformation.userID
            else { continue }
            try? FileSystem.remove(path(index))
        }
    }

    /// Leaves the removal to the other end, which has it open and has answered.
    func leave() {
        isKept = false
    }
}

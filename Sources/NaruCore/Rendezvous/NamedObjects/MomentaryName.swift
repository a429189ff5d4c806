// Naru: messages between programs by the fastest valid mechanism.
// Copyright the Naru authors. Licensed under the Apache License, Version 2.0 (see LICENSE).

internal import NaruSystem

/// The name of an object that is needed for an instant, to make it: `naru-<uid>-momentary-<word>`.
///
/// A kernel that gives an object only under a name has it removed at once, by whoever made it. Between the two a
/// process can be killed. Such a name is therefore the same for all processes of a user, made exclusively, and taken
/// away by whoever meets it: its maker has the object open and does not need the name, or has died. So the next start
/// removes what a dead one has left, and at most one is ever left.
public enum MomentaryName {
    /// The name for this kind of object, `[a-z0-9]{1,32}`, of this process's user.
    public static func text(_ word: String) -> String { prefix(HostInformation.userID) + word }

    /// The kind of a name of this form and user; `nil` for another.
    static func word(of name: String, user: UInt32) -> String? {
        let prefix = prefix(user)
        let word = name.dropFirst(prefix.count)
        guard name.hasPrefix(prefix), (1...32).contains(word.utf8.count),
            word.utf8.allSatisfy({ "abcdefghijklmnopqrstuvwxyz0123456789".utf8.contains($0) })
        else { return nil }
        return String(word)
    }

    private static func prefix(_ user: UInt32) -> String { "naru-\(user)-momentary-" }
}

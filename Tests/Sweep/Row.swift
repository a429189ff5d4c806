// Naru: messages between programs by the fastest valid mechanism.
// Copyright the Naru authors. Licensed under the Apache License, Version 2.0 (see LICENSE).

/// A line of the table: what is swept.
struct Row: Sendable {
    /// What the round is about.
    enum Kind: Sendable {
        case link, held, family, queueSend, queueReceive, queueRemove, permitsMade, permitsUsed, signalPost, signalWait
    }

    /// Who else there is, or was.
    enum Mode: Sendable {
        /// One end is killed.
        case one
        /// Both ends are killed at the same point.
        case both
        /// The victim takes over the name of one that was killed before it.
        case heir
    }

    var kind: Kind
    var transport: String
    /// The victim's role.
    var role: String
    var mode = Mode.one
    /// Whether the victim is the process that the program of the role starts.
    var isChild = false
    /// What is shown.
    var title: String

    /// Whether the contract says that something may be left that only `naru clean` removes.
    var needsCleaning: Bool { mode == .both }

    /// Whether the victim of a link sends.
    var isSender: Bool { role == "send" || role == "hold-loan" }

    /// What the victim holds when it is killed, where its points lie between two operations on memory.
    var held: String? {
        switch role {
        case "hold-loan": "loan"
        case "hold-view": "view"
        case "permits-hold": "permit"
        default: nil
        }
    }

    static let links = [
        "shared-memory", "unix-socket", "fifo", "tcp", "posix-queue", "sysv-queue", "shared-memory+zstd",
        "tcp@tcp", "shared-memory@tcp",
    ]

    /// Everything that is swept.
    static let all: [Row] = {
        var rows: [Row] = []
        for transport in links {
            rows += [
                Row(kind: .link, transport: transport, role: "send", title: "sender"),
                Row(kind: .link, transport: transport, role: "receive", title: "receiver"),
                Row(kind: .link, transport: transport, role: "send", mode: .both, title: "both, at the sender's"),
                Row(kind: .link, transport: transport, role: "receive", mode: .both, title: "both, at the receiver's"),
                Row(kind: .link, transport: transport, role: "receive", mode: .heir, title: "heir of a dead receiver"),
                Row(kind: .held, transport: transport, role: "hold-loan", title: "sender with a loan"),
                Row(kind: .held, transport: transport, role: "hold-view", title: "receiver with a view"),
            ]
        }
        for transport in ["pipe", "shared-memory", "unix-socket"] {
            rows += [
                Row(kind: .family, transport: transport, role: "parent-send", title: "parent that sends"),
                Row(kind: .family, transport: transport, role: "parent-receive", title: "parent that receives"),
                Row(
                    kind: .family, transport: transport, role: "parent-receive", isChild: true,
                    title: "child that sends"),
                Row(
                    kind: .family, transport: transport, role: "parent-send", isChild: true,
                    title: "child that receives"),
            ]
        }
        for transport in ["posix-queue", "sysv-queue"] {
            rows += [
                Row(kind: .queueSend, transport: transport, role: "queue-send", title: "sender of a queue"),
                Row(kind: .queueReceive, transport: transport, role: "queue-receive", title: "receiver of a queue"),
                Row(kind: .queueRemove, transport: transport, role: "queue-remove", title: "remover of a queue"),
            ]
        }
        for transport in ["semaphore", "posix-semaphore"] {
            rows += [
                Row(kind: .permitsMade, transport: transport, role: "permits", title: "maker of permits"),
                Row(kind: .permitsUsed, transport: transport, role: "permits", title: "user of permits"),
                Row(kind: .permitsUsed, transport: transport, role: "permits-hold", title: "holder of a permit"),
                Row(kind: .signalPost, transport: transport, role: "signal-post", title: "poster of a signal"),
                Row(kind: .signalWait, transport: transport, role: "signal-wait", title: "waiter for a signal"),
            ]
        }
        return rows
    }()
}

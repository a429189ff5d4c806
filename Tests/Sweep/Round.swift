// Naru: messages between programs by the fastest valid mechanism.
// Copyright the Naru authors. Licensed under the Apache License, Version 2.0 (see LICENSE).

import NaruSystem

/// What came of one kill.
struct Verdict: Sendable {
    /// Whether the process came to the point.
    var isKilled = false
    /// From the kill until the other end was told, nanoseconds; `nil` where it had no link with the victim.
    var detection: UInt64?
    /// Whether something was left that only cleaning removes.
    var isCleaned = false
    var hangs: [String] = []
    var losses: [String] = []
    var leftovers: [String] = []
    /// Whatever else is wrong.
    var wrongs: [String] = []

    var complaints: [String] { hangs + losses + leftovers + wrongs }
}

/// One round: a victim, those beside it, and those who start after it.
struct Round {
    let stage: Stage
    let row: Row
    /// Where the victim is killed; `nil`: nowhere, its calls are recorded.
    let point: Point?
    private(set) var verdict = Verdict()
    private(set) var calls: [String] = []
    private var killedAt: UInt64?

    init(_ stage: Stage, _ row: Row, _ point: Point?) { (self.stage, self.row, self.point) = (stage, row, point) }

    private struct Stop: Error {}

    /// Plays it, and looks at what is left.
    mutating func play() throws {
        let before = stage.objects()
        defer { stage.endAll() }
        do {
            switch row.kind {
            case .link, .held: try link()
            case .family: try family()
            case .queueSend: try queueSend()
            case .queueReceive: try queueReceive()
            case .queueRemove: try queueRemove()
            case .permitsMade, .permitsUsed: try permits()
            case .signalPost: try signalPost()
            case .signalWait: try signalWait()
            }
        } catch is Stop {
        } catch is Trace.Hang {
            verdict.hangs.append("the victim, or what it had started, did not end")
        }
        stage.endAll()
        try look(before)
    }

    /// Runs the victim.
    private mutating func kill(_ role: String, _ ledger: String, _ number: Int = 0, and other: Int32 = 0) throws {
        if row.held != nil { return try killHolding(role, ledger) }
        let trace = try Trace(
            stage, ["party", role, stage.link(row.transport), row.transport, ledger, "\(number)"], at: point,
            isChild: row.isChild, and: other)
        calls = trace.calls
        killedAt = trace.killedAt
        verdict.isKilled = killedAt != nil
    }

    /// Kills the victim when it says that it holds something.
    private mutating func killHolding(_ role: String, _ ledger: String) throws {
        let victim = try stage.start(role, row.transport, ledger: ledger)
        guard victim.reaches(.held) else {
            verdict.wrongs.append("did not hold anything: \(victim.state)")
            throw Stop()
        }
        killedAt = MonotonicClock.nanoseconds()
        verdict.isKilled = true
        victim.end()
    }

    private mutating func expectEnd(_ party: Running) throws {
        guard party.ends() else {
            verdict.hangs.append("hangs: \(party.state)")
            throw Stop()
        }
    }

    /// Waits for a party that nothing keeps from doing all that it is to do.
    private mutating func expectFinish(_ party: Running, _ count: UInt64? = nil) throws {
        try expectEnd(party)
        if party.ledger.phase != .finished || (count ?? party.ledger.count) != party.ledger.count {
            verdict.wrongs.append("did not finish: \(party.state)")
            throw Stop()
        }
    }

    /// A party that lost its peer: it knows, and by the right error.
    private mutating func judge(_ ledger: Ledger, _ who: String) {
        // One that had no link yet was still on its way.
        if let killedAt, ledger.link != 0, ledger.endedAt > killedAt { verdict.detection = ledger.endedAt - killedAt }
        if !["peerVanished", "peerKilled"].contains(ledger.code) {
            verdict.wrongs.append("\(who) was told: \(ledger.text)")
        }
    }

    // MARK: Links

    private mutating func link() throws {
        let role = row.isSender ? "send" : "receive"
        let other = row.isSender ? "receive" : "send"
        if row.mode == .heir {
            // Somebody listened here, and was killed.
            let early = stage.ledger()
            _ = try Trace(
                stage, ["party", "receive", stage.link(row.transport), row.transport, early, "0"],
                at: Point("listen", 1, isAfter: true), isChild: false, and: 0)
        }
        let survivor = try stage.start(other, row.transport)
        let path = stage.ledger()
        try kill(row.role, path, and: row.mode == .both ? survivor.process.processID : 0)
        let victim = try Ledger(path: path)
        if killedAt == nil, victim.phase != .finished {
            verdict.wrongs.append("the victim ended before its point: \(victim.phase) \(victim.text)")
        }
        let heir = try stage.start(role, row.transport)
        let isAlone = row.mode == .both && killedAt != nil
        if isAlone { _ = survivor.process.wait() } else { try expectEnd(survivor) }
        let isWithHeir = survivor.ledger.link != 0 && survivor.ledger.link == heir.ledger.link
        if !isAlone { judge(survivor, victim, isWithHeir) }
        if !isWithHeir || isAlone { try expectFinish(try stage.start(other, row.transport), Message.count) }
        try expectFinish(heir, Message.count)
    }

    /// What the survivor of a link was told and given.
    private mutating func judge(_ survivor: Running, _ victim: Ledger, _ isWithHeir: Bool) {
        let told = survivor.ledger
        switch (told.phase, isWithHeir) {
        case (.finished, true):
            if victim.count > 0 {
                verdict.losses.append("the victim counts \(victim.count), and nobody had a link with it")
            }
        case (.finished, false):
            if !row.isSender, victim.count != Message.count {
                verdict.wrongs.append("finished, though \(victim.count) were taken")
            }
        case (_, false) where told.link != 0:
            judge(told, survivor.role)
        default: verdict.wrongs.append("failed without its victim: \(survivor.state)")
        }
        if row.held == "loan", told.count != 4 {
            verdict.wrongs.append("\(told.count) came, and not the 4 that were whole")
        }
        if row.isSender, !isWithHeir, told.count < victim.count {
            verdict.losses.append("\(victim.count) were handed over, \(told.count) came")
        }
    }

    // MARK: Parents and children

    private mutating func family() throws {
        let path = stage.ledger()
        try kill(row.role, path)
        let (parent, child) = (try Ledger(path: path), try Ledger(path: path + "-child"))
        let (victim, survivor) = row.isChild ? (child, parent) : (parent, child)
        if killedAt == nil {
            for ledger in [parent, child] where ledger.phase != .finished {
                verdict.wrongs.append("nobody was killed, and: \(ledger.phase) \(ledger.text)")
            }
        } else if survivor.phase == .failed {
            judge(survivor, row.isChild ? "the parent" : "the child")
        } else if survivor.phase != .finished, row.isChild || survivor.phase != .started {
            verdict.wrongs.append("the survivor ended at \(survivor.phase)")
        }
        let isVictimSender = (row.role == "parent-send") != row.isChild
        if isVictimSender, survivor.count < victim.count {
            verdict.losses.append("\(victim.count) were handed over, \(survivor.count) came")
        }
        if !isVictimSender, survivor.phase == .finished, victim.count != Message.count {
            verdict.wrongs.append("finished, though \(victim.count) were taken")
        }
        try expectFinish(try stage.start(row.role, row.transport), Message.count)
    }

    // MARK: Shared queues

    private static let all: UInt64 = (1 << (Message.count + 1)) - 2

    /// A new sender's messages arrive, and the queue can be removed.
    private mutating func useQueue(_ receiver: Running) throws {
        try expectFinish(try stage.start("queue-send", row.transport, 1))
        try expectFinish(try stage.start("queue-stop", row.transport))
        try expectFinish(receiver)
        if receiver.ledger.mask(1) != Self.all {
            verdict.losses.append("of a new sender's came only \(String(receiver.ledger.mask(1), radix: 2))")
        }
        try expectFinish(try stage.start("queue-remove", row.transport))
    }

    private mutating func queueSend() throws {
        let receiver = try stage.start("queue-receive", row.transport)
        let path = stage.ledger()
        try kill("queue-send", path)
        try useQueue(receiver)
        let sent = try Ledger(path: path).count
        let mask = receiver.ledger.mask(0)
        let handedOver: UInt64 = (1 << (sent + 1)) - 2
        if mask & handedOver != handedOver || (mask >> 1) & ((mask >> 1) + 1) != 0 {
            verdict.losses.append("\(sent) were handed over, \(String(mask, radix: 2)) came")
        }
    }

    private mutating func queueReceive() throws {
        let sender = try stage.start("queue-send", row.transport)
        let path = stage.ledger()
        try kill("queue-receive", path, 6)
        let receiver = try stage.start("queue-receive", row.transport)
        try expectFinish(sender)
        try useQueue(receiver)
        let (taken, rest) = (try Ledger(path: path).mask(0), receiver.ledger.mask(0))
        if taken & rest != 0 { verdict.wrongs.append("taken twice: \(String(taken & rest, radix: 2))") }
        let missing = Self.all & ~(taken | rest)
        // At most the one that the victim had in its hands; none where nobody was killed.
        if missing.nonzeroBitCount > (killedAt == nil ? 0 : 1) {
            verdict.losses.append("never taken: \(String(missing, radix: 2))")
        }
    }

    private mutating func queueRemove() throws {
        let (sender, taker) = (
            try stage.start("queue-send", row.transport), try stage.start("queue-receive", row.transport, 6)
        )
        try expectFinish(sender)
        try expectFinish(taker)
        try kill("queue-remove", stage.ledger())
        try useQueue(try stage.start("queue-receive", row.transport))
    }

    // MARK: Permits and signals

    private static let patience = 20_000
    private static let glance = 100

    private mutating func permits() throws {
        let isPOSIX = row.transport.hasPrefix("posix")
        if row.kind == .permitsUsed {
            let user = try stage.start("permits-try", row.transport, isPOSIX ? Self.glance : Self.patience)
            guard user.reaches(.open) else {
                verdict.wrongs.append("did not open: \(user.state)")
                throw Stop()
            }
            try kill(row.role, stage.ledger())
            user.closeInput()
            // A POSIX permit is lost with its holder until all users are gone: the record says so.
            try expectEnd(user)
            if user.ledger.phase != .finished, !isPOSIX || user.ledger.code != "deadlineExceeded" || killedAt == nil {
                verdict.losses.append("the permit did not come back: \(user.state)")
            }
        } else {
            try kill("permits", stage.ledger())
        }
        let next = try stage.start("permits-try", row.transport, Self.patience)
        next.closeInput()
        try expectFinish(next, 1)
    }

    private mutating func signalPost() throws {
        let path = stage.ledger()
        try kill("signal-post", path)
        let posted = try Ledger(path: path).count
        let taker = try stage.start("signal-wait", row.transport, Self.glance)
        try expectFinish(taker)
        if taker.ledger.count < posted || taker.ledger.count > posted + 1 {
            verdict.losses.append("\(posted) were posted, \(taker.ledger.count) taken")
        }
        try useSignal()
    }

    private mutating func signalWait() throws {
        try expectFinish(try stage.start("signal-post", row.transport))
        let path = stage.ledger()
        try kill("signal-wait", path, Self.glance)
        let taken = try Ledger(path: path).count
        let taker = try stage.start("signal-wait", row.transport, Self.glance)
        try expectFinish(taker)
        // The victim may have taken one that it could not write down.
        let sum = taken + taker.ledger.count
        if sum > 2 || sum < (killedAt == nil ? 2 : 1) {
            verdict.losses.append("2 were posted, \(taken) and \(taker.ledger.count) taken")
        }
        try useSignal()
    }

    private mutating func useSignal() throws {
        try expectFinish(try stage.start("signal-post", row.transport))
        try expectFinish(try stage.start("signal-wait", row.transport, Self.patience), 2)
    }

    // MARK: What is left

    /// Everything is as before; where it is not, cleaning makes it so.
    private mutating func look(_ before: Set<String>) throws {
        if try isClean(before) { return }
        let left = stage.objects().subtracting(before).sorted()
        let tidy = try stage.start("tidy", row.transport)
        _ = tidy.ends()
        if try isClean(before) {
            verdict.isCleaned = true
            if !row.needsCleaning { verdict.leftovers.append("only cleaning removed \(left)") }
        } else {
            verdict.leftovers.append("left: \(stage.objects().subtracting(before).sorted())")
            let durable = try stage.start("tidy", row.transport, 1)
            _ = durable.ends()
            for name in stage.objects().subtracting(before) where !name.contains("/") && !name.contains(" ") {
                try? FileSystem.remove("\(stage.folder)/run/\(name)")
            }
        }
        stage.endAll()
    }

    private func isClean(_ before: Set<String>) throws -> Bool {
        // The objects of others that are seen as well come and go.
        let deadline = Deadline.after(stage.isIsolated ? .seconds(1) : .seconds(5))
        while true {
            if stage.objects().isSubset(of: before) { return true }
            if deadline.isPast { return false }
            Processor.yield()
        }
    }
}

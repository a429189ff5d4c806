// Naru: messages between programs by the fastest valid mechanism.
// Copyright the Naru authors. Licensed under the Apache License, Version 2.0 (see LICENSE).

import NaruSystem
import Testing

/// A thousand links between two processes, within the descriptors that a process has without asking for more.
@Suite(.serialized, .timeLimit(.minutes(4))) struct ManyLinksTests {
    /// What one process said of its links.
    private struct Said {
        var what: String
        var object: String
        var descriptors: Int
        var ownKiB: Int
        var sharedKiB: Int

        init(_ line: String) throws {
            let words = line.split(separator: " ").map(String.init)
            guard words.count == 5, let descriptors = Int(words[2]), let own = Int(words[3]), let shared = Int(words[4])
            else { throw Lines.Silence(said: line) }
            (what, object) = (words[0], words[1])
            (self.descriptors, ownKiB, sharedKiB) = (descriptors, own, shared)
        }
    }

    /// Descriptors of a runtime, whatever its links: the reactor's poller and bell, and the handle of the one peer.
    static let ofARuntime = 3
    /// Those of a listener: its socket and its lock.
    static let ofAListener = 2

    /// - Parameter each: descriptors of each link: the control socket, and the lane's own where it has one.
    @Test(arguments: [("shared-memory", 1000, 1), ("unix-socket", 490, 2)])
    func manyLinksBetweenTwoProcesses(_ transport: String, _ count: Int, each: Int) throws {
        let stage = try Stage()
        func peer(_ mode: String) throws -> Running {
            let program = Stage.built("NaruIntegrationPeer")
            // What whoever runs the tests left open is not the peer's.
            let closeOthers = "for f in /proc/$$/fd/*; do n=${f##*/}; [ $n -lt 3 ] || eval \"exec $n>&-\"; done"
            return try stage.start(
                "/bin/bash", ["-c", "\(closeOthers); ulimit -n 1024; exec \(program) \(mode) many \(count)"],
                environment: ["NARU_LINKS_MANY_TRANSPORTS": transport])
        }
        let receiver = try peer("many-receive")
        #expect(try receiver.line() == "listening")
        let sender = try peer("many-send")

        let sent = try Said(sender.line())
        let received = try Said(receiver.line())
        for said in [sent, received] { #expect(said.what == "linked" && said.object == transport) }
        #expect(sent.descriptors == Self.ofARuntime + count * each)
        #expect(received.descriptors == Self.ofARuntime + Self.ofAListener + count * each)

        sender.closeInput()
        for said in [try Said(receiver.line()), try Said(sender.line())] {
            #expect(said.what == "carried" && said.object == "\(count)")
            print(
                "\(count) links over \(transport), each: \(said.descriptors / count) descriptors,",
                "\(Double(said.ownKiB) / Double(count)) KiB of its own, \(Double(said.sharedKiB) / Double(count)) KiB shared"
            )
            // The rest of what a link may cost is its ring's.
            #expect(said.ownKiB < 16 * count)
            #expect(said.ownKiB + said.sharedKiB < 64 * count)
        }
        #expect(try sender.line() == "finished 0")
        receiver.closeInput()
        #expect(try receiver.line() == "finished 0")
    }
}

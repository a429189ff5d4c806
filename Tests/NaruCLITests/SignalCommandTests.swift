// Naru: messages between programs by the fastest valid mechanism.
// Copyright the Naru authors. Licensed under the Apache License, Version 2.0 (see LICENSE).

import NaruSystem
import Testing

/// `naru signal`, `naru wait`, `naru list` and `naru clean`, run as a user runs them.
@Suite struct SignalCommandTests {
    @Test(arguments: ["semaphore", "posix-semaphore"])
    func `what was signalled is waited for, whoever comes first`(transport: String) throws {
        try Workshop.with { workshop in
            let link = "ready-\(SystemRandom.word())"
            let waiter = try workshop.start("wait", link, "--transport", transport, "--json")
            let posted = try workshop.start("signal", link, "--count", "3", "--transport", transport, "--json").finish()
            #expect(posted.code == 0, "\(posted.errors)")
            let start = #"{"transport":"\#(transport)","direction":"signal","#
            #expect(posted.output.hasPrefix(start + #""posted":3,"pending":"#))
            let waited = try waiter.finish()
            #expect(waited.code == 0, "\(waited.errors)")
            #expect(waited.output.hasPrefix(start + #""taken":1,"pending":"#))
            let rest = try workshop.start("wait", link, "--count", "2", "--transport", transport).finish()
            #expect(rest.code == 0, "\(rest.errors)")
            #expect(rest.output.hasPrefix("taken 2 signals, 0 pending, by \(transport): "))
            let list = try workshop.start("list").finish()
            #expect(!list.output.contains(link))
        }
    }

    @Test func `a wait in vain ends with 1, nonsense with 64`() throws {
        try Workshop.with { workshop in
            let vain = try workshop.start("wait", "never", "--wait", "0.01").finish()
            #expect(vain.code == 1)
            #expect(vain.errors == "naru: wait for local:never: the deadline passed first; wait longer\n")
            #expect(try workshop.start("signal", "never", "--count", "0").finish().code == 64)
            #expect(try workshop.start("wait", "never", "--wait", "-1").finish().code == 64)
            #expect(try workshop.start("signal", "Not A Name").finish().code == 64)
            let wrong = try workshop.start("signal", "never", "--transport", "shared-memory").finish()
            #expect(wrong.code == 1)
            #expect(wrong.errors.contains("shared-memory carries simplex"), "\(wrong.errors)")
            let direction = try workshop.start(
                "signal", "never", environment: ["NARU_LINKS_NEVER_DIRECTION=duplex"]
            ).finish()
            #expect(direction.errors.contains("the link's direction is duplex"), "\(direction.errors)")
        }
    }

    @Test func `explain knows signals`() throws {
        try Workshop.with { workshop in
            let run = try workshop.start("explain", "ready", "--direction", "signal", "--json").finish()
            #expect(run.output.contains(#""rank":1,"reason":"the only valid one"#), "\(run.output)")
            #expect(run.output.contains(#""transport":"semaphore","verdict":"chosen"#), "\(run.output)")
            #expect(run.output.contains("used only where it is asked for by name"))
        }
    }

    @Test func `a kept signal is listed, and goes with --durable only`() throws {
        try Workshop.with { workshop in
            let link = "kept-\(SystemRandom.word())"
            #expect(try workshop.start("signal", link, "--count", "2").finish().code == 0)
            let list = try workshop.start("list", "--json").finish()
            let row = #"{"name":"\#(link)","kind":"semaphore","state":"dead","durable":true,"#
            #expect(list.output.contains(row), "\(list)")
            #expect(list.output.contains(#""detail":"2 pending""#))
            let table = try workshop.start("list").finish().output.split(separator: "\n")
            #expect(table.first?.hasPrefix("NAME") == true)
            #expect(table.contains { $0.hasPrefix(link) && $0.contains("durable") && $0.contains("2 pending") })
            let clean = try workshop.start("clean").finish()
            #expect(clean.output.hasPrefix("0 objects removed.\n1 durable object kept"), "\(clean)")
            let dry = try workshop.start("clean", "--durable", "--dry-run", "--json").finish()
            #expect(dry.output.contains(#""dryRun":true"#) && dry.output.contains(link))
            let durable = try workshop.start("clean", "--durable").finish()
            #expect(durable.output.hasSuffix("1 object removed.\n"), "\(durable)")
            #expect(!(try workshop.start("list", "--json").finish().output.contains(link)))
            #expect(try FileSystem.list(workshop.path + "/run").isEmpty)
        }
    }
}

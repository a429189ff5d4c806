// Naru: messages between programs by the fastest valid mechanism.
// Copyright the Naru authors. Licensed under the Apache License, Version 2.0 (see LICENSE).

import NaruSystem
import Testing

/// Two ends in two network namespaces that a pair of virtual interfaces joins, as two hosts on a wire.
///
/// The namespaces belong to two processes that do nothing else, and go with them. It takes root; where that is not
/// permitted, the tests print so and try nothing.
@Suite(.serialized, .timeLimit(.minutes(5))) struct NetworkNamespaceTests {
    private static let unshare = "/usr/bin/unshare"
    private static let nsenter = "/usr/bin/nsenter"
    private static let ip = "/usr/sbin/ip"

    /// Two namespaces and the wire between them.
    private struct Wire {
        let stage: Stage
        private let holders: [Running]

        /// `nil` where this host does not permit it; says so.
        init?(_ stage: Stage) throws {
            self.stage = stage
            let trial = try? stage.start(NetworkNamespaceTests.unshare, ["--net", "/bin/true"])
            guard trial?.end() == .exited(0) else {
                print("not tried: network namespaces are not permitted here")
                return nil
            }
            holders = try (0..<2).map { _ in
                try stage.start(NetworkNamespaceTests.unshare, ["--net", "/bin/sleep", "600"])
            }
            let own = try FileSystem.readLink("/proc/self/ns/net")
            let deadline = Deadline.after(.seconds(30))
            for holder in holders {
                while try FileSystem.readLink("/proc/\(holder.processID)/ns/net") == own {
                    guard !deadline.isPast else { throw Lines.Silence(said: "no namespace") }
                    Processor.yield()
                }
            }
            let far = "\(holders[1].processID)"
            try configure(0, ["link", "add", "wire", "type", "veth", "peer", "name", "wire", "netns", far])
            for end in 0..<2 {
                try configure(end, ["address", "add", "10.77.0.\(end + 1)/24", "dev", "wire"])
                try configure(end, ["address", "add", "fd77::\(end + 1)/64", "dev", "wire", "nodad"])
                try configure(end, ["link", "set", "lo", "up"])
                try configure(end, ["link", "set", "wire", "up"])
            }
        }

        /// Runs `ip` at one end.
        func configure(_ end: Int, _ arguments: [String]) throws {
            try expectSuccess(of: start(end, NetworkNamespaceTests.ip, arguments))
        }

        /// Starts a program at one end.
        func start(
            _ end: Int, _ executable: String, _ arguments: [String], environment: [String: String] = [:]
        ) throws -> Running {
            try stage.start(
                NetworkNamespaceTests.nsenter,
                ["--net=/proc/\(holders[end].processID)/ns/net", executable] + arguments, environment: environment)
        }

        /// Starts the tests' own peer at one end.
        func peer(_ end: Int, _ arguments: [String], environment: [String: String] = [:]) throws -> Running {
            try start(end, Stage.built("NaruIntegrationPeer"), arguments, environment: environment)
        }
    }

    private static let insecure = ["NARU_LINKS_X_INSECURE": "true"]
    /// A tenth of a gibibyte; `NARU_TEST_BYTES` sets another size.
    private static let byteCount = HostInformation.environment("NARU_TEST_BYTES").flatMap { Int($0) } ?? 107_374_183

    @Test(arguments: ["10.77.0.1", "[fd77::1]"], [true, false])
    func automaticallyItIsTCPWithReasons(_ host: String, _ isReceiverFirst: Bool) throws {
        let stage = try Stage()
        guard let wire = try Wire(stage) else { return }
        let byteCount = isReceiverFirst ? Self.byteCount : 5 << 20
        let input = try stage.random("input", byteCount: byteCount)
        let output = stage.folder + "/output"
        let link = "tcp:\(host):9000/x"
        let start: [() throws -> Running] = [
            { try wire.peer(0, ["random-receive", link, output, "3"], environment: Self.insecure) },
            { try wire.peer(1, ["random-send", link, input, "3"], environment: Self.insecure) },
        ]
        let ends = [try start[isReceiverFirst ? 0 : 1](), try start[isReceiverFirst ? 1 : 0]()]
        let reasons = try expectWhole(
            stage, ends, expected: "tcp remote", byteCount: byteCount, [(input, output)])
        for transport in ["in-process", "shared-memory", "unix-socket"] {
            let own = reasons.filter { $0.hasPrefix("reason \(transport) ") }
            #expect(own.count == 2, "\(reasons)")
            #expect(own.allSatisfy { $0.contains("different network namespaces") }, "\(own)")
        }
    }

    @Test func withoutInsecureItIsRefused() throws {
        let stage = try Stage()
        guard let wire = try Wire(stage) else { return }
        let receiver = try wire.peer(0, ["meet-receive", "tcp:10.77.0.1:9000/x"])
        let sender = try wire.peer(1, ["dial", "tcp:10.77.0.1:9000/x", "30000"])
        for end in [receiver, sender] {
            let last = try end.line()
            #expect(last.hasPrefix("error refused ") && last.contains("`insecure`"), "\(last)")
        }
    }

    /// Every address of a host, and a dialer that knows one of them.
    @Test func bothWaysAtOnceAtEveryAddress() throws {
        let stage = try Stage()
        guard let wire = try Wire(stage) else { return }
        let inputs = [try stage.random("near", byteCount: 9 << 20), try stage.random("far", byteCount: 7 << 20)]
        let outputs = [stage.folder + "/near-there", stage.folder + "/far-there"]
        let ends = [
            try wire.peer(
                0, ["random-listen", "tcp:*:9000/x", inputs[0], outputs[1], "5"], environment: Self.insecure),
            try wire.peer(
                1, ["random-dial", "tcp:10.77.0.1:9000/x", inputs[1], outputs[0], "5"], environment: Self.insecure),
        ]
        try expectWhole(
            stage, ends, expected: "tcp remote", byteCount: 16 << 20,
            [(inputs[0], outputs[0]), (inputs[1], outputs[1])])
    }

    /// Nobody closes anything, the wire is cut: both find out by asking.
    @Test func aWireThatIsCutIsFoundOut() throws {
        let stage = try Stage()
        guard let wire = try Wire(stage) else { return }
        let receiver = try wire.peer(0, ["hold-receiver", "tcp:10.77.0.1:9000/x"], environment: Self.insecure)
        let sender = try wire.peer(1, ["hold-sender", "tcp:10.77.0.1:9000/x"], environment: Self.insecure)
        #expect(try receiver.line() == "linked tcp")
        #expect(try sender.line() == "linked tcp")
        try wire.configure(0, ["link", "set", "wire", "down"])
        let last = try receiver.line()
        #expect(last.hasPrefix("error network ") || last.hasPrefix("error peerVanished "), "\(last)")
        #expect(receiver.end() == .exited(0))
    }
}

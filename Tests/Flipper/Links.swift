// Naru: messages between programs by the fastest valid mechanism.
// Copyright the Naru authors. Licensed under the Apache License, Version 2.0 (see LICENSE).

import Logging
import Naru
import NaruSharedMemory
import NaruSystem

/// The victim has links with a hostile process, one after another; the last one's peer is honest.
struct Links {
    /// What the hostile process does.
    enum Role: String {
        case send, receive
    }

    private let role: Role
    private let folder: String
    private let patience = Duration.seconds(30)

    /// The messages of the last link.
    static let honestMessages: UInt64 = 1000

    init(_ role: Role) throws {
        self.role = role
        folder = "/tmp/naru-flip-\(ProcessIdentity.current.processID)-\(String(SystemRandom.word(), radix: 36))"
    }

    func run(_ count: Int) async throws -> Tally {
        try FileSystem.makeDirectory(folder, permissions: 0o700)
        defer {
            for name in (try? FileSystem.list(folder)) ?? [] { try? FileSystem.remove("\(folder)/\(name)") }
            try? FileSystem.removeDirectory(folder)
        }
        let runtime = try Self.makeRuntime(folder)
        let (own, other) = try UnixSocket.pair(kind: .stream)
        let peer = try ChildProcess(
            executable: ChildProcess.executablePath, arguments: ["hostile", role.rawValue, folder, "\(count)"],
            standardInput: other)
        defer {
            own.close()
            peer.kill(Signals.kill)
            _ = peer.wait()
        }
        var tally = Tally(role == .send ? "receiver" : "sender")
        for _ in 0..<count {
            tally.rounds += 1
            do {
                switch role {
                case .send: try await receive(runtime, &tally.passed)
                case .receive: try await send(runtime, &tally.passed)
                }
                tally.ends["none", default: 0] += 1
            } catch let error as NaruError {
                tally.end(error)
            }
        }
        guard tally.ends["protocolViolation", default: 0] > 0 else {
            throw Complaint(description: "no link was closed for its peer's sake: \(tally)")
        }
        try await beHonest(runtime)
        runtime.shutdown()
        return tally
    }

    static let address = Address.local(name: "flipped")

    /// Rings of one size: a hostile end keeps using the memory that it found at first.
    static func makeRuntime(_ folder: String) throws -> Runtime {
        try Runtime(
            transports: [SharedMemoryTransport(.init(ringBytes: 32_768))],
            directories: .standard(runtimeDirectory: folder, userDirectory: nil),
            logger: Logger(label: "flipper") { _ in SwiftLogNoOpLogHandler() })
    }

    private func receive(_ runtime: Runtime, _ passed: inout Int) async throws {
        let receiver = try await runtime.receiver(Self.address, deadline: .after(patience))
        defer { receiver.close() }
        var sum: UInt64 = 0
        try await receiver.forEach { message in
            // Every byte is read, as a user would.
            sum &+= message.bytes.sum
            passed += 1
        }
        withExtendedLifetime(sum) {}
    }

    private func send(_ runtime: Runtime, _ passed: inout Int) async throws {
        let sender = try await runtime.sender(Self.address, deadline: .after(patience))
        defer { sender.close() }
        var dice = Dice(UInt64(passed) + 1)
        for _ in 0..<20_000 {
            try await sender.send([UInt8](repeating: 1, count: dice.roll(3000)), deadline: .after(patience))
            passed += 1
        }
    }

    /// A link that nobody disturbs, with the same process.
    private func beHonest(_ runtime: Runtime) async throws {
        switch role {
        case .send:
            let receiver = try await runtime.receiver(Self.address, deadline: .after(patience))
            defer { receiver.close() }
            var taken: UInt64 = 0
            try await receiver.forEach { message in
                guard [UInt8](copying: message.bytes) == HonestMessage.make(taken) else {
                    throw Complaint(description: "message \(taken) of an honest link is another")
                }
                taken += 1
            }
            guard taken == Self.honestMessages else { throw Complaint(description: "only \(taken) messages came") }
        case .receive:
            let sender = try await runtime.sender(Self.address, deadline: .after(patience))
            defer { sender.close() }
            for number in 0..<Self.honestMessages {
                try await sender.send(HonestMessage.make(number), deadline: .after(patience))
            }
            try await sender.finish(deadline: .after(patience))
        }
    }
}

/// What the messages of an honest link hold.
enum HonestMessage {
    static func make(_ number: UInt64) -> [UInt8] {
        (0..<Int(number % 200) + 8).map { UInt8(truncatingIfNeeded: number >> (8 * UInt64($0 % 8))) }
    }
}

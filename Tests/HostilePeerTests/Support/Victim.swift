// Naru: messages between programs by the fastest valid mechanism.
// Copyright the Naru authors. Licensed under the Apache License, Version 2.0 (see LICENSE).

import Logging
import NaruInProcess
import NaruSharedMemory
import NaruSystem
import NaruUnixSocket
import Synchronization
import Testing

@testable import NaruCore

/// An honest runtime with one transport, a folder of its own, and raw ends against it.
final class Victim {
    let runtime: Runtime
    let transport: any Transport
    let directory: String
    let address = Address.local(name: "victim")
    /// Speaks for the raw ends.
    private let own: Runtime

    /// The transports that there are.
    static let transports: [TransportName] = [.inProcess, .sharedMemory, .unixSocket]

    static func make(_ name: TransportName) -> any Transport {
        switch name {
        case .inProcess: InProcessTransport()
        case .sharedMemory: SharedMemoryTransport()
        default: UnixSocketTransport()
        }
    }

    init(_ name: TransportName) throws {
        transport = Self.make(name)
        let folder = HostInformation.environment("TMPDIR") ?? "/tmp"
        directory = "\(folder)/naru-hostile-\(String(SystemRandom.word(), radix: 36))"
        try FileSystem.makeDirectory(directory, permissions: 0o700)
        do {
            (runtime, own) = (try Self.makeRuntime(name, directory), try Self.makeRuntime(name, directory))
        } catch {
            try FileSystem.removeDirectory(directory)
            throw error
        }
    }

    private static func makeRuntime(_ name: TransportName, _ directory: String) throws -> Runtime {
        try Runtime(
            transports: [make(name)], directories: RuntimeDirectories([directory]),
            logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() })
    }

    deinit {
        runtime.shutdown()
        own.shutdown()
        for name in (try? FileSystem.list(directory)) ?? [] { try? FileSystem.remove("\(directory)/\(name)") }
        try? FileSystem.removeDirectory(directory)
    }

    var socketPath: String { "\(directory)/\(address.name).sock" }

    /// A raw dialer, connected to whoever listens.
    func dialer() throws -> RawEnd {
        RawEnd(.dialer, try UnixSocket.connect(path: socketPath), own, transport, name: address.name)
    }

    /// A raw listener, on the connection that waits there.
    func accepted(_ socket: Descriptor) throws -> RawEnd {
        RawEnd(.listener, try #require(try UnixSocket.accept(socket)), own, transport, name: address.name)
    }

    /// Runs a handshake of the victim, in the other role than `role`, with a raw end, and closes what came of it.
    func meet(_ role: Role, _ body: (RawEnd) throws -> Void) throws {
        switch role {
        case .dialer:
            let listener = try runtime.listener(address)
            defer { listener.close() }
            let raw = try dialer()
            defer { raw.close() }
            try body(raw)
        case .listener:
            let socket = try UnixSocket.listen(path: socketPath, backlog: 8, permissions: 0o600)
            // A runtime of its own, so that its shutdown ends a dial that looks for another listener.
            let (dialing, address) = (try Self.makeRuntime(transport.name, directory), address)
            let thread = try SystemThread(name: "dial") {
                // A link that lasts until the raw end has done its worst, or an error.
                let sender = try? dialing.blocking.sender(address, deadline: .after(.seconds(20)))
                while let sender, sender.control.closeReason == nil { Processor.yield() }
            }
            defer {
                dialing.shutdown()
                thread.join()
            }
            try #require(try !socket.poll(.readable, deadline: .after(.seconds(20))).isEmpty)
            let raw = try accepted(socket)
            // No second attempt finds anybody.
            try FileSystem.remove(socketPath)
            socket.close()
            defer { raw.close() }
            try body(raw)
        }
    }

    /// A message crosses an honest link of the same runtime.
    func expectUnharmed(_ sourceLocation: SourceLocation = #_sourceLocation) async throws {
        let listener = try runtime.listener(.local(name: "honest"))
        defer { listener.close() }
        let sender = try await own.sender(.local(name: "honest"), deadline: .after(.seconds(20)))
        let receiver = try #require(try await listener.nextReceiver(deadline: .after(.seconds(20))))
        try await sender.send([1, 2, 3], deadline: .after(.seconds(20)))
        let found = try await receiver.receive(deadline: .after(.seconds(20))) { [UInt8](copying: $0.bytes) }
        #expect(found == [1, 2, 3], sourceLocation: sourceLocation)
    }
}

/// How something ended that ran on a thread.
final class Finished: Sendable {
    private let error = Mutex<NaruError?>(nil)

    func note(_ body: () throws -> Void) {
        do { try body() } catch { self.error.withLock { $0 = error as? NaruError } }
    }

    /// The code of the error that it threw, if any.
    var code: NaruError.Code? { error.withLock { $0?.code } }
}

// Naru: messages between programs by the fastest valid mechanism.
// Copyright the Naru authors. Licensed under the Apache License, Version 2.0 (see LICENSE).

internal import NaruCore
internal import NaruSystem

/// Where ends that meet over a network do so in tests.
public enum Loopback {
    /// A port of loopback that is free now, outside the range from which the kernel chooses ports for others.
    /// - Throws: where nothing can listen there.
    public static func freePort() throws -> UInt16 {
        for _ in 0..<1000 {
            let port = UInt16.random(in: 10_000..<32_000)
            guard let address = InetAddress("127.0.0.1", port: port),
                let socket = try? TCPSocket.listen(at: address, backlog: 1)
            else { continue }
            socket.close()
            return port
        }
        throw Complaint("no port of loopback is free")
    }
}

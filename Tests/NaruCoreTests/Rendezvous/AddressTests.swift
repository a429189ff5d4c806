// Naru: messages between programs by the fastest valid mechanism.
// Copyright the Naru authors. Licensed under the Apache License, Version 2.0 (see LICENSE).

import Testing

@testable import NaruCore

@Suite struct AddressTests {
    @Test(arguments: ["frames", "local:frames", "a", "x-1", String(repeating: "a", count: 64)])
    func namesParse(_ text: String) throws {
        let address = try Address(parsing: text)
        #expect(address.name == text.split(separator: ":").last.map(String.init))
        #expect(try Address(parsing: address.description) == address)
    }

    @Test(arguments: [
        "", "local:", "Frames", "a b", "../x", "a/b", String(repeating: "a", count: 65), "local:ä", "x\0y", "pigeon:x",
    ])
    func othersAreRefusedWithARemedy(_ text: String) {
        do {
            _ = try Address(parsing: text)
            Issue.record("`\(text)` was accepted")
        } catch {
            #expect(error.code == .invalidArgument)
            #expect(error.remedy != nil)
        }
    }

    @Test(arguments: ["fifo:/tmp/x", "posix-queue:/jobs", "sysv-queue:0x4e"])
    func objectsOfOtherProgramsParse(_ text: String) throws {
        let address = try Address(parsing: text)
        #expect(address.description == text)
        #expect(address.configurationName == nil)
    }

    @Test(arguments: ["fifo:", "posix-queue:", "sysv-queue:x\0y"])
    func objectsWithoutANameAreRefused(_ text: String) {
        #expect { try Address(parsing: text) } throws: { ($0 as? NaruError)?.code == .invalidArgument }
    }

    @Test(arguments: [
        ("tcp:127.0.0.1:9000", "127.0.0.1", 9000, "default", "tcp:127.0.0.1:9000"),
        ("tcp://example.org:1/frames", "example.org", 1, "frames", "tcp:example.org:1/frames"),
        ("tcp:[::1]:65535/a-1", "::1", 65_535, "a-1", "tcp:[::1]:65535/a-1"),
        ("tcp:[fe80::1%eth0]:0", "fe80::1%eth0", 0, "default", "tcp:[fe80::1%eth0]:0"),
        ("tcp:*:7/default", "*", 7, "default", "tcp:*:7"),
    ])
    func placesParse(_ text: String, _ host: String, _ port: UInt16, _ name: String, _ written: String) throws {
        let address = try Address(parsing: text)
        #expect(address == .network(NetworkPlace(scheme: "tcp", host: host, port: port, name: name)))
        #expect(address.description == written)
        #expect(address.name == name)
        #expect(try Address(parsing: written) == address)
    }

    @Test(arguments: [
        "tcp:", "tcp:9000", "tcp::9000", "tcp:host", "tcp:host:", "tcp:host:65536", "tcp:host:-1", "tcp:host:09",
        "tcp:::1:9", "tcp:[host]:9", "tcp:[::1:9", "tcp:host:9/", "tcp:host:9/A", "tcp:host:9/a/b", "tcp:ho st:9",
        "tcp:ho\0st:9", "tcp:" + String(repeating: "a", count: 256) + ":9",
    ])
    func otherPlacesAreRefusedWithARemedy(_ text: String) {
        #expect {
            try Address(parsing: text)
        } throws: { error in
            (error as? NaruError)?.code == .invalidArgument && (error as? NaruError)?.remedy != nil
        }
    }

    @Test func mechanismsNotInTheBuildAreSaidToBe() {
        #expect { try Address(parsing: "nats://localhost:1") } throws: { ($0 as? NaruError)?.code == .unsupported }
    }
}

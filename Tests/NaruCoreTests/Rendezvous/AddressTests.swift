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

    @Test func mechanismsNotInTheBuildAreSaidToBe() {
        #expect { try Address(parsing: "tcp://localhost:1") } throws: { ($0 as? NaruError)?.code == .unsupported }
    }
}

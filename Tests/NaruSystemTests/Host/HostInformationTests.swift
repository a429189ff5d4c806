// Naru: messages between programs by the fastest valid mechanism.
// Copyright the Naru authors. Licensed under the Apache License, Version 2.0 (see LICENSE).

import Glibc
@testable import NaruSystem
import Testing

@Suite struct HostInformationTests {
    @Test func agreesWithTheSystem() throws {
        #expect(HostInformation.userID == geteuid())
        #expect(HostInformation.pageBytes == sysconf(Int32(_SC_PAGESIZE)))
        #expect(HostInformation.coreCount >= 1)
        #expect(HostInformation.kernelRelease.first?.isNumber == true)
        #expect(!HostInformation.processorModel.isEmpty)
        let name = try FileSystem.readSmallFile("/proc/sys/kernel/hostname", limit: 256)
        #expect(HostInformation.hostName + "\n" == String(decoding: name, as: UTF8.self))
        #expect(try HostInformation.workingDirectory == FileSystem.readLink("/proc/self/cwd"))
        let limit = HostInformation.descriptorLimit
        #expect(limit.soft > 0 && limit.soft <= limit.hard)
    }

    @Test func readsTheEnvironment() throws {
        let names = HostInformation.environmentNames()
        #expect(names.contains("PATH"))
        for name in names { #expect(HostInformation.environment(name) != nil) }
        #expect(HostInformation.environment("NARU_TEST_OF_A_NAME_THAT_IS_NOT_SET") == nil)
        #expect(HostInformation.environment("PATH\0") == nil)
    }

    @Test func coreIsOneOfTheHost() {
        Processor.spinHint()
        Processor.yield()
        #expect(Int(Processor.currentCore()) < sysconf(Int32(_SC_NPROCESSORS_CONF)))
    }

    @Test(arguments: [0, 1, 7, 8, 9, 64])
    func randomBytesHaveTheirCountAndDiffer(_ count: Int) {
        let bytes = SystemRandom.bytes(count)
        #expect(bytes.count == count)
        if count >= 16 {
            #expect(bytes != SystemRandom.bytes(count))
            #expect(Set(bytes).count > 1)
        }
        #expect(SystemRandom.word() != SystemRandom.word())
    }

    @Test func aUserIsItsOwn() {
        #expect(HostInformation.isOwnUser(HostInformation.userID))
        #expect(!HostInformation.isOwnUser(HostInformation.userID ^ 1))
    }

    /// `/proc/self/uid_map`: outside every user namespace; nobody mapped; one user; a container's 65,536; two parts.
    @Test func onlyAMapOfEverybodyNamesEveryUser() {
        #expect(HostInformation.namesEveryUser([0, 0, 4_294_967_295]))
        #expect(HostInformation.namesEveryUser([0, 1000, 65536, 65536, 70000, 4_294_901_759]))
        #expect(!HostInformation.namesEveryUser([]))
        #expect(!HostInformation.namesEveryUser([0, 1000, 1]))
        #expect(!HostInformation.namesEveryUser([0, 100_000, 65536]))
        #expect(!HostInformation.namesEveryUser([0, 4_294_967_295]))
    }
}

// Naru: messages between programs by the fastest valid mechanism.
// Copyright the Naru authors. Licensed under the Apache License, Version 2.0 (see LICENSE).

import NaruCore
import NaruSystem
import Testing

@testable import NaruSharedMemory

@Suite struct SharedMemoryTransportTests {
    @Test func theProbeTriesAndTheRecordIsValid() throws {
        let record = SharedMemoryTransport().probe()
        #expect(record.availability == .available)
        #expect(try record.validated() == record)
        #expect(record.transport == .sharedMemory)
        #expect(record.directions == [.simplex, .duplex])
        #expect(record.localities == [.sameProcess, .relatedProcess, .sameHost])
        #expect(record.sealed && record.survivesSenderDeath && !record.requiresSameUser)
        #expect(record.loans == .inPlace)
    }

    @Test func aProbeSaysThatTheConfigurationIsWrong() throws {
        guard case .refused(let reason, let remedy) = SharedMemoryTransport(.init(ringBytes: 5000)).probe().availability
        else {
            Issue.record("5000 is no power of two")
            return
        }
        #expect(reason.contains("5000"))
        #expect(remedy.contains("power of two"))
    }

    @Test(arguments: [
        (0, 32_768), (64, 32_768), (4096, 32_768), (4097, 65_536), (32768, 262_144), (65536, 524_288),
        (524_288, 4_194_304), (524_289, 8_388_608), (Int.max, 8_388_608),
    ])
    func theRingFollowsTheMessages(_ messageBytes: Int, _ ringBytes: Int) throws {
        #expect(try SharedMemoryConfiguration().ringBytes(messageBytes: messageBytes) == ringBytes)
        #expect(try SharedMemoryConfiguration(ringBytes: 8192).ringBytes(messageBytes: messageBytes) == 8192)
    }

    @Test func aSimplexLinkCarriesOneWay() throws {
        let lanes = try OpeningPair(.simplex).open()
        #expect(lanes.dialer.inbound == nil)
        #expect(lanes.listener.outbound == nil)
        let outbound = try #require(lanes.dialer.outbound)
        let inbound = try #require(lanes.listener.inbound)
        #expect(outbound.maximumRecordBytes == 8192)
        for round in 0..<100 as Range<UInt8> {
            let bytes = [UInt8](repeating: round, count: Int(round) * 80)
            #expect(try outbound.trySend(bytes))
            #expect(try inbound.receiveAll() == [bytes])
        }
    }

    @Test func aDuplexLinkCarriesBothWays() throws {
        let lanes = try OpeningPair(.duplex).open(SharedMemoryTransport(.init(ringBytes: 4096)))
        #expect(lanes.dialer.outbound?.maximumRecordBytes == 1024)
        #expect(try lanes.dialer.outbound?.trySend([1]) == true)
        #expect(try lanes.listener.outbound?.trySend([2]) == true)
        #expect(try lanes.listener.inbound?.receiveAll() == [[1]])
        #expect(try lanes.dialer.inbound?.receiveAll() == [[2]])
    }

    @Test func whatWasHandedOverSurvivesTheSendersEnd() throws {
        var lanes = try OpeningPair(.simplex).open()
        #expect(try lanes.dialer.outbound?.trySend([1, 2, 3]) == true)
        lanes.dialer.outbound = nil
        let inbound = try #require(lanes.listener.inbound)
        #expect(try inbound.receiveAll() == [[1, 2, 3]])
        guard case .ended = try inbound.arm(.task) else {
            Issue.record("nothing will come any more")
            return
        }
    }

    @Test func aWrongConfigurationOpensNothing() throws {
        let pair = try OpeningPair(.simplex)
        #expect {
            _ = try pair.open(SharedMemoryTransport(.init(ringBytes: 3)))
        } throws: { error in
            (error as? NaruError)?.code == .invalidConfiguration
        }
    }

    /// The descriptors are closed when the memory is mapped: what a thousand links run out of first.
    @Test func noDescriptorIsKept() throws {
        struct Weak { weak var descriptor: Descriptor? }
        var passed: [Weak] = []
        let lanes = try OpeningPair(.duplex).open(tamper: { message in
            passed += message.descriptors.map { Weak(descriptor: $0) }
            return message
        })
        #expect(passed.count == 4)
        #expect(passed.allSatisfy { $0.descriptor == nil })
        #expect(try lanes.dialer.outbound?.trySend([1]) == true)
    }
}

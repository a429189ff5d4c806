// Naru: messages between programs by the fastest valid mechanism.
// Copyright the Naru authors. Licensed under the Apache License, Version 2.0 (see LICENSE).

import NaruConformance
import NaruCore
import NaruSystem
import Testing

/// A plugin whose probe does not return.
@Suite(.timeLimit(.minutes(1))) struct ProbingTests {
    /// Hangs until it is let go.
    private struct HangingTransport: Transport {
        let name: TransportName
        let release: EventCounter

        init(_ name: TransportName) throws {
            self.name = name
            release = try EventCounter()
        }

        func probe() -> CapabilityRecord {
            _ = try? release.descriptor.poll(.readable, deadline: .after(.seconds(50)))
            return CapabilityRecord(transport: name, localities: [.sameProcess], directions: [.simplex])
        }

        func open(_ request: OpeningRequest) throws(NaruError) -> any Opening {
            throw .test("its probe never returned")
        }
    }

    /// The threads of this process that probe.
    private func probers() -> Int {
        let tasks = (try? FileSystem.list("/proc/self/task")) ?? []
        return tasks.count { task in
            let name = (try? FileSystem.readSmallFile("/proc/self/task/\(task)/comm", limit: 64)) ?? []
            return String(decoding: name, as: UTF8.self) == "naru-probe\n"
        }
    }

    @Test func aProbeThatHangsIsRefusedAndHidesNoOther() async throws {
        let first = try HangingTransport("hanging")
        let last = try HangingTransport("stuck")
        let transports: [any Transport] = [first, MemoryTransport(), last]
        let pair = try RuntimePair(dialer: transports, listener: [MemoryTransport()])
        let records = pair.dialer.records
        #expect(records.map(\.transport) == transports.map(\.name))
        for index in [0, 2] {
            guard case .refused(let reason, let remedy) = records[index].availability else {
                Issue.record("\(records[index]) is available")
                continue
            }
            #expect(reason == "its probe did not return within 1 s")
            #expect(!remedy.isEmpty)
        }
        #expect(records[1].availability == .available)
        try await expectWorks(try await pair.connect())
        #expect(probers() == 2)

        // Neither the end of the runtime nor that of the process waits for them.
        pair.dialer.shutdown()
        #expect(probers() == 2)
        first.release.signal()
        last.release.signal()
        #expect(try await eventually { probers() == 0 })
        pair.dialer.shutdown()
    }

    @Test func probesThatReturnLeaveNoThread() throws {
        let pair = try RuntimePair([MemoryTransport()])
        #expect(pair.dialer.records.map(\.availability) == [.available])
        #expect(try pair.dialer.records.map { try $0.validated().transport } == [MemoryTransport().name])
    }
}

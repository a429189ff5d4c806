// Naru: messages between programs by the fastest valid mechanism.
// Copyright the Naru authors. Licensed under the Apache License, Version 2.0 (see LICENSE).

import NaruConformance
import NaruCore
import NaruSystem
import Synchronization
import Testing

// `nonisolated(unsafe)`: each receiver is handed to one task, and the test does not touch it any more once that runs.
@Suite struct ExecutorTests {
    private func pair() throws -> RuntimePair { try RuntimePair([MemoryTransport()]) }

    @Test func aTaskWaitsOnTheExecutorsThread() async throws {
        let pair = try pair()
        let link = try await pair.connect()
        let executor = try pair.listener.makeExecutor()
        let receiver = link.receiver
        nonisolated(unsafe) let borrowed = receiver
        async let received: [UInt8] = withTaskExecutorPreference(executor) {
            var all: [UInt8] = []
            for _ in 0..<100 {
                let byte = try await unsafe borrowed.receive(deadline: .after(.seconds(20))) {
                    [UInt8](copying: $0.bytes)[0]
                }
                all.append(try #require(byte))
            }
            return all
        }
        for byte in 0..<100 as Range<UInt8> { try await link.sender.send([byte], deadline: .after(.seconds(20))) }
        #expect(try await received == Array(0..<100))
    }

    @Test func aJobThatComesWhileATaskWaitsIsRun() async throws {
        let pair = try pair()
        let link = try await pair.connect()
        let executor = try pair.listener.makeExecutor()
        nonisolated(unsafe) let receiver = link.receiver
        async let received: Bool? = withTaskExecutorPreference(executor) {
            try await unsafe receiver.receive(deadline: .after(.seconds(20))) { _ in true }
        }
        // Each of these needs the thread on which the other task waits.
        for _ in 0..<50 {
            let answer = await Task(executorPreference: executor) { 42 }.value
            #expect(answer == 42)
        }
        try await link.sender.send([1], deadline: .after(.seconds(20)))
        #expect(try await received == true)
    }

    @Test(arguments: [WaitMode.latency, .balanced, .power])
    func aWaitIsCancelled(_ wait: WaitMode) async throws {
        let pair = try pair()
        var request = LinkRequest()
        request.requirements.wait = wait
        let link = try await pair.connect(request)
        let executor = try pair.listener.makeExecutor()
        nonisolated(unsafe) let receiver = link.receiver
        let task = Task(executorPreference: executor) { () -> NaruError.Code? in
            do {
                _ = try await unsafe receiver.receive(deadline: .after(.seconds(20))) { _ in }
                return nil
            } catch {
                return (error as? NaruError)?.code
            }
        }
        task.cancel()
        #expect(await task.value == .cancelled)
    }

    @Test func aDeadlineEndsAWait() async throws {
        let pair = try pair()
        let link = try await pair.connect()
        let executor = try pair.listener.makeExecutor()
        nonisolated(unsafe) let receiver = link.receiver
        let code = await withTaskExecutorPreference(executor) { () -> NaruError.Code? in
            do {
                _ = try await unsafe receiver.receive(deadline: .after(.milliseconds(20))) { _ in }
                return nil
            } catch {
                return (error as? NaruError)?.code
            }
        }
        #expect(code == .deadlineExceeded)
    }

    @Test func shutdownEndsTheThreadAndWhatWaitsOnIt() async throws {
        let pair = try pair()
        let link = try await pair.connect()
        let executor = try pair.listener.makeExecutor()
        nonisolated(unsafe) let receiver = link.receiver
        let task = Task(executorPreference: executor) { () -> NaruError.Code? in
            do {
                _ = try await unsafe receiver.receive(deadline: .after(.seconds(20))) { _ in }
                return nil
            } catch {
                return (error as? NaruError)?.code
            }
        }
        pair.listener.shutdown()
        #expect(await task.value == .closed)
        // What comes later still runs, elsewhere.
        #expect(await Task(executorPreference: executor) { 1 }.value == 1)
        let error = try await naruError { _ = try pair.listener.makeExecutor() }
        #expect(error?.code == .closed)
    }
}

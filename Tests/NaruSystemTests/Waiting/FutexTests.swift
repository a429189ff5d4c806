// Naru: messages between programs by the fastest valid mechanism.
// Copyright the Naru authors. Licensed under the Apache License, Version 2.0 (see LICENSE).

import NaruSystem
import Synchronization
import Testing

@Suite struct FutexTests {
    @Test func changedWordIsNotWaitedFor() throws {
        let mapping = try Mapping(sharedAnonymousByteCount: 4096)
        unsafe mapping.base.storeBytes(of: 5, as: UInt32.self)
        #expect(unsafe try Futex.wait(mapping.base, while: 4, deadline: .never) == .changed)
    }

    @Test func deadlineEndsAWait() throws {
        let mapping = try Mapping(sharedAnonymousByteCount: 4096)
        #expect(unsafe try Futex.wait(mapping.base, while: 0, deadline: Deadline(nanoseconds: 0)) == .timedOut)
        let deadline = Deadline.after(.milliseconds(20))
        var result = unsafe try Futex.wait(mapping.base, while: 0, deadline: deadline)
        while result == .woken { result = unsafe try Futex.wait(mapping.base, while: 0, deadline: deadline) }
        #expect(result == .timedOut)
        #expect(deadline.isPast)
    }

    @Test func wakingNobodyIsNothing() throws {
        let mapping = try Mapping(sharedAnonymousByteCount: 4096)
        #expect(unsafe Futex.wake(mapping.base) == 0)
        #expect(unsafe Futex.wake(mapping.base, count: .max) == 0)
    }

    @Test func wordThatIsNotMappedIsAnError() throws {
        let page = unsafe UnsafeRawPointer(bitPattern: 4096)!
        #expect(throws: SystemError.self) { unsafe try Futex.wait(page, while: 0, deadline: .never) }
    }

    /// Two threads hand a turn back and forth; the waiter sees the word through a read-only mapping of its own.
    @Test func wakesAcrossThreadsAndMappings() throws {
        let file = try MemoryFile.create(name: "turn", byteCount: 4096)
        let writer = try Mapping(file, byteCount: 4096, access: .readWrite, prefault: false)
        let reader = try Mapping(file, byteCount: 4096, access: .readOnly, prefault: false)
        let rounds: UInt32 = 2000
        let mismatches = Mutex(0)
        // Word 0 is the turn that was given, word 1, on a line of its own, the turn that was taken.
        let thread = try SystemThread(name: "waiter") {
            for round in 1...rounds {
                while unsafe load(reader.base) != round {
                    _ = unsafe try? Futex.wait(reader.base, while: round - 1, deadline: .never)
                }
                if unsafe load(reader.base) != round { mismatches.withLock { $0 += 1 } }
                unsafe store(round, writer.base + 128)
                unsafe Futex.wake(writer.base + 128)
            }
        }
        for round in 1...rounds {
            unsafe store(round, writer.base)
            unsafe Futex.wake(writer.base)
            while unsafe load(writer.base + 128) != round {
                _ = unsafe try Futex.wait(writer.base + 128, while: round - 1, deadline: .never)
            }
        }
        thread.join()
        #expect(mismatches.withLock { $0 } == 0)
    }
}

// Sequentially consistent: the kernel reads the word again under its own lock, so any order at least releasing would
// do.
private func load(_ word: UnsafeRawPointer) -> UInt32 {
    let word = unsafe UnsafeMutableRawPointer(mutating: word).assumingMemoryBound(to: Atomic<UInt32>.self)
    return unsafe word.pointee.load(ordering: .sequentiallyConsistent)
}

private func store(_ value: UInt32, _ word: UnsafeMutableRawPointer) {
    let word = unsafe word.assumingMemoryBound(to: Atomic<UInt32>.self)
    unsafe word.pointee.store(value, ordering: .sequentiallyConsistent)
}

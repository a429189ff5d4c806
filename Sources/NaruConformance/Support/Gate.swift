// Naru: messages between programs by the fastest valid mechanism.
// Copyright the Naru authors. Licensed under the Apache License, Version 2.0 (see LICENSE).

internal import NaruSystem
internal import Synchronization

/// Lets a few lines run at once, and those that count what the process holds alone; first come, first served.
///
/// Test frameworks start everything at once: hundreds of lines with their threads and links would starve each other
/// past their deadlines, and a leak could not be told from the neighbours' coming and going.
final class Gate: Sendable {
    private struct Waiter {
        let id: UInt64
        let isAlone: Bool
        let continuation: CheckedContinuation<Void, Never>
    }

    private struct State {
        var running = 0
        var isAlone = false
        var nextID: UInt64 = 0
        var waiters: [Waiter] = []
        /// Those whose tasks were cancelled before they began to wait.
        var cancelled: Set<UInt64> = []
    }

    /// The one of the process, for the lines of every transport tested in it.
    static let lines = Gate(width: max(4, 2 * HostInformation.coreCount))

    private let width: Int
    private let state = Mutex(State())

    init(width: Int) {
        self.width = width
    }

    /// Runs `body` when its turn has come.
    /// - Throws: what `body` throws; `CancellationError` when the task is cancelled while it waits.
    func pass<R>(alone: Bool, _ body: () async throws -> R) async throws -> R {
        let id = await enter(alone)
        defer { leave(id) }
        try Task.checkCancellation()
        return try await body()
    }

    /// Waits for the turn. A cancelled task has it at once: it does nothing with it.
    private func enter(_ isAlone: Bool) async -> UInt64 {
        let id = state.withLock { state in
            state.nextID += 1
            return state.nextID
        }
        await withTaskCancellationHandler {
            await withCheckedContinuation { (continuation: CheckedContinuation<Void, Never>) in
                let admitted = state.withLock { state -> [CheckedContinuation<Void, Never>] in
                    if state.cancelled.remove(id) != nil {
                        state.running += 1
                        return [continuation]
                    }
                    state.waiters.append(Waiter(id: id, isAlone: isAlone, continuation: continuation))
                    return admit(&state)
                }
                for each in admitted { each.resume() }
            }
        } onCancel: {
            let waiter = state.withLock { state -> Waiter? in
                guard let index = state.waiters.firstIndex(where: { $0.id == id }) else {
                    // Either it runs, and this is forgotten when it leaves, or it has not begun to wait.
                    state.cancelled.insert(id)
                    return nil
                }
                state.running += 1
                return state.waiters.remove(at: index)
            }
            waiter?.continuation.resume()
        }
        return id
    }

    private func leave(_ id: UInt64) {
        let admitted = state.withLock { state -> [CheckedContinuation<Void, Never>] in
            state.cancelled.remove(id)
            state.running -= 1
            if state.running == 0 { state.isAlone = false }
            return admit(&state)
        }
        for each in admitted { each.resume() }
    }

    /// Takes from the front of the queue who may run now.
    private func admit(_ state: inout State) -> [CheckedContinuation<Void, Never>] {
        var admitted: [CheckedContinuation<Void, Never>] = []
        while let first = state.waiters.first {
            guard !state.isAlone, first.isAlone ? state.running == 0 : state.running < width else { break }
            state.running += 1
            state.isAlone = first.isAlone
            admitted.append(state.waiters.removeFirst().continuation)
        }
        return admitted
    }
}

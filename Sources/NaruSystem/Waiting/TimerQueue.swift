// Naru: messages between programs by the fastest valid mechanism.
// Copyright the Naru authors. Licensed under the Apache License, Version 2.0 (see LICENSE).

/// Work ordered by its time, then by its number: a binary heap, and the work beside it.
///
/// Taking one back only forgets its work; its place in the heap goes when it comes first, or when most places are such.
struct TimerQueue {
    typealias Work = @Sendable () -> Void

    private struct Place {
        let deadline: Deadline
        let id: UInt64

        static func < (a: Place, b: Place) -> Bool {
            a.deadline == b.deadline ? a.id < b.id : a.deadline < b.deadline
        }
    }

    private var heap: [Place] = []
    private var work: [UInt64: Work] = [:]

    /// When the first is due; ``Deadline/never`` when there is none.
    ///
    /// - Complexity: O(1), and O(log n) for each that was taken back and would come first.
    var nextDeadline: Deadline {
        mutating get {
            dropForgotten()
            return heap.first?.deadline ?? .never
        }
    }

    /// How many are set.
    var count: Int { work.count }

    /// How many places the heap has, those of forgotten ones included.
    var placeCount: Int { heap.count }

    /// Sets one; true when it comes before all others.
    ///
    /// - Complexity: O(log n)
    mutating func insert(_ id: UInt64, at deadline: Deadline, _ body: @escaping Work) -> Bool {
        work[id] = body
        heap.append(Place(deadline: deadline, id: id))
        siftUp(heap.count - 1)
        return heap[0].id == id
    }

    /// Takes one back and returns its work; nil when it is not there.
    ///
    /// - Complexity: O(1) on average over many calls, plus the cost of a smaller heap now and then.
    mutating func remove(_ id: UInt64) -> Work? {
        guard let body = work.removeValue(forKey: id) else { return nil }
        if heap.count > 2 * work.count + 64 {
            heap.removeAll { work[$0.id] == nil }
            // A sorted array is a heap.
            heap.sort(by: <)
        }
        return body
    }

    /// Removes the first when it is due at `now` and its number is below `limit`, and returns its work.
    mutating func removeFirst(dueAt now: Deadline, numberedBelow limit: UInt64) -> Work? {
        dropForgotten()
        guard let first = heap.first, first.deadline <= now, first.id < limit else { return nil }
        removeFirstPlace()
        return work.removeValue(forKey: first.id)
    }

    private mutating func dropForgotten() {
        while let first = heap.first, work[first.id] == nil { removeFirstPlace() }
    }

    private mutating func removeFirstPlace() {
        let last = heap.removeLast()
        if heap.isEmpty { return }
        heap[0] = last
        siftDown(0)
    }

    private mutating func siftUp(_ start: Int) {
        var index = start
        while index > 0 {
            let parent = (index - 1) / 2
            guard heap[index] < heap[parent] else { return }
            heap.swapAt(index, parent)
            index = parent
        }
    }

    private mutating func siftDown(_ start: Int) {
        var index = start
        while true {
            var least = index
            for child in (2 * index + 1)..<(2 * index + 3) where child < heap.count {
                if heap[child] < heap[least] { least = child }
            }
            if least == index { return }
            heap.swapAt(index, least)
            index = least
        }
    }
}

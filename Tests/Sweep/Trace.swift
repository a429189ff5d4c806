// Naru: messages between programs by the fastest valid mechanism.
// Copyright the Naru authors. Licensed under the Apache License, Version 2.0 (see LICENSE).

import CSweepTracer
import Glibc
import NaruSystem

/// A moment in the life of a process: `before linkat 2`, `after semop 1`.
struct Point: Sendable, CustomStringConvertible {
    var call: String
    var number: Int
    var isAfter: Bool

    var description: String { "\(isAfter ? "after" : "before") \(call) \(number)" }

    init(_ call: String, _ number: Int, isAfter: Bool) {
        (self.call, self.number, self.isAfter) = (call, number, isAfter)
    }

    /// What `description` says.
    init?(_ text: String) {
        let words = text.split(separator: " ")
        guard words.count == 3, ["before", "after"].contains(words[0]), let number = Int(words[2]) else { return nil }
        self.init(String(words[1]), number, isAfter: words[0] == "after")
    }

    /// Every point of a life that made these calls in this order. Of a call that is made more than `limit` times, as
    /// many are taken, evenly spread, the first and the last among them.
    static func all(of calls: [String], limit: Int) -> [Point] {
        var points: [Point] = []
        var seen: [String: Int] = [:]
        let totals = calls.reduce(into: [String: Int]()) { $0[$1, default: 0] += 1 }
        for call in calls {
            let number = seen[call, default: 0] + 1
            seen[call] = number
            let total = totals[call] ?? 0
            if total > limit {
                let chosen = (0..<limit).contains { number == 1 + $0 * (total - 1) / max(limit - 1, 1) }
                guard chosen else { continue }
            }
            points.append(Point(call, number, isAfter: false))
            // Nothing comes back from these.
            if call != "exit_group" { points.append(Point(call, number, isAfter: true)) }
        }
        return points
    }
}

/// A program that runs under observation and is killed at its point.
struct Trace: Sendable {
    /// The calls that were seen, where nothing was to be killed.
    private(set) var calls: [String] = []
    /// When it was killed, nanoseconds of the monotonic clock.
    private(set) var killedAt: UInt64?

    /// This host does not permit observing.
    struct NotPermitted: Error {
        var text: String
    }

    /// It, or what it started, did not end.
    struct Hang: Error {}

    /// Blocks until the program has ended, and what it started as well.
    init(_ stage: Stage, _ words: [String], at point: Point?, isChild: Bool, and other: Int32) throws {
        var arguments = ["trace", point?.call ?? "-", "\(point?.number ?? 0)", point?.isAfter == true ? "1" : "0"]
        arguments += [isChild ? "1" : "0", "\(other)"] + words
        let (output, childOutput) = try UnixSocket.pair(kind: .stream)
        let process = try ChildProcess(
            executable: ChildProcess.executablePath, arguments: arguments, environment: stage.environment,
            standardInput: stage.null, standardOutput: childOutput, standardError: stage.null)
        childOutput.close()
        defer {
            process.kill(Signals.kill)
            _ = process.wait()
        }
        var lines = Lines(output)
        let deadline = Deadline.after(Stage.patience)
        while let line = try lines.next(deadline) {
            let words = line.split(separator: " ", maxSplits: 1).map(String.init)
            switch words.first {
            case "call": calls.append(words[1])
            case "killed": killedAt = UInt64(words[1])
            case "refused": throw NotPermitted(text: words[1])
            case "ended": return
            default: break
            }
        }
        throw Hang()
    }

    /// What the process of the tracer itself does: see `sweep_trace`.
    static func carryOut(_ arguments: [String]) -> Int32 {
        guard arguments.count > 5, let number = Int32(arguments[1]), let other = Int32(arguments[4]) else { return 64 }
        let path = ChildProcess.executablePath
        var failed: UnsafePointer<CChar>?
        // The copies live as long as this process, which does nothing else; the list ends with a null pointer.
        let words = unsafe ([path] + arguments.dropFirst(5)).map { unsafe UnsafePointer<CChar>(strdup($0)) } + [nil]
        // Safe: every pointer is valid for the call, which returns when it is over.
        let result = unsafe arguments[0].withCString { call in
            let order = unsafe sweep_order(
                call: arguments[0] == "-" ? nil : call, number: number, is_after: arguments[2] == "1" ? 1 : 0,
                is_child: arguments[3] == "1" ? 1 : 0, other: other, output: 1)
            return unsafe withUnsafePointer(to: order) { unsafe sweep_trace(path, words, $0, &failed) }
        }
        guard result < 0 else { return 0 }
        let function = unsafe failed.map { unsafe String(cString: $0) } ?? ""
        print("refused", SystemError(function: function, object: path, errno: -result))
        return 77
    }
}

/// Reads lines from a descriptor.
struct Lines {
    private let descriptor: Descriptor
    private var buffer: [UInt8] = []

    init(_ descriptor: Descriptor) { self.descriptor = descriptor }

    /// The next line; `nil` when the other end is closed, or none came in time.
    mutating func next(_ deadline: Deadline) throws -> String? {
        while true {
            if let end = buffer.firstIndex(of: UInt8(ascii: "\n")) {
                defer { buffer.removeFirst(end + 1) }
                return String(decoding: buffer[..<end], as: UTF8.self)
            }
            guard try !descriptor.poll(.readable, deadline: deadline).isEmpty else { return nil }
            var chunk = [UInt8](repeating: 0, count: 4096)
            let result = unsafe try chunk.withUnsafeMutableBytes { unsafe try descriptor.read(into: $0) }
            guard case .bytes(let count) = result else { return nil }
            buffer += chunk[..<count]
        }
    }
}

// Naru: messages between programs by the fastest valid mechanism.
// Copyright the Naru authors. Licensed under the Apache License, Version 2.0 (see LICENSE).

internal import CNaruSystem

/// Which process it is: a number alone is given again after a process's end, a number with its start time is not.
///
/// Numbers mean something only within one PID namespace.
public struct ProcessIdentity: Sendable, Hashable {
    /// The process's number.
    public let processID: Int32
    /// When it started, in ticks since the host's start (field 22 of `/proc/PID/stat`).
    public let startTime: UInt64

    /// An identity that was kept or received.
    public init(processID: Int32, startTime: UInt64) {
        self.processID = processID
        self.startTime = startTime
    }

    /// This process. Its start time is 0 where `/proc` cannot be read.
    public static var current: ProcessIdentity {
        let processID = naru_process_id()
        return of(processID) ?? ProcessIdentity(processID: processID, startTime: 0)
    }

    /// The process that has this number now; nil when there is none, or `/proc` hides it.
    public static func of(_ processID: Int32) -> ProcessIdentity? {
        guard let found = read(processID) else { return nil }
        return ProcessIdentity(processID: processID, startTime: found.startTime)
    }

    /// Whether this very process runs; one that has ended and was not yet waited for does not, a stopped one does.
    public var isAlive: Bool {
        guard let found = ProcessIdentity.read(processID), found.startTime == startTime else { return false }
        return found.state != UInt8(ascii: "Z") && found.state != UInt8(ascii: "X")
    }

    private static func read(_ processID: Int32) -> (state: UInt8, startTime: UInt64)? {
        guard let bytes = try? FileSystem.readSmallFile("/proc/\(processID)/stat", limit: 4096) else { return nil }
        return parse(bytes)
    }

    /// The state and the start time of a line of `/proc/PID/stat`. The program's name, in parentheses, may itself hold
    /// spaces and parentheses: fields count from the last one.
    static func parse(_ line: [UInt8]) -> (state: UInt8, startTime: UInt64)? {
        guard let end = line.lastIndex(of: UInt8(ascii: ")")) else { return nil }
        // Field 3, the state, is the first after the name; the start time is field 22.
        let fields = line[(end + 1)...].split(whereSeparator: { $0 == UInt8(ascii: " ") || $0 == UInt8(ascii: "\n") })
        guard fields.count > 19, let state = fields[0].first,
            let startTime = UInt64(String(decoding: fields[19], as: UTF8.self))
        else { return nil }
        return (state, startTime)
    }
}

// Naru: messages between programs by the fastest valid mechanism.
// Copyright the Naru authors. Licensed under the Apache License, Version 2.0 (see LICENSE).

internal import NaruCore
internal import NaruSystem

/// What a line has to complain of; ``Conformance`` puts the line to it.
struct Complaint: Error, CustomStringConvertible {
    let description: String

    init(_ description: String) {
        self.description = description
    }
}

/// A line finds out on its way that it does not concern the transport.
struct NotApplicable: Error {
    let reason: String

    init(_ reason: String) {
        self.reason = reason
    }
}

/// Bounds of waits, so that a broken transport fails a line instead of hanging it.
enum Limit {
    /// For one wait of a link's user.
    static var wait: Deadline { .after(.seconds(20)) }
    /// For a whole line.
    static let line = Duration.seconds(45)
}

/// Complains unless a condition holds.
func expect(_ condition: Bool, _ complaint: @autoclosure () -> String) throws(Complaint) {
    if !condition { throw Complaint(complaint()) }
}

/// Complains unless two values are equal.
func expectEqual<Value: Equatable>(
    _ found: Value, _ expected: Value, _ what: @autoclosure () -> String
) throws(Complaint) {
    if found != expected { throw Complaint("\(what()): expected \(expected), found \(found)") }
}

/// The code of the error that `body` throws; `nil` when it throws none. Complains when it is not one of Naru's.
func thrownCode(_ body: () throws -> Void) throws(Complaint) -> NaruError.Code? {
    do {
        try body()
        return nil
    } catch let error as NaruError {
        return error.code
    } catch {
        throw Complaint("an error that is no NaruError: \(error)")
    }
}

/// As above, for what is awaited.
func thrownCode(_ body: () async throws -> Void) async throws(Complaint) -> NaruError.Code? {
    do {
        try await body()
        return nil
    } catch let error as NaruError {
        return error.code
    } catch {
        throw Complaint("an error that is no NaruError: \(error)")
    }
}

/// Complains unless `body` throws an error with this code.
func expectError(_ code: NaruError.Code, _ what: String, _ body: () throws -> Void) throws(Complaint) {
    let found = try thrownCode(body)
    if found != code { throw Complaint("\(what): expected the error \(code), found \(found?.description ?? "none")") }
}

/// As above, for what is awaited.
func expectError(_ code: NaruError.Code, _ what: String, _ body: () async throws -> Void) async throws(Complaint) {
    let found = try await thrownCode(body)
    if found != code { throw Complaint("\(what): expected the error \(code), found \(found?.description ?? "none")") }
}

/// Waits until a condition that another thread brings about holds. Complains when it does not in time.
func until(_ what: String, _ condition: () -> Bool) async throws {
    let deadline = Limit.wait
    while !condition() {
        if deadline.isPast { throw Complaint("never came true: \(what)") }
        try await Task.sleep(for: .milliseconds(1))
    }
}

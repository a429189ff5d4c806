// Naru: messages between programs by the fastest valid mechanism.
// Copyright the Naru authors. Licensed under the Apache License, Version 2.0 (see LICENSE).

/// A value from a peer, a file or a caller that is out of bounds.
public struct RecordProblem: Error, Sendable, Hashable, CustomStringConvertible {
    /// The field at fault, as it is spelled in JSON.
    public let field: String
    /// What is wrong with it, with the value.
    public let problem: String

    /// Names a field and what is wrong with it.
    public init(field: String, problem: String) {
        self.field = field
        self.problem = problem
    }

    /// "field problem".
    public var description: String { "\(field) \(problem)" }
}

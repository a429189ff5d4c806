// Naru: messages between programs by the fastest valid mechanism.
// Copyright the Naru authors. Licensed under the Apache License, Version 2.0 (see LICENSE).

extension Conformance {
    static let sizeLines: [ConformanceLine] = []
    static let sendLines: [ConformanceLine] = []
    static let endLines: [ConformanceLine] = []
    static let orderLines: [ConformanceLine] = []
    static let lifeLines: [ConformanceLine] = []
    static let codecLines: [ConformanceLine] = []
}

// Naru: messages between programs by the fastest valid mechanism.
// Copyright the Naru authors. Licensed under the Apache License, Version 2.0 (see LICENSE).

import Foundation
import Naru

/// A parent that starts workers, feeds them over pipes, and says how each ended: `ParentChild [WORKERS [JOBS]]`.
///
/// The second worker is killed while it works, the third retires early; what they had in hand goes to the others.
@main
struct ParentChild {
    static func main() async {
        do {
            let arguments = Array(CommandLine.arguments.dropFirst())
            if arguments.first == "worker" {
                exit(try await Worker.run(retiresAfter: arguments.dropFirst().first.flatMap { Int($0) }))
            }
            let workers = max(arguments.first.flatMap { Int($0) } ?? 4, 1)
            let count = max(arguments.dropFirst().first.flatMap { Int($0) } ?? 400, 0)
            try await Parent.run(workers: workers, jobs: Jobs(count: count, workers: workers))
        } catch {
            FileHandle.standardError.write(Data("ParentChild: \(error)\n".utf8))
            exit(1)
        }
    }
}

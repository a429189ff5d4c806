// Naru: messages between programs by the fastest valid mechanism.
// Copyright the Naru authors. Licensed under the Apache License, Version 2.0 (see LICENSE).

import Glibc
import NaruSystem

/// Kills programs (SIGKILL) at every named point of their lives, over every transport, and looks at what the others
/// make of it and at what is left.
///
///     NaruSweep [--rounds N] [--sample N] [--limit N] [--only TEXT] [--point "after linkat 1"] [--workers N]
///     NaruSweep --list
///
/// A point is the entry or the exit of the n-th call of a name that makes, locks, passes, wakes, hands over, waits
/// for or removes something: each is found by running a whole life under observation once. Nothing in the library knows
/// of it. After each kill the other end must end by itself, with everything that was handed over and the right error;
/// then a new start of the same name must carry its messages at once; then everything must be as before: the runtime
/// directory, `/dev/shm`, System V and POSIX objects. Exits with 0 if so, with 1 if not, with 77 where the host does
/// not permit observing.
@main
struct Sweep {
    static func main() async {
        let arguments = Array(CommandLine.arguments.dropFirst())
        switch arguments.first {
        case "party": await party(Array(arguments.dropFirst()))
        case "trace": exitNow(Trace.carryOut(Array(arguments.dropFirst())))
        case "--list":
            for row in Row.all { print("\(row.transport) \(row.title)") }
        default: drive(arguments)
        }
    }

    private static func party(_ arguments: [String]) async {
        do {
            try await Party(arguments).run()
        } catch {
            exitNow(64)
        }
    }

    private static func drive(_ arguments: [String]) {
        guard let order = order(arguments) else {
            print("usage: NaruSweep [--rounds N] [--sample N] [--limit N] [--only TEXT] [--point TEXT] [--workers N]")
            exitNow(64)
        }
        do {
            exitNow(try Drive(order: order).run() ? 0 : 1)
        } catch let error as Trace.NotPermitted {
            print("not swept: this host does not permit observing a program: \(error.text)")
            exitNow(77)
        } catch {
            print("not swept: \(error)")
            exitNow(70)
        }
    }

    private static func order(_ arguments: [String]) -> Order? {
        var order = Order()
        guard arguments.count.isMultiple(of: 2) else { return nil }
        for index in stride(from: 0, to: arguments.count, by: 2) {
            let text = arguments[index + 1]
            switch (arguments[index], Int(text)) {
            case ("--rounds", let number?) where number > 0: order.rounds = number
            case ("--sample", let number?) where number > 0: order.sample = number
            case ("--limit", let number?) where number > 0: order.limit = number
            case ("--workers", let number?) where number > 0: order.workers = number
            case ("--only", _): order.only = text
            case ("--point", _):
                guard let point = Point(text) else { return nil }
                order.point = point
            default: return nil
            }
        }
        return order
    }
}

/// Ends this process with a code, after what was printed is out.
func exitNow(_ code: Int32) -> Never {
    fflush(nil)
    exit(code)
}

// Naru: messages between programs by the fastest valid mechanism.
// Copyright the Naru authors. Licensed under the Apache License, Version 2.0 (see LICENSE).

internal import NaruCore
internal import NaruSystem

extension Conformance {
    /// What a plugin makes of a peer that means it no good.
    static let hostileOpeningLines: [ConformanceLine] = [
        .lane(
            "opening.garbage", alone: true,
            """
            From a peer: not trusted. Before it yields lanes it must have proved that both ends hold the same thing: \
            that an object received is of the right type, size and seals and holds the agreed nonce, or that a first \
            record crossed.
            """
        ) { subject in
            let messages = garbage()
            for role in [Role.dialer, .listener] {
                try ProcessResources.expectNoGrowth(rounds: 2 * messages.count) { round in
                    let bench = try OpeningBench(subject, .duplexWhereThereIs(subject))
                    // What openings made goes before its folder does.
                    defer { withExtendedLifetime(bench) {} }
                    try feed(messages[round % messages.count], to: role, subject, bench)
                    try bench.expectNothingLeft()
                }
            }
            return .passed
        },
        .lane(
            "opening.altered", alone: true,
            """
            From a peer: not trusted. A plugin that throws leaves nothing behind; the next candidate is then tried \
            inside the same connect.
            """
        ) { subject in
            let bench = try OpeningBench(subject, .duplexWhereThereIs(subject))
            // What openings made goes before its folder does.
            defer { withExtendedLifetime(bench) {} }
            let lengths = try messageLengths(subject, bench)
            guard lengths.contains(where: { $0 > 0 }) else {
                return .inapplicable(reason: "its openings send no bytes")
            }
            for (index, length) in lengths.enumerated() {
                // Every byte of a short message, every few of a long one.
                let step = max(1, length / 64)
                try ProcessResources.expectNoGrowth(rounds: 64) { round in
                    try openAltered(subject, bench, message: index) { message in
                        guard !message.bytes.isEmpty else { return }
                        message.bytes[round * step % message.bytes.count] ^= round % 2 == 0 ? 0xff : 1
                    }
                }
                for keep in [0, 1, length / 2, length - 1] where keep < length && keep >= 0 {
                    try openAltered(subject, bench, message: index) { $0.bytes = Array($0.bytes.prefix(keep)) }
                }
                try openAltered(subject, bench, message: index) { $0.bytes += [UInt8](repeating: 0xa5, count: 64) }
            }
            try bench.expectNothingLeft()
            return .passed
        },
        .lane("opening.descriptors", alone: true, "From a peer: of any type, check before use.") { subject in
            let bench = try OpeningBench(subject, .duplexWhereThereIs(subject))
            // What openings made goes before its folder does.
            defer { withExtendedLifetime(bench) {} }
            var driver = try OpeningDriver(subject, bench)
            guard case .opened = driver.run() else { throw Complaint("the openings do not yield lanes") }
            let counts = driver.messages.map(\.message.descriptors.count)
            driver.dropAll()
            guard counts.contains(where: { $0 > 0 }) else {
                return .inapplicable(reason: "its openings pass no descriptors")
            }
            for (index, count) in counts.enumerated() where count > 0 {
                for wrong in WrongDescriptor.allCases {
                    try ProcessResources.expectNoGrowth(rounds: 64) { round in
                        let opened = try openAltered(subject, bench, message: index) { message in
                            message.descriptors = try wrong.instead(of: message.descriptors, at: round % count)
                        }
                        if opened { throw Complaint("opens with \(wrong) instead of what message \(index) passes") }
                    }
                }
            }
            return .passed
        },
    ]

    /// Messages of nobody: short, long, random, with and without descriptors.
    private static func garbage() -> [[UInt8]] {
        var random = SplitMix(seed: 7)
        return [0, 1, 7, 8, 15, 16, 17, 24, 32, 64, 256, 4096, 16_384].flatMap { count in
            [
                [UInt8](repeating: 0, count: count), [UInt8](repeating: 0xff, count: count),
                (0..<count).map { _ in UInt8.random(in: 0...255, using: &random) },
            ]
        }
    }

    /// Answers everything that one end's opening waits for with garbage. It must throw a typed error, or go on waiting.
    private static func feed(_ bytes: [UInt8], to role: Role, _ subject: Subject, _ bench: OpeningBench) throws {
        let opening = try subject.transport.open(bench.request(role))
        var event = OpeningEvent.proceed
        for round in 0..<20 {
            let step: OpeningStep
            do throws(NaruError) {
                step = try opening.advance(event)
            } catch {
                return
            }
            switch step {
            case .send: event = .proceed
            case .receive:
                let descriptors = round % 2 == 0 ? [] : [try EventCounter().descriptor]
                event = .message(OpeningMessage(bytes: bytes, descriptors: descriptors))
            case .wait(let descriptor, let events):
                if try descriptor.pollOnce(events).isEmpty { return }
                event = .proceed
            case .done: throw Complaint("the \(role) is done after \(bytes.count) bytes of garbage and no peer")
            }
        }
        throw Complaint("the \(role) takes garbage for ever")
    }

    private static func messageLengths(_ subject: Subject, _ bench: OpeningBench) throws -> [Int] {
        var driver = try OpeningDriver(subject, bench)
        guard case .opened = driver.run() else { throw Complaint("the openings do not yield lanes") }
        defer { driver.dropAll() }
        return driver.messages.map(\.message.bytes.count)
    }

    /// Opens with one message altered; whether both ends opened all the same. Lanes opened so must not crash either.
    @discardableResult
    private static func openAltered(
        _ subject: Subject, _ bench: OpeningBench, message index: Int, _ alter: (inout OpeningMessage) throws -> Void
    ) throws -> Bool {
        var driver = try OpeningDriver(subject, bench)
        driver.patience = .milliseconds(20)
        var failure: (any Error)?
        return try withoutActuallyEscaping(alter) { alter in
            driver.intercept = { number, _, message in
                guard number == index else { return message }
                var altered = message
                do { try alter(&altered) } catch { failure = error }
                return altered
            }
            defer { driver.intercept = { _, _, message in message } }
            let outcome = driver.run()
            if let failure { throw failure }
            guard case .opened(let dialer, let listener) = outcome else { return false }
            for lanes in [dialer, listener] {
                _ = try? lanes.outbound?.trySend(Record(1, byteCount: 8))
                _ = try? lanes.outbound?.flush()
            }
            for lanes in [dialer, listener] {
                _ = try? lanes.inbound?.drain(8) { _ in .take }
                lanes.outbound?.close()
                lanes.inbound?.close()
            }
            return true
        }
    }
}

/// What a peer may pass instead of what it should.
private enum WrongDescriptor: String, CaseIterable, CustomStringConvertible {
    case nothing = "no descriptor"
    case device = "/dev/null"
    case directory = "a folder"
    case pipe = "the reading end of a pipe"
    case memory = "an unsealed memory file of one page"

    var description: String { rawValue }

    func instead(of descriptors: [Descriptor], at index: Int) throws -> [Descriptor] {
        var result = descriptors
        switch self {
        case .nothing: result.remove(at: index)
        case .device: result[index] = try FileSystem.open("/dev/null", [.read, .write])
        case .directory: result[index] = try FileSystem.open("/", .read)
        case .pipe: result[index] = try SystemPipe.make(nonBlocking: true).reading
        case .memory: result[index] = try MemoryFile.create(name: "naru-kit", byteCount: HostInformation.pageBytes)
        }
        return result
    }
}

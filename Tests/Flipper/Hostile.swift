// Naru: messages between programs by the fastest valid mechanism.
// Copyright the Naru authors. Licensed under the Apache License, Version 2.0 (see LICENSE).

import Naru
import NaruCore
import NaruRing
import NaruSystem

/// The peer that changes what it should not. It ends with its standard input.
enum Hostile {
    static func run(_ arguments: [String]) async throws {
        switch (arguments.first, arguments.count) {
        case ("data", 2): try flip(arguments[1], Flips.data)
        case ("control", 2): try flip(arguments[1], Flips.control)
        case ("send", 3): try await HostileLinks.send(arguments[1], Int(arguments[2]) ?? 0)
        case ("receive", 3): try await HostileLinks.receive(arguments[1], Int(arguments[2]) ?? 0)
        default: throw Complaint(description: "hostile: unknown arguments \(arguments)")
        }
    }

    /// The descriptors under which the victim passes a ring's memories.
    static let dataNumber: Int32 = 3, controlNumber: Int32 = 4

    private static func flip(_ seed: String, _ change: (Memory, inout Dice) -> Void) throws {
        let data = Descriptor(adopting: dataNumber)
        let control = Descriptor(adopting: controlNumber)
        let mappings = (
            try Mapping(data, byteCount: Bench.dataByteCount, access: .readWrite, prefault: true),
            try Mapping(control, byteCount: RingLayout.controlByteCount, access: .readWrite, prefault: true)
        )
        let memory = unsafe Memory(
            data: mappings.0.base, dataByteCount: Bench.dataByteCount, control: mappings.1.base)
        var dice = Dice(UInt64(seed) ?? 1)
        let input = Descriptor(adopting: 0)
        var count: UInt64 = 0
        // The victim closes its end of the input, or dies.
        while try input.poll(.readable, deadline: .now).isEmpty {
            for _ in 0..<4096 { change(memory, &dice) }
            count += 4096
            unsafe memory.control.storeBytes(of: count, toByteOffset: Bench.flipsOffset, as: UInt64.self)
        }
        withExtendedLifetime(mappings) {}
    }
}

/// A ring's memories, as the hostile process has them.
// Safe: whoever makes one keeps the memory mapped, and all offsets below lie in it. Races are the purpose.
@safe struct Memory {
    let data: UnsafeMutableRawPointer
    let dataByteCount: Int
    let control: UnsafeMutableRawPointer

    /// Where the ring begins in its data memory, bytes.
    static let ringOffset = RingLayout.dataByteCount(ringBytes: 0)
    /// The size in whole pages, as the kernel tells it, less the page that what lies before the ring adds.
    var ringBytes: Int { dataByteCount - 4096 }

    /// The rings that this process has mapped, as the kernel tells.
    static func own() throws -> Memory? {
        let text = String(decoding: try FileSystem.readSmallFile("/proc/self/maps", limit: 1 << 22), as: UTF8.self)
        var data: (base: UInt, byteCount: Int)?
        var control: UInt?
        for line in text.split(separator: "\n") where line.contains("/memfd:naru-ring") {
            let range = line.prefix { $0 != " " }.split(separator: "-").compactMap { UInt($0, radix: 16) }
            guard range.count == 2 else { continue }
            if line.contains("naru-ring-control") {
                control = range[0]
            } else {
                data = (range[0], Int(range[1] - range[0]))
            }
        }
        guard let data, let control, let base = unsafe UnsafeMutableRawPointer(bitPattern: data.base),
            let controlBase = unsafe UnsafeMutableRawPointer(bitPattern: control)
        else { return nil }
        return unsafe Memory(data: base, dataByteCount: data.byteCount, control: controlBase)
    }
}

/// Single changes.
enum Flips {
    /// One header word, or a part of one, mostly near the ring's begin.
    static func data(_ memory: Memory, _ dice: inout Dice) {
        let offset = Memory.ringOffset + 8 * (dice.roll(4) > 0 ? dice.roll(16) : dice.roll(memory.ringBytes / 8))
        let place = unsafe memory.data + offset
        switch dice.roll(14) {
        case 0: unsafe place.storeBytes(of: 0, as: UInt64.self)
        case 1: unsafe place.storeBytes(of: dice.next(), as: UInt64.self)
        // A commit word alone: small, out of bounds, or huge.
        case 2: unsafe place.storeBytes(of: UInt32(dice.roll(256)), as: UInt32.self)
        case 3: unsafe place.storeBytes(of: UInt32(1) << UInt32(dice.roll(32)), as: UInt32.self)
        case 4: unsafe place.storeBytes(of: UInt8(dice.roll(9)), toByteOffset: 4, as: UInt8.self)
        case 5: unsafe place.storeBytes(of: UInt16(dice.roll(40)), toByteOffset: 6, as: UInt16.self)
        case 6: unsafe place.storeBytes(of: word(7, 8 * dice.roll(9)), as: UInt64.self)
        case 7: unsafe place.storeBytes(of: word(UInt64(1 + dice.roll(6)), dice.roll(2048)), as: UInt64.self)
        default: unsafe place.storeBytes(of: word(1, dice.roll(64)), as: UInt64.self)
        }
    }

    /// One word that a reader writes.
    static func control(_ memory: Memory, _ dice: inout Dice) {
        let offset = [0, 0, 0, 128, 132, 256, 260, 384][dice.roll(8)]
        let place = unsafe memory.control + offset
        if offset == 0 {
            let position: UInt64 =
                switch dice.roll(8) {
                case 0: dice.next()
                case 1: UInt64.max - UInt64(dice.roll(16))
                case 2: 1 << UInt64(dice.roll(64))
                case 3: UInt64(dice.roll(2 * memory.ringBytes))
                default: UInt64(8 * dice.roll(memory.ringBytes / 8))
                }
            unsafe place.storeBytes(of: position, as: UInt64.self)
        } else {
            unsafe place.storeBytes(of: UInt32(dice.roll(8) == 0 ? 1 << dice.roll(32) : dice.roll(4)), as: UInt32.self)
        }
    }

    private static func word(_ kind: UInt64, _ byteCount: Int) -> UInt64 { kind << 32 | UInt64(byteCount + 1) }
}

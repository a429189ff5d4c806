// Naru: messages between programs by the fastest valid mechanism.
// Copyright the Naru authors. Licensed under the Apache License, Version 2.0 (see LICENSE).

internal import NaruSystem

extension Receiver {
    /// What becomes of a record that is not a plain message in the lane's memory.
    @inline(never)
    func takeUnusual(
        _ record: InboundRecord, _ delivery: inout Delivery, _ body: (MessageView) throws -> Void
    ) -> DrainStep {
        // Counted first: what follows counts for itself.
        countPlain(&delivery)
        defer { delivery.sequence = taken }
        let header = record.header
        var bytes = record.bytes
        if header.extensionByteCount > 0 {
            guard Int(header.extensionByteCount) <= bytes.byteCount else {
                return violate("an extension longer than its record", &delivery)
            }
            // Metadata of a kind this version does not know is skipped.
            bytes = bytes.extracting(droppingFirst: Int(header.extensionByteCount))
        }
        if header.kind == .data, header.flags.isDisjoint(with: .codec) {
            adopted = record.adopted
            defer { adopted = nil }
            do {
                try body(MessageView(bytes: bytes, sequence: taken &+ 1))
            } catch {
                return delivery.fail(error, .leaveAndStop)
            }
            count(bytes.byteCount, wire: bytes.byteCount)
            delivery.count &+= 1
            return delivery.goesOn
        }
        return take(header, bytes, &delivery, body)
    }

    /// Compressed messages, fragments, the end.
    private func take(
        _ header: RecordHeader, _ bytes: RawSpan, _ delivery: inout Delivery, _ body: (MessageView) throws -> Void
    ) -> DrainStep {
        switch header.kind {
        case .data:
            guard !assembler.isPartial else { return violate("a message inside another's fragments", &delivery) }
            return lend(bytes, header.flags, &delivery, body)
        case .fragment:
            switch assembler.append(header, bytes) {
            case .more: return .take
            case .violation(let what): return violate(what, &delivery)
            case .complete(let flags):
                defer { assembler.release() }
                return lend(assembler.bytes, flags, &delivery, body)
            }
        case .abort:
            if assembler.abort().contains(.history) { decompressor?.breakHistory() }
            return .take
        case .finish:
            let count =
                bytes.byteCount == 8
                ? UInt64(littleEndian: unsafe bytes.unsafeLoadUnaligned(as: UInt64.self)) : UInt64.max
            // A medium may hold what others sent before, and others may have taken some of it.
            let isAttached = link.attachedDelivery != nil
            guard isAttached || count == taken, !assembler.isPartial else {
                return violate("a finish after \(count) messages where \(taken) came", &delivery)
            }
            obstacles.insert(.finished)
            link.acknowledge(taken)
            return .takeAndStop
        default:
            return violate("a record of unknown kind \(header.kind.rawValue)", &delivery)
        }
    }

    /// Lends a message that came in parts or compressed.
    private func lend(
        _ payload: RawSpan, _ flags: RecordHeader.Flags, _ delivery: inout Delivery,
        _ body: (MessageView) throws -> Void
    ) -> DrainStep {
        guard flags.contains(.compressed) else {
            guard flags.isDisjoint(with: .codec) else {
                return violate("a message with history that is not compressed", &delivery)
            }
            return deliver(payload, wire: payload.byteCount, &delivery, body)
        }
        guard let decompressor else { return violate("a compressed message without a codec agreed", &delivery) }
        do {
            let start = MonotonicClock.nanoseconds()
            let byteCount = try decompressor.decompress(payload, flags)
            let duration = MonotonicClock.nanoseconds() &- start
            link.counters.add(.decompressionNanoseconds, Int(truncatingIfNeeded: duration))
            return deliver(decompressor.bytes(byteCount), wire: payload.byteCount, &delivery, body)
        } catch {
            poison(error.reason)
            return delivery.fail(error, .takeAndStop)
        }
    }

    /// Lends a message that lies in private memory. One whose closure throws is kept for the next call.
    private func deliver(
        _ bytes: RawSpan, wire: Int, _ delivery: inout Delivery, _ body: (MessageView) throws -> Void
    ) -> DrainStep {
        do {
            try body(MessageView(bytes: bytes, sequence: taken &+ 1))
        } catch {
            untaken = OwnedMessage(copying: bytes)
            untakenWireBytes = wire
            obstacles.insert(.untaken)
            return delivery.fail(error, .takeAndStop)
        }
        count(bytes.byteCount, wire: wire)
        delivery.count &+= 1
        return delivery.goesOn
    }

    private func violate(_ what: String, _ delivery: inout Delivery) -> DrainStep {
        poison(what)
        return delivery.fail(closedError(), .takeAndStop)
    }
}

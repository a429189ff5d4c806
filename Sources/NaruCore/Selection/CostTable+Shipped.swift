// Naru: messages between programs by the fastest valid mechanism.
// Copyright the Naru authors. Licensed under the Apache License, Version 2.0 (see LICENSE).

extension CostTable {
    /// Defaults for a host that was not calibrated, from the floors measured on a virtual machine of two cores.
    ///
    /// Only their proportions matter. Two of them are guarantees: in one process `in-process` is the cheapest at every
    /// size, and on one host `shared-memory` is cheaper than every transport through the kernel at every size.
    public static let shipped: CostTable = {
        var table = CostTable(source: .shipped)
        for floor in floors {
            for (mode, base) in [(WaitMode.latency, floor.spin), (.balanced, floor.balanced), (.power, floor.power)] {
                table[floor.transport, mode, .latency] = Cost(
                    base: base, perByte: floor.perByte,
                    perReceiver: mode == .power ? max(floor.perReceiver, floor.perWakeup) : floor.perReceiver,
                    perReceiverByte: floor.perReceiverByte)
                table[floor.transport, mode, .throughput] = Cost(
                    base: floor.stream, perByte: floor.perByte, perReceiver: floor.streamPerReceiver,
                    perReceiverByte: floor.perReceiverByte)
            }
        }
        return table
    }()

    /// One transport's measured floor, in nanoseconds.
    private struct Floor {
        let transport: TransportName
        /// One message one way, without the receiver's share, while the receiver spins.
        let spin: Double
        /// The same in the balanced wait mode.
        let balanced: Double
        /// The same while the receiver sleeps.
        let power: Double
        /// Each byte.
        let perByte: Double
        /// Each receiver: a look at its cursor, or a send of its own.
        let perReceiver: Double
        /// Each receiver that sleeps: the sender's call that wakes it.
        let perWakeup: Double
        /// Each byte of each further receiver, where the message is sent again.
        let perReceiverByte: Double
        /// One small message in a stream, without the receiver's share.
        let stream: Double
        /// Each receiver of a streamed message.
        let streamPerReceiver: Double
    }

    private static let floors: [Floor] = [
        Floor(
            transport: .inProcess, spin: 70, balanced: 200, power: 3000, perByte: 0.02, perReceiver: 10,
            perWakeup: 1000, perReceiverByte: 0, stream: 6, streamPerReceiver: 2),
        Floor(
            transport: .sharedMemory, spin: 90, balanced: 280, power: 3800, perByte: 0.03, perReceiver: 20,
            perWakeup: 1200, perReceiverByte: 0, stream: 7, streamPerReceiver: 3),
        Floor(
            transport: .memoryMap, spin: 130, balanced: 350, power: 4300, perByte: 0.06, perReceiver: 20,
            perWakeup: 1200, perReceiverByte: 0.03, stream: 15, streamPerReceiver: 5),
        Floor(
            transport: .unixSocket, spin: 1500, balanced: 3500, power: 4000, perByte: 0.25, perReceiver: 1500,
            perWakeup: 1500, perReceiverByte: 0.25, stream: 2, streamPerReceiver: 28),
        Floor(
            transport: .pipe, spin: 1800, balanced: 3900, power: 4500, perByte: 0.3, perReceiver: 1600,
            perWakeup: 1600, perReceiverByte: 0.3, stream: 3, streamPerReceiver: 29),
        Floor(
            transport: .fifo, spin: 1900, balanced: 4100, power: 4700, perByte: 0.3, perReceiver: 1600,
            perWakeup: 1600, perReceiverByte: 0.3, stream: 4, streamPerReceiver: 30),
        Floor(
            transport: .posixQueue, spin: 4200, balanced: 5400, power: 5800, perByte: 0.4, perReceiver: 600,
            perWakeup: 600, perReceiverByte: 0.4, stream: 50, streamPerReceiver: 550),
        Floor(
            transport: .sysvQueue, spin: 5000, balanced: 6600, power: 7200, perByte: 0.4, perReceiver: 600,
            perWakeup: 600, perReceiverByte: 0.4, stream: 60, streamPerReceiver: 560),
        Floor(
            transport: .tcp, spin: 5000, balanced: 7000, power: 7700, perByte: 0.35, perReceiver: 4300,
            perWakeup: 4300, perReceiverByte: 0.35, stream: 4, streamPerReceiver: 28),
        Floor(
            transport: .tls, spin: 8500, balanced: 10_500, power: 11_500, perByte: 1, perReceiver: 4800,
            perWakeup: 4800, perReceiverByte: 1, stream: 60, streamPerReceiver: 100),
        Floor(
            transport: .nats, spin: 58_000, balanced: 59_500, power: 60_000, perByte: 1.5, perReceiver: 500,
            perWakeup: 500, perReceiverByte: 0.35, stream: 400, streamPerReceiver: 100),
        Floor(
            transport: .semaphore, spin: 400, balanced: 3000, power: 4000, perByte: 0, perReceiver: 600,
            perWakeup: 1500, perReceiverByte: 0, stream: 100, streamPerReceiver: 300),
        Floor(
            transport: .posixSemaphore, spin: 200, balanced: 2900, power: 3900, perByte: 0, perReceiver: 10,
            perWakeup: 1500, perReceiverByte: 0, stream: 5, streamPerReceiver: 5),
        Floor(
            transport: .anonymousSemaphore, spin: 200, balanced: 2900, power: 3900, perByte: 0, perReceiver: 10,
            perWakeup: 1500, perReceiverByte: 0, stream: 5, streamPerReceiver: 5),
    ]
}

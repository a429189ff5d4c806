// Naru: messages between programs by the fastest valid mechanism.
// Copyright the Naru authors. Licensed under the Apache License, Version 2.0 (see LICENSE).

#if Zstd
    import NaruCore
    import NaruZstd

    extension ZstdCodec {
        /// An encoder of the default level.
        func encoder() throws(NaruError) -> any MessageEncoder {
            try makeEncoder(level: defaultLevel)
        }
    }

    extension MessageEncoder {
        /// The frame of a message, `nil` when it needs more than `capacity` bytes (by default there is always room).
        func frame(_ bytes: [UInt8], capacity: Int? = nil) throws(NaruError) -> [UInt8]? {
            let output = Guarded(byteCount: capacity ?? bytes.count + bytes.count / 128 + 64)
            let count = unsafe try encode(bytes.span.bytes, into: output.memory)
            precondition(output.isIntact, "the encoder wrote past its output")
            return count.map { Array(output.bytes.prefix($0)) }
        }
    }

    extension MessageDecoder {
        /// The message of a frame.
        func message(_ frame: [UInt8], _ byteCount: Int) throws(NaruError) -> [UInt8] {
            let output = Guarded(byteCount: byteCount)
            defer { precondition(output.isIntact, "the decoder wrote past its output") }
            try output.decode(frame, self)
            return output.bytes
        }
    }

    extension HistoryEncoder {
        /// What a message becomes.
        func frame(_ bytes: [UInt8], startingAnew: Bool = false) throws(NaruError) -> [UInt8] {
            let output = Guarded(byteCount: bound(bytes.count))
            let count = unsafe try encode(bytes.span.bytes, startingAnew: startingAnew, into: output.memory)
            precondition(output.isIntact, "the encoder wrote past its output")
            return Array(output.bytes.prefix(count))
        }
    }

    extension HistoryDecoder {
        /// The message that a frame is.
        func message(_ frame: [UInt8], _ byteCount: Int, startingAnew: Bool = false) throws(NaruError) -> [UInt8] {
            let output = Guarded(byteCount: byteCount)
            defer { precondition(output.isIntact, "the decoder wrote past its output") }
            unsafe try decode(frame.span.bytes, startingAnew: startingAnew, into: output.memory)
            return output.bytes
        }
    }

    /// Output memory with guard bytes behind it.
    @safe final class Guarded {
        private static let guardBytes = 64
        private let base: UnsafeMutableRawBufferPointer
        let byteCount: Int

        init(byteCount: Int) {
            self.byteCount = byteCount
            // Made, initialised and freed here, used only by this object.
            unsafe base = .allocate(byteCount: byteCount + Self.guardBytes, alignment: 16)
            unsafe base.initializeMemory(as: UInt8.self, repeating: 0xA5)
        }

        deinit {
            unsafe base.deallocate()
        }

        /// The output without the guard bytes.
        var memory: UnsafeMutableRawBufferPointer {
            unsafe UnsafeMutableRawBufferPointer(rebasing: base[..<byteCount])
        }

        /// What was written.
        var bytes: [UInt8] { unsafe Array(memory) }

        /// Whether nothing was written behind the output.
        var isIntact: Bool { unsafe base[byteCount...].allSatisfy { $0 == 0xA5 } }

        /// Decodes `frame` into the output.
        func decode(_ frame: [UInt8], _ decoder: any MessageDecoder) throws(NaruError) {
            unsafe try decoder.decode(frame.span.bytes, into: memory)
        }
    }

    /// The code of the error that `body` throws, `nil` when it throws none.
    func code(_ body: () throws -> Void) -> NaruError.Code? {
        do {
            try body()
            return nil
        } catch {
            return (error as? NaruError)?.code
        }
    }
#endif

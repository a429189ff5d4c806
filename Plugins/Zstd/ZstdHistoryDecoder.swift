// Naru: messages between programs by the fastest valid mechanism.
// Copyright the Naru authors. Licensed under the Apache License, Version 2.0 (see LICENSE).

#if Zstd
    internal import CZstd
    internal import NaruCore

    /// Decompresses messages that are one frame together. Its input is a peer's and not trusted.
    ///
    /// A history begins with the header of a frame of today's format (the library may have been built with decoders of
    /// older ones) whose window is not above ``ZstdCodec/historyWindowBytes``; that bounds what the library allocates.
    /// The frame never ends, so no other follows it. A message must give exactly the bytes it declares: fewer, more, or
    /// a rest that waits inside the library are refused.
    ///
    /// `@safe`: the context is private, made in `init` and freed once in `deinit`; each call gets memory that its owner
    /// holds for the length of the call, with its true size.
    @safe final class ZstdHistoryDecoder: HistoryDecoder {
        private let context: OpaquePointer

        init() throws(NaruError) {
            guard let context = unsafe ZSTD_createDCtx() else {
                throw .zstd("decompress", outOfMemory: "ZSTD_createDCtx")
            }
            unsafe self.context = context
            let result = unsafe ZSTD_DCtx_setParameter(context, ZSTD_d_windowLogMax, ZstdHistory.windowLog)
            if ZSTD_isError(result) != 0 { throw .zstd("decompress", .unsupported, result) }
        }

        deinit {
            _ = unsafe ZSTD_freeDCtx(context)
        }

        func decode(
            _ bytes: RawSpan, startingAnew: Bool, into output: UnsafeMutableRawBufferPointer
        ) throws(NaruError) {
            try unsafe bytes.withUnsafeBytes { input throws(NaruError) in
                if startingAnew {
                    _ = unsafe ZSTD_DCtx_reset(context, ZSTD_reset_session_only)
                    // Skippable frames and frames of older formats begin with other numbers.
                    guard input.count >= 4,
                        unsafe input.loadUnaligned(as: UInt32.self).littleEndian == ZSTD_MAGICNUMBER
                    else { throw .corruptedFrame("its history does not begin with a zstd frame") }
                }
                guard input.count > 0 else { throw .corruptedFrame("it is empty") }
                var source = unsafe ZSTD_inBuffer(src: input.baseAddress, size: input.count, pos: 0)
                var target = unsafe ZSTD_outBuffer(dst: output.baseAddress, size: output.count, pos: 0)
                while true {
                    let before = unsafe (source.pos, target.pos)
                    unsafe try advance(&target, &source)
                    if unsafe source.pos == source.size && target.pos == target.size { break }
                    if unsafe (source.pos, target.pos) == before { break }
                }
                guard unsafe source.pos == source.size, unsafe target.pos == target.size else {
                    throw unsafe .corruptedFrame(
                        "\(source.pos) of \(source.size) bytes decode to \(target.pos) of the declared \(target.size)")
                }
                guard try isEmpty() else {
                    throw .corruptedFrame("it decodes to more than the declared \(output.count)")
                }
            }
        }

        private func advance(_ target: inout ZSTD_outBuffer, _ source: inout ZSTD_inBuffer) throws(NaruError) {
            let result = unsafe ZSTD_decompressStream(context, &target, &source)
            if ZSTD_isError(result) != 0 {
                if ZSTD_getErrorCode(result) == ZSTD_error_memory_allocation {
                    throw .zstd("decompress", outOfMemory: "ZSTD_decompressStream")
                }
                throw .zstd("decompress", .corrupted, result)
            }
            // Zero: the frame ended, and what follows would be another.
            guard result != 0 else { throw .corruptedFrame("it ends the history") }
        }

        /// Whether nothing that was decoded waits inside the library for room.
        private func isEmpty() throws(NaruError) -> Bool {
            var spare: UInt8 = 0
            return try unsafe withUnsafeMutablePointer(to: &spare) { spare throws(NaruError) in
                var source = unsafe ZSTD_inBuffer(src: nil, size: 0, pos: 0)
                var target = unsafe ZSTD_outBuffer(dst: spare, size: 1, pos: 0)
                unsafe try advance(&target, &source)
                return unsafe target.pos == 0
            }
        }
    }
#endif

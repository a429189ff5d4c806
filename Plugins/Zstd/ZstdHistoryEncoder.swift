// Naru: messages between programs by the fastest valid mechanism.
// Copyright the Naru authors. Licensed under the Apache License, Version 2.0 (see LICENSE).

#if Zstd
    internal import CZstd
    internal import NaruCore

    /// What both ends of a history must agree on.
    enum ZstdHistory {
        /// The window's logarithm: what an encoder uses and a decoder permits.
        static let windowLog: Int32 = 18
    }

    /// Compresses messages as one frame that never ends, flushed after each message.
    ///
    /// `@safe`: the context is private, made in `init` and freed once in `deinit`; each call gets memory that its owner
    /// holds for the length of the call, with its true size. The library keeps what it refers to in the context.
    @safe final class ZstdHistoryEncoder: HistoryEncoder {
        private let context: OpaquePointer

        init(level: Int) throws(NaruError) {
            guard let context = unsafe ZSTD_createCCtx() else {
                throw .zstd("compress", outOfMemory: "ZSTD_createCCtx")
            }
            unsafe self.context = context
            var settings: [(ZSTD_cParameter, Int32)] = [
                (ZSTD_c_compressionLevel, Int32(level)), (ZSTD_c_windowLog, ZstdHistory.windowLog),
                (ZSTD_c_checksumFlag, 0), (ZSTD_c_dictIDFlag, 0),
            ]
            // Tables for windows of megabytes, which these levels have by default, would take up to 80 MiB.
            if level >= 7 {
                settings += [
                    (ZSTD_c_chainLog, ZstdHistory.windowLog), (ZSTD_c_hashLog, ZstdHistory.windowLog + 1),
                ]
            }
            for (parameter, value) in settings {
                let result = unsafe ZSTD_CCtx_setParameter(context, parameter, value)
                if ZSTD_isError(result) != 0 { throw .zstd("compress", .invalidArgument, result) }
            }
        }

        deinit {
            _ = unsafe ZSTD_freeCCtx(context)
        }

        /// The library's bound for one frame: blocks that do not compress are stored with three bytes more each, and
        /// its margin is larger than that and the frame's header.
        func bound(_ byteCount: Int) -> Int {
            ZSTD_compressBound(byteCount) + Self.headerBytes
        }

        /// The most bytes of a frame's header, which stands before the first message.
        private static let headerBytes = 18

        func encode(
            _ bytes: RawSpan, startingAnew: Bool, into output: UnsafeMutableRawBufferPointer
        ) throws(NaruError) -> Int {
            if startingAnew { _ = unsafe ZSTD_CCtx_reset(context, ZSTD_reset_session_only) }
            return try unsafe bytes.withUnsafeBytes { input throws(NaruError) in
                var source = unsafe ZSTD_inBuffer(src: input.baseAddress, size: input.count, pos: 0)
                var target = unsafe ZSTD_outBuffer(dst: output.baseAddress, size: output.count, pos: 0)
                let left = unsafe ZSTD_compressStream2(context, &target, &source, ZSTD_e_flush)
                if ZSTD_isError(left) != 0 {
                    if ZSTD_getErrorCode(left) == ZSTD_error_memory_allocation {
                        throw .zstd("compress", outOfMemory: "ZSTD_compressStream2")
                    }
                    throw .zstd("compress", .system, left)
                }
                guard left == 0, unsafe source.pos == source.size else {
                    throw NaruError(
                        .invalidArgument, operation: "compress", object: "zstd message",
                        reason: "\(output.count) bytes are too few for one of \(input.count)")
                }
                return unsafe target.pos
            }
        }
    }
#endif

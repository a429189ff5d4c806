// Naru: messages between programs by the fastest valid mechanism.
// Copyright the Naru authors. Licensed under the Apache License, Version 2.0 (see LICENSE).

#if Zstd
    internal import CZstd
    internal import NaruCore

    /// Compresses messages one at a time in a context that is kept. The library may ask for a few bytes of `output`
    /// more than the result takes.
    ///
    /// `@safe`: the context is private, made in `init` and freed once in `deinit`; each call gets memory that its owner
    /// holds for the length of the call, with its true size.
    @safe final class ZstdEncoder: MessageEncoder {
        private let context: OpaquePointer

        init(level: Int) throws(NaruError) {
            guard let context = unsafe ZSTD_createCCtx() else {
                throw .zstd("compress", outOfMemory: "ZSTD_createCCtx")
            }
            unsafe self.context = context
            let settings: [(ZSTD_cParameter, Int32)] = [
                (ZSTD_c_compressionLevel, Int32(level)), (ZSTD_c_contentSizeFlag, 1), (ZSTD_c_checksumFlag, 1),
                (ZSTD_c_dictIDFlag, 0),
            ]
            for (parameter, value) in settings {
                let result = unsafe ZSTD_CCtx_setParameter(context, parameter, value)
                if ZSTD_isError(result) != 0 { throw .zstd("compress", .invalidArgument, result) }
            }
        }

        deinit {
            _ = unsafe ZSTD_freeCCtx(context)
        }

        func encode(_ bytes: RawSpan, into output: UnsafeMutableRawBufferPointer) throws(NaruError) -> Int? {
            let result = unsafe bytes.withUnsafeBytes { input in
                unsafe ZSTD_compress2(context, output.baseAddress, output.count, input.baseAddress, input.count)
            }
            if ZSTD_isError(result) == 0 { return result }
            switch ZSTD_getErrorCode(result) {
            case ZSTD_error_dstSize_tooSmall: return nil
            case ZSTD_error_memory_allocation: throw .zstd("compress", outOfMemory: "ZSTD_compress2")
            default: throw .zstd("compress", .system, result)
            }
        }
    }
#endif

// Naru: messages between programs by the fastest valid mechanism.
// Copyright the Naru authors. Licensed under the Apache License, Version 2.0 (see LICENSE).

#if Zstd
    internal import CZstd
    internal import NaruCore

    /// Decompresses messages one at a time in a context that is kept. Its input is a peer's and not trusted.
    ///
    /// Everything that a frame declares is checked before it is decoded: that it is a frame of today's format (the
    /// library may have been built with decoders of older ones), alone and complete in the input, with the content size
    /// that the caller bounded. It is decoded in one call, for which the caller's output is the window: nothing is
    /// allocated by what the frame says, whatever window it declares.
    ///
    /// `@safe`: the context is private, made in `init` and freed once in `deinit`; each call gets memory that its owner
    /// holds for the length of the call, with its true size.
    @safe final class ZstdDecoder: MessageDecoder {
        private let context: OpaquePointer

        init() throws(NaruError) {
            guard let context = unsafe ZSTD_createDCtx() else {
                throw .zstd("decompress", outOfMemory: "ZSTD_createDCtx")
            }
            unsafe self.context = context
        }

        deinit {
            _ = unsafe ZSTD_freeDCtx(context)
        }

        func decode(_ bytes: RawSpan, into output: UnsafeMutableRawBufferPointer) throws(NaruError) {
            try unsafe bytes.withUnsafeBytes { input throws(NaruError) in
                unsafe try Self.check(input, contentByteCount: output.count)
                let result = unsafe ZSTD_decompressDCtx(
                    context, output.baseAddress, output.count, input.baseAddress, input.count)
                if ZSTD_isError(result) != 0 {
                    if ZSTD_getErrorCode(result) == ZSTD_error_memory_allocation {
                        throw .zstd("decompress", outOfMemory: "ZSTD_decompressDCtx")
                    }
                    throw .zstd("decompress", .corrupted, result)
                }
                guard result == output.count else {
                    throw .corruptedFrame("it decodes to \(result) bytes, not the declared \(output.count)")
                }
            }
        }

        /// Checks what the frame declares.
        private static func check(_ input: UnsafeRawBufferPointer, contentByteCount: Int) throws(NaruError) {
            // Skippable frames and frames of older formats begin with other numbers.
            guard input.count >= 4, unsafe input.loadUnaligned(as: UInt32.self).littleEndian == ZSTD_MAGICNUMBER else {
                throw .corruptedFrame("it does not begin with a zstd frame")
            }
            let declared = unsafe ZSTD_getFrameContentSize(input.baseAddress, input.count)
            switch declared {
            case Self.contentSizeError: throw .corruptedFrame("its header is damaged")
            case Self.contentSizeUnknown: throw .corruptedFrame("it does not state its content's size")
            case UInt64(contentByteCount): break
            default: throw .corruptedFrame("it holds \(declared) bytes, not the declared \(contentByteCount)")
            }
            let frame = unsafe ZSTD_findFrameCompressedSize(input.baseAddress, input.count)
            if ZSTD_isError(frame) != 0 { throw .zstd("decompress", .corrupted, frame) }
            guard frame == input.count else {
                throw .corruptedFrame("\(input.count - frame) bytes follow its frame")
            }
        }

        /// The library's `ZSTD_CONTENTSIZE_UNKNOWN` and `ZSTD_CONTENTSIZE_ERROR`, which are macros with casts.
        private static let contentSizeUnknown = UInt64.max, contentSizeError = UInt64.max - 1
    }
#endif

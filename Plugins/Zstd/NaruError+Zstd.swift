// Naru: messages between programs by the fastest valid mechanism.
// Copyright the Naru authors. Licensed under the Apache License, Version 2.0 (see LICENSE).

#if Zstd
    internal import CZstd
    internal import NaruCore

    extension NaruError {
        /// An error result of the library, by its own name.
        static func zstd(_ operation: String, _ code: Code, _ result: Int) -> NaruError {
            NaruError(
                code, operation: operation, object: "zstd message",
                reason: unsafe String(cString: ZSTD_getErrorName(result)))
        }

        /// The library found no memory.
        static func zstd(_ operation: String, outOfMemory function: String) -> NaruError {
            NaruError(
                .resourceExhausted, operation: operation, object: "zstd message", reason: "\(function) found no memory",
                remedy: "free memory or raise the limit of the control group")
        }

        /// A compressed message that is not what it should be.
        static func corruptedFrame(_ reason: String) -> NaruError {
            NaruError(.corrupted, operation: "decompress", object: "zstd message", reason: reason)
        }
    }
#endif

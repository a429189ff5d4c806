// Naru: messages between programs by the fastest valid mechanism.
// Copyright the Naru authors. Licensed under the Apache License, Version 2.0 (see LICENSE).

import Naru
import SystemPackage

extension NaruError {
    /// A file that could not be used: `operation object: reason; remedy`.
    init(_ error: any Error, _ operation: String, _ object: String) {
        let errno = error as? Errno
        let remedy: String? =
            switch errno {
            case .brokenPipe?: "the program that reads it has ended"
            case .noSpace?, .diskQuotaExceeded?: "free space there, or use another place"
            case .permissionDenied?: "check its owner and mode"
            case .isDirectory?: "name a file"
            default: nil
            }
        self.init(
            errno == .noSpace ? .resourceExhausted : .system, operation: operation, object: object,
            reason: errno?.description ?? "\(error)", errno: errno?.rawValue, remedy: remedy)
    }

    /// The same error with more to its reason.
    func adding(_ text: String) -> NaruError {
        NaruError(
            code, operation: operation, object: object, reason: "\(reason); \(text)", errno: errno, remedy: remedy)
    }
}

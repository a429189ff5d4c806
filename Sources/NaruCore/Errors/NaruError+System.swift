// Naru: messages between programs by the fastest valid mechanism.
// Copyright the Naru authors. Licensed under the Apache License, Version 2.0 (see LICENSE).

public import NaruSystem

extension NaruError {
    /// An error of the kernel, told as one of Naru's.
    ///
    /// Running out of descriptors, memory or space becomes ``Code/resourceExhausted`` with a remedy, everything else
    /// ``Code/system``.
    public init(_ error: SystemError, operation: String, object: String) {
        let (code, remedy): (Code, String?) =
            switch error.errno {
            case SystemErrno.noDescriptors: (.resourceExhausted, "raise the limit with `ulimit -n` or close links")
            case SystemErrno.tableFull: (.resourceExhausted, "raise fs.file-max")
            case SystemErrno.noSpace: (.resourceExhausted, "free space or allow more memory")
            case SystemErrno.noMemory: (.resourceExhausted, "free memory or raise the limit of the control group")
            case SystemErrno.accessDenied, SystemErrno.notPermitted:
                (.system, "check owner and mode of \(error.object)")
            default: (.system, nil)
            }
        self.init(
            code, operation: operation, object: object, reason: error.description, errno: error.errno, remedy: remedy)
    }
}

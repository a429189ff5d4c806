// Naru: messages between programs by the fastest valid mechanism.
// Copyright the Naru authors. Licensed under the Apache License, Version 2.0 (see LICENSE).

internal import NaruCore
internal import NaruSystem

extension NaruError {
    /// An error of a queue's lane.
    static func lane(_ code: Code, _ operation: String, _ reason: String, remedy: String? = nil) -> NaruError {
        NaruError(code, operation: operation, object: "queue lane", reason: reason, remedy: remedy)
    }

    /// What the kernel says of a queue.
    static func queue(_ error: SystemError, _ operation: String, _ object: String) -> NaruError {
        let (code, remedy): (Code, String?) =
            switch error.errno {
            case SystemErrno.noDescriptors where error.function == "mq_open":
                (
                    .resourceExhausted,
                    "remove queues with `naru clean --durable`, or raise the limit of the user's queues with `ulimit -q`"
                )
            case SystemErrno.noSpace where error.function == "mq_open":
                (.resourceExhausted, "remove queues, or raise fs.mqueue.queues_max")
            case SystemErrno.noSpace where error.function == "msgget":
                (.resourceExhausted, "remove queues with `ipcrm`, or raise kernel.msgmni")
            case SystemErrno.removed where error.function.hasPrefix("msg"),
                SystemErrno.invalid where error.function.hasPrefix("msg"):
                (.system, "the queue was removed: attach again")
            case SystemErrno.exists:
                (.busy, "a queue of this name is there without its sidecar: remove it with `naru clean --durable`")
            case SystemErrno.notFound: (.unreachable, "make the queue first")
            case SystemErrno.accessDenied, SystemErrno.notPermitted: (.system, "check the queue's owner and mode")
            default: (.system, nil)
            }
        return NaruError(
            code, operation: operation, object: object, reason: error.description, errno: error.errno, remedy: remedy)
    }
}

/// Runs a system call on a queue and names what failed.
func naming<Value>(
    _ operation: String, _ object: String, _ body: () throws(SystemError) -> Value
) throws(NaruError) -> Value {
    do {
        return try body()
    } catch {
        throw .queue(error, operation, object)
    }
}

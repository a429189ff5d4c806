// Naru: messages between programs by the fastest valid mechanism.
// Copyright the Naru authors. Licensed under the Apache License, Version 2.0 (see LICENSE).

internal import CNaruSystem
internal import Glibc

/// Handles of processes (pidfd): they stay with one process, become readable when it ends, and can be polled.
public enum ProcessHandle {
    /// A handle of the process that has this number now. `ESRCH` when there is none.
    public static func open(_ processID: Int32) throws(SystemError) -> Descriptor {
        Descriptor(adopting: try checked(naru_process_open(processID), "pidfd_open", "process \(processID)"))
    }

    /// A handle of the process at the other end of a local socket, the one that connected or listened; nil when the
    /// kernel cannot tell (before Linux 6.5). `ESRCH` when it has ended already.
    public static func peer(of socket: Descriptor) throws(SystemError) -> Descriptor? {
        let result = naru_peer_process(socket.number)
        // There is no such option, or the socket has no peer that the kernel noted.
        if result == -ENOPROTOOPT || result == -ENODATA { return nil }
        return Descriptor(adopting: try checked(result, "getsockopt(SO_PEERPIDFD)", socket.name))
    }

    /// How the process ended; nil while it runs and when it cannot be told.
    ///
    /// It can be told of this process's own children, waited for or not, and of others from Linux 6.15 on, once their
    /// parent has waited for them. Nothing is reaped by asking.
    public static func exitStatus(_ handle: Descriptor) -> ExitStatus? {
        var code: Int32 = 0
        var signal: Int32 = 0
        // Safe: the callees fill the two locals.
        if unsafe naru_process_wait(handle.number, 0, &code, &signal) == 1
            || naru_process_info_status(handle.number, &code, &signal) == 1
        {
            return ExitStatus(exitCode: code, signal: signal)
        }
        return nil
    }

    /// Whether this process's child has ended and its parent is to be told later, because a debugger that observes it
    /// is told first.
    public static func isHeldBack(_ handle: Descriptor) -> Bool {
        var code: Int32 = 0
        var signal: Int32 = 0
        // Safe: the callee fills the two locals.
        let result = unsafe naru_process_wait(handle.number, 0, &code, &signal)
        return result == 0 && hasExited(handle)
    }

    /// Whether the process has ended. Does not block.
    public static func hasExited(_ handle: Descriptor) -> Bool {
        guard let events = try? handle.pollOnce(.readable) else { return true }
        return !events.isEmpty
    }

    /// Sends a signal to the process and no other. `ESRCH` when it has ended and was waited for.
    public static func signal(_ handle: Descriptor, _ signal: Int32) throws(SystemError) {
        try checked(naru_process_signal(handle.number, signal), "pidfd_send_signal", handle.name)
    }
}

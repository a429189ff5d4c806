// Naru: messages between programs by the fastest valid mechanism.
// Copyright the Naru authors. Licensed under the Apache License, Version 2.0 (see LICENSE).

internal import Glibc

/// The numbers of the signals that are sent to other processes.
public enum Signals {
    /// `SIGHUP`.
    public static let hangUp = SIGHUP
    /// `SIGINT`.
    public static let int = SIGINT
    /// `SIGQUIT`.
    public static let quit = SIGQUIT
    /// `SIGABRT`.
    public static let abort = SIGABRT
    /// `SIGKILL`, which cannot be caught.
    public static let kill = SIGKILL
    /// `SIGUSR1`.
    public static let user1 = SIGUSR1
    /// `SIGSEGV`.
    public static let segmentationFault = SIGSEGV
    /// `SIGPIPE`.
    public static let pipe = SIGPIPE
    /// `SIGTERM`.
    public static let term = SIGTERM
    /// `SIGCONT`, which lets a stopped process go on.
    public static let cont = SIGCONT
    /// `SIGSTOP`, which cannot be caught.
    public static let stop = SIGSTOP
}

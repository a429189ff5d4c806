// Naru: messages between programs by the fastest valid mechanism.
// Copyright the Naru authors. Licensed under the Apache License, Version 2.0 (see LICENSE).

internal import Glibc

/// The error numbers that code above this layer tells apart.
public enum SystemErrno {
    /// `EAGAIN`: it would block.
    public static let again = EAGAIN
    /// `EINTR`: a signal came; the calls of this module repeat themselves.
    public static let interrupted = EINTR
    /// `ENOSPC`: no room left.
    public static let noSpace = ENOSPC
    /// `EMFILE`: this process has no descriptor left.
    public static let noDescriptors = EMFILE
    /// `ENFILE`: the host has no open file left.
    public static let tableFull = ENFILE
    /// `EACCES`: permission denied.
    public static let accessDenied = EACCES
    /// `EPERM`: operation not permitted.
    public static let notPermitted = EPERM
    /// `EEXIST`: it exists already.
    public static let exists = EEXIST
    /// `ENOENT`: there is no such thing.
    public static let notFound = ENOENT
    /// `ENXIO`: nobody reads the pipe, or there is no such device.
    public static let noReader = ENXIO
    /// `ECONNREFUSED`: nobody listens there.
    public static let connectionRefused = ECONNREFUSED
    /// `ECONNRESET`: the peer gave the connection up.
    public static let connectionReset = ECONNRESET
    /// `EPIPE`: the peer no longer reads.
    public static let brokenPipe = EPIPE
    /// `ENOMEM`: no memory left.
    public static let noMemory = ENOMEM
    /// `ENOBUFS`: the kernel has no room for its own part.
    public static let noBuffers = ENOBUFS
    /// `EINVAL`: an argument makes no sense there.
    public static let invalid = EINVAL
    /// `EOPNOTSUPP`: the object has no such operation.
    public static let notSupported = EOPNOTSUPP
    /// `ETIMEDOUT`: the time is over.
    public static let timedOut = ETIMEDOUT
    /// `ESRCH`: no such process.
    public static let noSuchProcess = ESRCH
    /// `EADDRINUSE`: the address is taken.
    public static let inUse = EADDRINUSE
    /// `ENOSYS`: the kernel has no such call, or a filter hides it.
    public static let noSystemCall = ENOSYS
    /// `ENAMETOOLONG`: the name is too long.
    public static let nameTooLong = ENAMETOOLONG
    /// `ENOTCONN`: not connected.
    public static let notConnected = ENOTCONN
    /// `EINPROGRESS`: it goes on in the background.
    public static let inProgress = EINPROGRESS
    /// `ENOTDIR`: a part of the path is no directory.
    public static let notADirectory = ENOTDIR
    /// `ELOOP`: a symbolic link stands where none may.
    public static let loop = ELOOP
    /// `EBADF`: the descriptor is closed.
    public static let badDescriptor = EBADF
    /// `EMSGSIZE`: the message is too long.
    public static let messageTooLong = EMSGSIZE
    /// `EBUSY`: it is in use.
    public static let busy = EBUSY
    /// `EFBIG`: the file is too big.
    public static let fileTooBig = EFBIG
    /// `ECANCELED`: given up before it was done.
    public static let cancelled = ECANCELED
    /// `ECHILD`: no such child.
    public static let noChild = ECHILD
    /// `EIDRM`: the object was removed under its users.
    public static let removed = EIDRM
    /// `ENOMSG`: no message of the kind asked for.
    public static let noMessage = ENOMSG
    /// `E2BIG`: more than there is room for.
    public static let tooBig = E2BIG
    /// `ENOTEMPTY`: the directory is not empty.
    public static let notEmpty = ENOTEMPTY

    /// `ERANGE`: the number does not fit.
    public static let outOfRange = ERANGE
    /// `EOVERFLOW`: the count is as high as it can be.
    public static let overflow = EOVERFLOW

    static func name(of errno: Int32) -> String? {
        switch errno {
        case EAGAIN: "EAGAIN"
        case EINTR: "EINTR"
        case EIO: "EIO"
        case ENXIO: "ENXIO"
        case E2BIG: "E2BIG"
        case ENOEXEC: "ENOEXEC"
        case ENOSPC: "ENOSPC"
        case EMFILE: "EMFILE"
        case ENFILE: "ENFILE"
        case EACCES: "EACCES"
        case EPERM: "EPERM"
        case EEXIST: "EEXIST"
        case ENOENT: "ENOENT"
        case ECONNREFUSED: "ECONNREFUSED"
        case ECONNRESET: "ECONNRESET"
        case ECONNABORTED: "ECONNABORTED"
        case EPIPE: "EPIPE"
        case ENOMEM: "ENOMEM"
        case EINVAL: "EINVAL"
        case EOPNOTSUPP: "EOPNOTSUPP"
        case ETIMEDOUT: "ETIMEDOUT"
        case ESRCH: "ESRCH"
        case EADDRINUSE: "EADDRINUSE"
        case EADDRNOTAVAIL: "EADDRNOTAVAIL"
        case ENOSYS: "ENOSYS"
        case ENAMETOOLONG: "ENAMETOOLONG"
        case ENOTCONN: "ENOTCONN"
        case EISCONN: "EISCONN"
        case EINPROGRESS: "EINPROGRESS"
        case EALREADY: "EALREADY"
        case ENOTDIR: "ENOTDIR"
        case EISDIR: "EISDIR"
        case ELOOP: "ELOOP"
        case EBADF: "EBADF"
        case EMSGSIZE: "EMSGSIZE"
        case EBUSY: "EBUSY"
        case EFBIG: "EFBIG"
        case EFAULT: "EFAULT"
        case ECANCELED: "ECANCELED"
        case ECHILD: "ECHILD"
        case ENOTEMPTY: "ENOTEMPTY"
        case EROFS: "EROFS"
        case EXDEV: "EXDEV"
        case ENODEV: "ENODEV"
        case ENOTSOCK: "ENOTSOCK"
        case EDESTADDRREQ: "EDESTADDRREQ"
        case ENOPROTOOPT: "ENOPROTOOPT"
        case EPROTONOSUPPORT: "EPROTONOSUPPORT"
        case EAFNOSUPPORT: "EAFNOSUPPORT"
        case ENETUNREACH: "ENETUNREACH"
        case EHOSTUNREACH: "EHOSTUNREACH"
        case ENOBUFS: "ENOBUFS"
        case EDQUOT: "EDQUOT"
        case EOVERFLOW: "EOVERFLOW"
        case ESTALE: "ESTALE"
        case ENODATA: "ENODATA"
        case EIDRM: "EIDRM"
        case ERANGE: "ERANGE"
        case ENOMSG: "ENOMSG"
        case ENOTTY: "ENOTTY"
        case ESPIPE: "ESPIPE"
        case ESHUTDOWN: "ESHUTDOWN"
        case EUSERS: "EUSERS"
        default: nil
        }
    }
}

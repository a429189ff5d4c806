// Naru: messages between programs by the fastest valid mechanism.
// Copyright the Naru authors. Licensed under the Apache License, Version 2.0 (see LICENSE).

internal import NaruAnonymousPipe
internal import NaruInProcess
internal import NaruMessageQueue
internal import NaruNamedPipe
internal import NaruSemaphore
internal import NaruSharedMemory
internal import NaruTCP
internal import NaruUnixSocket

#if Zstd
    internal import NaruZstd
#endif

extension Naru {
    /// The transports of this build.
    public static var transports: [any Transport] {
        [
            InProcessTransport(), SharedMemoryTransport(), UnixSocketTransport(), AnonymousPipeTransport(),
            NamedPipeTransport(), PosixQueueTransport(), SysvQueueTransport(), TCPTransport(),
        ]
    }

    /// What synchronises in this build.
    public static var signals: [any SignalMechanism] {
        [SemaphoreMechanism(), PosixSemaphoreMechanism(), AnonymousSemaphoreMechanism()]
    }

    /// How links over networks meet in this build.
    public static var rendezvous: [any Rendezvous] {
        [TCPRendezvous()]
    }

    /// The codecs of this build: `zstd`, unless its package trait is off.
    public static var codecs: [any Codec] {
        #if Zstd
            [ZstdCodec()]
        #else
            []
        #endif
    }
}

// Naru: messages between programs by the fastest valid mechanism.
// Copyright the Naru authors. Licensed under the Apache License, Version 2.0 (see LICENSE).

#ifndef CSWEEPTRACER_H
#define CSWEEPTRACER_H

#include <stdint.h>

#pragma clang assume_nonnull begin

/// What one traced run is about.
struct sweep_order {
    /// The system call whose entry or exit is the fault point; NULL: nothing is killed, every call is reported.
    const char *_Nullable call;
    /// Which call of that name, from 1.
    int32_t number;
    /// Whether the call has been carried out when the process is killed.
    int32_t is_after;
    /// Whether the process looked at is the one that the program starts, and not the program itself.
    int32_t is_child;
    /// A process that is killed at the same point; 0: none.
    int32_t other;
    /// Where it is reported, line by line: `call NAME`, `killed NANOSECONDS`, and `ended` when no process is left.
    int32_t output;
};

/// Runs a program under observation, and returns when it and all that it started have ended.
///
/// Only the calls that make, lock, pass, wake, hand over, wait for or remove something stop the program (a seccomp
/// filter), and only those from its first file on that it creates: what the dynamic loader does is not looked at.
/// Whatever it started dies with the calling process. Call it from a process with one thread and no other children.
/// Returns 0, or -errno of what is not permitted here; `failed` then names it.
int32_t sweep_trace(
    const char *path, const char *_Nullable const *_Nonnull words, const struct sweep_order *order,
    const char *_Nullable *_Nonnull failed);

/// Gives the calling thread, and the processes that it starts, System V and POSIX objects of its own, an empty
/// `/dev/shm` and, where that can be mounted, an empty `/dev/mqueue`. Returns 0 or -errno: it needs privileges.
int32_t sweep_isolate(void);

/// Gives them a network of their own as well, with nothing but loopback. Returns 0 or -errno: it needs privileges.
int32_t sweep_isolate_network(void);

#pragma clang assume_nonnull end

#endif

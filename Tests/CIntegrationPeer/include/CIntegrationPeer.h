// Naru: messages between programs by the fastest valid mechanism.
// Copyright the Naru authors. Licensed under the Apache License, Version 2.0 (see LICENSE).

#ifndef CINTEGRATIONPEER_H
#define CINTEGRATIONPEER_H

#include <stdint.h>

#pragma clang assume_nonnull begin

/// Forks; the child runs `body` and ends at once with what it returns, or after 30 seconds. The library itself never
/// forks: this is for testing what it does when a program does.
/// Returns the child's exit code, 256 and the signal where one killed it, or -errno.
int32_t peer_fork(int32_t (*body)(void *context), void *context);

/// Sends the calling thread a signal so many times a second, from now until it ends; each interrupts whatever call of
/// the kernel the thread is in. Returns 0 or -errno.
int32_t peer_interrupt_this_thread(int32_t hertz);

/// How many such signals this process has taken.
uint64_t peer_interruptions(void);

/// Ends the process at once: nothing is unwound or flushed.
__attribute__((noreturn)) void peer_exit(int32_t code);

#pragma clang assume_nonnull end

#endif

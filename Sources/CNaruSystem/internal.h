// Naru: messages between programs by the fastest valid mechanism.
// Copyright the Naru authors. Licensed under the Apache License, Version 2.0 (see LICENSE).

// Shared by the C files of this module only.

#ifndef NARU_INTERNAL_H
#define NARU_INTERNAL_H

#include <errno.h>
#include <stdint.h>
#include <time.h>

/// Repeats a call while a signal interrupts it; the value is the call's, or -errno.
#define NARU_RETRY(call) \
    ({ \
        __typeof__(call) naru_value; \
        do { \
            naru_value = (call); \
        } while (naru_value == -1 && errno == EINTR); \
        naru_value == -1 ? -(__typeof__(naru_value))errno : naru_value; \
    })

/// The value of a call that is not repeated, or -errno.
#define NARU_ONCE(call) \
    ({ \
        __typeof__(call) naru_value = (call); \
        naru_value == -1 ? -(__typeof__(naru_value))errno : naru_value; \
    })

static inline struct timespec naru_timespec(uint64_t nanoseconds) {
    struct timespec value = {
        .tv_sec = (time_t)(nanoseconds / 1000000000u),
        .tv_nsec = (long)(nanoseconds % 1000000000u),
    };
    return value;
}

#endif

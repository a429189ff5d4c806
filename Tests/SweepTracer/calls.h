// Naru: messages between programs by the fastest valid mechanism.
// Copyright the Naru authors. Licensed under the Apache License, Version 2.0 (see LICENSE).

#ifndef SWEEP_CALLS_H
#define SWEEP_CALLS_H

#include <linux/filter.h>
#include <stdint.h>

/// A call that is a fault point.
struct sweep_call {
    const char *name;
    uint32_t number;
    /// Which argument decides whether it is one; -1: it always is.
    int8_t argument;
    /// It is one when `(argument & mask) != unless`.
    uint32_t mask;
    uint32_t unless;
};

/// The name of a call's number; NULL for one that is no fault point.
const char *sweep_call_name(uint64_t number);

/// The filter that stops a program at these calls. Valid as long as the process.
struct sock_fprog sweep_filter(void);

#endif

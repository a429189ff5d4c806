// Naru: messages between programs by the fastest valid mechanism.
// Copyright the Naru authors. Licensed under the Apache License, Version 2.0 (see LICENSE).

// Naru: messages between programs by the fastest valid mechanism.
// Copyright the Naru authors. Licensed under the Apache License, Version 2.0 (see LICENSE).

#include "CFuzzEngine.h"

int naru_fuzz(int *count, char ***arguments, int (*target)(const uint8_t *bytes, size_t count)) {
    return LLVMFuzzerRunDriver(count, arguments, target);
}

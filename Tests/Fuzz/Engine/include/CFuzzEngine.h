// Naru: messages between programs by the fastest valid mechanism.
// Copyright the Naru authors. Licensed under the Apache License, Version 2.0 (see LICENSE).

#ifndef NARU_CFUZZENGINE_H
#define NARU_CFUZZENGINE_H

#include <stddef.h>
#include <stdint.h>

/// libFuzzer's entry, which is in the library that the linker adds for `-sanitize=fuzzer`.
int LLVMFuzzerRunDriver(int *count, char ***arguments, int (*target)(const uint8_t *bytes, size_t count));

/// Fuzzes a target with these arguments; returns the program's exit code.
int naru_fuzz(int *count, char ***arguments, int (*target)(const uint8_t *bytes, size_t count));

#endif

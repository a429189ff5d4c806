// Naru: messages between programs by the fastest valid mechanism.
// Copyright the Naru authors. Licensed under the Apache License, Version 2.0 (see LICENSE).

// The system's zstd library. Debian and Ubuntu: libzstd-dev.

#include <zstd.h>
#include <zstd_errors.h>

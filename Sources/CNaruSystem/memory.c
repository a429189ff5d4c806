// Naru: messages between programs by the fastest valid mechanism.
// Copyright the Naru authors. Licensed under the Apache License, Version 2.0 (see LICENSE).

#include "CNaruSystem.h"
#include "internal.h"

#include <fcntl.h>
#include <sys/mman.h>

int32_t naru_memory_file(const char *name) { return NARU_RETRY(memfd_create(name, MFD_CLOEXEC | MFD_ALLOW_SEALING)); }

int32_t naru_add_seals(int32_t fd, uint32_t seals) { return NARU_RETRY(fcntl(fd, F_ADD_SEALS, seals)); }

int32_t naru_seals(int32_t fd) { return NARU_RETRY(fcntl(fd, F_GET_SEALS)); }

int32_t naru_map(int32_t fd, size_t byte_count, int32_t writable, int32_t shared, int32_t prefault, void **base) {
    int flags = (shared ? MAP_SHARED : MAP_PRIVATE) | (fd < 0 ? MAP_ANONYMOUS : 0) | (prefault ? MAP_POPULATE : 0);
    void *found = mmap(NULL, byte_count, PROT_READ | (writable ? PROT_WRITE : 0), flags, fd < 0 ? -1 : fd, 0);
    if (found == MAP_FAILED) return -errno;
    *base = found;
    return 0;
}

int32_t naru_unmap(void *base, size_t byte_count) { return NARU_ONCE(munmap(base, byte_count)); }

int32_t naru_wipe_on_fork(void *base, size_t byte_count) {
    return NARU_ONCE(madvise(base, byte_count, MADV_WIPEONFORK));
}

// Twice: as the compiler does it for every processor, and for those with 32-byte registers; chosen by the loader. Once
// under the thread sanitizer, which instruments the choice too and is not ready when the loader asks for it.
#if defined(__has_feature)
#if __has_feature(thread_sanitizer)
#define NARU_ONE_CLONE
#endif
#endif
#if defined(__x86_64__) && defined(__linux__) && !defined(NARU_ONE_CLONE)
__attribute__((target_clones("avx2", "default")))
#endif
uint64_t naru_sum_words(const void *bytes, size_t count) {
    const char *byte = bytes;
    uint64_t sum = 0;
    for (size_t i = 0, words = count / 8; i < words; i++) {
        uint64_t word;
        __builtin_memcpy(&word, byte + 8 * i, sizeof word);
        sum += word;
    }
    return sum;
}

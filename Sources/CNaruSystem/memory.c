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

// More than once: as the compiler does it for every processor, and for those with wider registers; chosen by the loader.
// Once under the thread sanitizer, which instruments the choice too and is not ready when the loader asks for it.
#if defined(__has_feature)
#if __has_feature(thread_sanitizer)
#define NARU_ONE_CLONE
#endif
#endif
#if defined(__x86_64__) && defined(__linux__) && !defined(NARU_ONE_CLONE)
#define NARU_CLONES(...) __attribute__((target_clones(__VA_ARGS__, "default")))
#else
#define NARU_CLONES(...)
#endif

NARU_CLONES("avx2")
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

// A cache line as one value: one load and one store where registers are as wide.
typedef char naru_line __attribute__((vector_size(64), aligned(1), may_alias));

NARU_CLONES("avx512f", "avx2")
void naru_copy_lines(void *target, const void *source, size_t count) {
    char *to = target;
    const char *from = source;
    size_t done = 0;
    for (; done + 256 <= count; done += 256) {
        naru_line a = *(const naru_line *)(from + done), b = *(const naru_line *)(from + done + 64);
        naru_line c = *(const naru_line *)(from + done + 128), d = *(const naru_line *)(from + done + 192);
        *(naru_line *)(to + done) = a;
        *(naru_line *)(to + done + 64) = b;
        *(naru_line *)(to + done + 128) = c;
        *(naru_line *)(to + done + 192) = d;
        // Keeps the compiler from making a call of memcpy of the loop, which is the other way to copy.
        __asm__ volatile("" ::: "memory");
    }
    for (; done + 64 <= count; done += 64) {
        *(naru_line *)(to + done) = *(const naru_line *)(from + done);
        __asm__ volatile("" ::: "memory");
    }
    // The rest ends with the last line of both; what of it is there already is stored again.
    if (done < count) *(naru_line *)(to + count - 64) = *(const naru_line *)(from + count - 64);
}

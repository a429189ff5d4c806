// Naru: messages between programs by the fastest valid mechanism.
// Copyright the Naru authors. Licensed under the Apache License, Version 2.0 (see LICENSE).

#include "CNaruSystem.h"
#include "internal.h"

#include <linux/futex.h>
#include <linux/membarrier.h>
#include <sched.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

int32_t naru_membarrier_register(void) {
    return NARU_ONCE((int32_t)syscall(SYS_membarrier, MEMBARRIER_CMD_REGISTER_GLOBAL_EXPEDITED, 0, 0));
}

int32_t naru_membarrier(void) {
    return NARU_ONCE((int32_t)syscall(SYS_membarrier, MEMBARRIER_CMD_GLOBAL_EXPEDITED, 0, 0));
}

int32_t naru_current_core(void) { return sched_getcpu(); }

void naru_yield(void) { sched_yield(); }

uint64_t naru_monotonic_nanoseconds(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

// FUTEX_WAIT_BITSET takes an absolute time, so nothing has to be computed anew after a spurious wake-up. Without the
// private flag, because the word may lie in memory that another process maps.
int32_t naru_futex_wait(const void *word, uint32_t expected, uint64_t deadline) {
    struct timespec until = naru_timespec(deadline);
    long result = syscall(SYS_futex, word, FUTEX_WAIT_BITSET, expected, deadline == NARU_NEVER ? NULL : &until, NULL,
                          FUTEX_BITSET_MATCH_ANY);
    return result == -1 ? -errno : 0;
}

int32_t naru_futex_wake(const void *word, int32_t count) {
    return (int32_t)NARU_ONCE(syscall(SYS_futex, word, FUTEX_WAKE, count, NULL, NULL, 0));
}

int32_t naru_event_counter(void) { return NARU_RETRY(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)); }

int32_t naru_event_counter_signal(int32_t fd) {
    const uint64_t one = 1;
    return (int32_t)NARU_RETRY(write(fd, &one, sizeof one));
}

uint64_t naru_event_counter_drain(int32_t fd) {
    uint64_t count = 0;
    struct iovec part = {&count, sizeof count};
    // The flag makes this one call non-blocking: a peer that holds the same counter can change the descriptor's flags.
    ssize_t result = NARU_RETRY(preadv2(fd, &part, 1, -1, RWF_NOWAIT));
    if (result == -EOPNOTSUPP || result == -ENOSYS) result = NARU_RETRY(read(fd, &count, sizeof count));
    return result == (ssize_t)sizeof count ? count : 0;
}

int32_t naru_poller(void) { return NARU_RETRY(epoll_create1(EPOLL_CLOEXEC)); }

int32_t naru_poller_control(int32_t poller, int32_t operation, int32_t fd, uint64_t token, uint32_t events,
                            int32_t edge, int32_t one_shot) {
    static const int operations[] = {EPOLL_CTL_ADD, EPOLL_CTL_MOD, EPOLL_CTL_DEL};
    struct epoll_event event = {
        .events = events | (edge ? (uint32_t)EPOLLET : 0) | (one_shot ? (uint32_t)EPOLLONESHOT : 0),
        .data.u64 = token,
    };
    return NARU_RETRY(epoll_ctl(poller, operations[operation], fd, &event));
}

// epoll_pwait2 (Linux 5.11) counts in nanoseconds; before it, time is rounded up to milliseconds, so that a wait is
// never shorter than asked for.
static int naru_epoll_wait(int poller, struct epoll_event *events, int capacity, uint64_t deadline) {
    struct timespec left = {0, 0};
    if (deadline != NARU_NEVER && deadline != 0) {
        uint64_t now = naru_monotonic_nanoseconds();
        if (deadline > now) left = naru_timespec(deadline - now);
    }
#ifdef SYS_epoll_pwait2
    long result = syscall(SYS_epoll_pwait2, poller, events, capacity, deadline == NARU_NEVER ? NULL : &left, NULL, 8);
    if (result >= 0 || errno != ENOSYS) return (int)result;
#endif
    int milliseconds = -1;
    if (deadline != NARU_NEVER) {
        // A cut wait ends early, which its callers take for a time-out: none waits 23 days.
        int64_t whole = left.tv_sec >= 2000000 ? 2000000 : left.tv_sec;
        milliseconds = (int)(whole * 1000 + (left.tv_nsec + 999999) / 1000000);
    }
    return epoll_wait(poller, events, capacity, milliseconds);
}

int32_t naru_poller_wait(int32_t poller, struct naru_poll_event *events, int32_t capacity, uint64_t deadline) {
    struct epoll_event found[NARU_POLLER_BATCH];
    int limit = capacity < NARU_POLLER_BATCH ? capacity : NARU_POLLER_BATCH;
    int count;
    do {
        count = naru_epoll_wait(poller, found, limit, deadline);
    } while (count == -1 && errno == EINTR);
    if (count == -1) return -errno;
    for (int i = 0; i < count; i++) {
        events[i].token = found[i].data.u64;
        events[i].events = found[i].events;
    }
    return count;
}

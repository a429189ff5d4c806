// Naru: messages between programs by the fastest valid mechanism.
// Copyright the Naru authors. Licensed under the Apache License, Version 2.0 (see LICENSE).

#define _GNU_SOURCE
#include "CIntegrationPeer.h"

#include <errno.h>
#include <signal.h>
#include <stdatomic.h>
#include <time.h>
#include <unistd.h>

static atomic_uint_least64_t interruptions;

static void count(int signal) {
    (void)signal;
    atomic_fetch_add_explicit(&interruptions, 1, memory_order_relaxed);
}

int32_t peer_interrupt_this_thread(int32_t hertz) {
    // Without SA_RESTART: whatever call of the kernel the signal meets returns EINTR.
    struct sigaction action = {.sa_handler = count};
    sigset_t signals;
    sigemptyset(&signals);
    sigaddset(&signals, SIGALRM);
    if (sigaction(SIGALRM, &action, NULL) < 0) return -errno;
    int blocked = pthread_sigmask(SIG_UNBLOCK, &signals, NULL);
    if (blocked != 0) return -blocked;
    struct sigevent event = {.sigev_notify = SIGEV_THREAD_ID, .sigev_signo = SIGALRM};
    event._sigev_un._tid = gettid();
    timer_t timer;
    if (timer_create(CLOCK_MONOTONIC, &event, &timer) < 0) return -errno;
    long period = 1000000000L / hertz;
    struct itimerspec times = {{0, period}, {0, period}};
    return timer_settime(timer, 0, &times, NULL) < 0 ? -errno : 0;
}

uint64_t peer_interruptions(void) {
    return atomic_load_explicit(&interruptions, memory_order_relaxed);
}

// Naru: messages between programs by the fastest valid mechanism.
// Copyright the Naru authors. Licensed under the Apache License, Version 2.0 (see LICENSE).

#include "CNaruSystem.h"
#include "internal.h"

#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <spawn.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#ifndef SYS_pidfd_open
#define SYS_pidfd_open 434
#endif
#ifndef SYS_pidfd_send_signal
#define SYS_pidfd_send_signal 424
#endif

extern char **environ;

int32_t naru_process_open(int32_t process_id) { return (int32_t)NARU_RETRY(syscall(SYS_pidfd_open, process_id, 0)); }

int32_t naru_process_signal(int32_t pidfd, int32_t signal) {
    return (int32_t)NARU_RETRY(syscall(SYS_pidfd_send_signal, pidfd, signal, NULL, 0));
}

static void naru_split_status(int status, int32_t *exit_code, int32_t *signal) {
    *signal = status & 0x7f;
    *exit_code = (status >> 8) & 0xff;
}

// The kernel's struct pidfd_info in its first size, 64 bytes (Linux 6.13); the exit code came with Linux 6.15.
struct naru_pidfd_info {
    uint64_t mask;
    uint64_t cgroup_id;
    uint32_t ids[11];
    int32_t exit_code;
};

#define NARU_PIDFD_INFO_EXIT (UINT64_C(1) << 3)
#define NARU_PIDFD_GET_INFO _IOWR(0xFF, 11, struct naru_pidfd_info)

int32_t naru_process_info_status(int32_t pidfd, int32_t *exit_code, int32_t *signal) {
    struct naru_pidfd_info info;
    memset(&info, 0, sizeof info);
    info.mask = NARU_PIDFD_INFO_EXIT;
    int result = NARU_RETRY(ioctl(pidfd, NARU_PIDFD_GET_INFO, &info));
    if (result < 0) return result;
    if (!(info.mask & NARU_PIDFD_INFO_EXIT)) return 0;
    naru_split_status(info.exit_code, exit_code, signal);
    return 1;
}

int32_t naru_process_wait(int32_t pidfd, int32_t reap, int32_t *exit_code, int32_t *signal) {
    siginfo_t info;
    memset(&info, 0, sizeof info);
    int options = WEXITED | WNOHANG | (reap ? 0 : WNOWAIT);
    int result = NARU_RETRY(waitid((idtype_t)3 /* P_PIDFD */, (id_t)pidfd, &info, options));
    if (result < 0) return result;
    if (info.si_pid == 0) return 0;
    *exit_code = info.si_code == CLD_EXITED ? info.si_status : 0;
    *signal = info.si_code == CLD_EXITED ? 0 : info.si_status;
    return 1;
}

int32_t naru_spawn(const char *path, char *const *arguments, char *const *environment, const int32_t *sources,
                   const int32_t *targets, int32_t count, int32_t *process_id, int32_t *pidfd) {
    int32_t above = 2;
    for (int32_t i = 0; i < count; i++) {
        if (targets[i] > above) above = targets[i];
    }
    // Copies above every target: no dup2() of the list can then overwrite the source of a later one.
    int32_t *copies = calloc((size_t)count + 1, sizeof *copies);
    if (copies == NULL) return -ENOMEM;
    posix_spawn_file_actions_t actions;
    posix_spawnattr_t attributes;
    int result = posix_spawn_file_actions_init(&actions);
    int32_t copied = 0;
    for (; result == 0 && copied < count; copied++) {
        int copy = NARU_RETRY(fcntl(sources[copied], F_DUPFD_CLOEXEC, above + 1));
        if (copy < 0) {
            result = -copy;
            break;
        }
        copies[copied] = copy;
        result = posix_spawn_file_actions_adddup2(&actions, copy, targets[copied]);
    }
    // Threads of this library block all signals, and a program may ignore SIGPIPE: neither is the new program's
    // business.
    if (result == 0) result = posix_spawnattr_init(&attributes);
    if (result == 0) {
        sigset_t none, defaults;
        sigemptyset(&none);
        sigemptyset(&defaults);
        sigaddset(&defaults, SIGPIPE);
        posix_spawnattr_setsigmask(&attributes, &none);
        posix_spawnattr_setsigdefault(&attributes, &defaults);
        posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
        pid_t started = 0;
        if (environment == NULL) environment = environ;
        result = posix_spawn(&started, path, &actions, &attributes, arguments, environment);
        posix_spawnattr_destroy(&attributes);
        if (result == 0) {
            // The number is the child's until it is waited for.
            *process_id = started;
            *pidfd = naru_process_open(started);
            if (*pidfd < 0) {
                result = -*pidfd;
                kill(started, SIGKILL);
                (void)NARU_RETRY(waitpid(started, NULL, 0));
            }
        }
    }
    for (int32_t i = 0; i < copied; i++) close(copies[i]);
    posix_spawn_file_actions_destroy(&actions);
    free(copies);
    return -result;
}

struct naru_thread {
    void (*body)(void *context);
    void *context;
    char name[16];
};

static void *naru_thread_main(void *argument) {
    struct naru_thread thread = *(struct naru_thread *)argument;
    free(argument);
    pthread_setname_np(pthread_self(), thread.name);
    thread.body(thread.context);
    return NULL;
}

int32_t naru_thread_start(const char *name, void (*body)(void *context), void *context, uintptr_t *thread) {
    struct naru_thread *start = malloc(sizeof *start);
    if (start == NULL) return -ENOMEM;
    start->body = body;
    start->context = context;
    strncpy(start->name, name, sizeof start->name - 1);
    start->name[sizeof start->name - 1] = 0;
    // The new thread inherits the mask, so that no signal can reach it, not even at its first instruction.
    sigset_t all, before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    pthread_t handle;
    int result = pthread_create(&handle, NULL, naru_thread_main, start);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    if (result != 0) {
        free(start);
        return -result;
    }
    *thread = (uintptr_t)handle;
    return 0;
}

int32_t naru_thread_join(uintptr_t thread) { return -pthread_join((pthread_t)thread, NULL); }

void naru_thread_detach(uintptr_t thread) { pthread_detach((pthread_t)thread); }

uintptr_t naru_thread_self(void) { return (uintptr_t)pthread_self(); }

static _Thread_local void *thread_value;

void *naru_thread_value(void) { return thread_value; }

void naru_set_thread_value(void *value) { thread_value = value; }

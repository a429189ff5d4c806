// Naru: messages between programs by the fastest valid mechanism.
// Copyright the Naru authors. Licensed under the Apache License, Version 2.0 (see LICENSE).

#define _GNU_SOURCE
#include "calls.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/futex.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <sys/mman.h>
#include <sys/syscall.h>

#define ALWAYS(name) {#name, __NR_##name, -1, 0, 0}
#define ONLY(name, argument, mask) {#name, __NR_##name, argument, mask, 0}
#define UNLESS(name, argument, mask, value) {#name, __NR_##name, argument, mask, value}

static const struct sweep_call calls[] = {
    // Names and files: made, locked, given a size, renamed, removed.
    ONLY(openat, 2, O_CREAT), ALWAYS(mknodat), ALWAYS(linkat), ALWAYS(unlinkat), ALWAYS(mkdirat), ALWAYS(renameat2),
    ALWAYS(flock), ALWAYS(ftruncate), ALWAYS(fallocate), ALWAYS(memfd_create), ALWAYS(fchmod), ALWAYS(fsync),
#ifdef __NR_open
    ONLY(open, 1, O_CREAT), ALWAYS(mknod), ALWAYS(link), ALWAYS(unlink), ALWAYS(mkdir), ALWAYS(rmdir), ALWAYS(rename),
    ALWAYS(renameat),
#endif
    // Locks and seals, but not what tells or sets flags.
    UNLESS(fcntl, 1, ~7u, 0), ONLY(mmap, 3, MAP_SHARED), ALWAYS(close),
    // Sockets.
    ALWAYS(socket), ALWAYS(socketpair), ALWAYS(bind), ALWAYS(listen), ALWAYS(connect), ALWAYS(accept), ALWAYS(accept4),
    ALWAYS(shutdown), ALWAYS(sendmsg), ALWAYS(sendto), ALWAYS(recvmsg), ALWAYS(recvfrom), ALWAYS(sendmmsg),
    ALWAYS(recvmmsg),
    // Streams.
    ALWAYS(pipe2), ALWAYS(read), ALWAYS(readv), ALWAYS(write), ALWAYS(writev), ALWAYS(preadv2), ALWAYS(pwritev2),
    ALWAYS(vmsplice), ALWAYS(splice), ALWAYS(tee),
    // Queues and semaphores.
    ALWAYS(msgget), ALWAYS(msgsnd), ALWAYS(msgrcv), ALWAYS(msgctl), ALWAYS(semget), ALWAYS(semop), ALWAYS(semtimedop),
    ALWAYS(semctl), ALWAYS(mq_open), ALWAYS(mq_unlink), ALWAYS(mq_timedsend), ALWAYS(mq_timedreceive),
    ALWAYS(mq_notify), ALWAYS(mq_getsetattr),
    // Waiting and waking: of futexes those that processes share.
    UNLESS(futex, 1, FUTEX_PRIVATE_FLAG, FUTEX_PRIVATE_FLAG), ALWAYS(eventfd2), ALWAYS(epoll_pwait), ALWAYS(ppoll),
#ifdef __NR_epoll_wait
    ALWAYS(epoll_wait), ALWAYS(poll),
#endif
    // Processes.
    ALWAYS(pidfd_open), ALWAYS(pidfd_send_signal), ALWAYS(waitid), ALWAYS(wait4), ALWAYS(execve), ALWAYS(exit_group),
};

enum { CALLS = sizeof(calls) / sizeof(calls[0]) };

const char *sweep_call_name(uint64_t number) {
    for (int index = 0; index < CALLS; index++)
        if (calls[index].number == number) return calls[index].name;
    return NULL;
}

struct sock_fprog sweep_filter(void) {
    static struct sock_filter filter[2 + 6 * CALLS];
    unsigned short length = 0;
    filter[length++] = (struct sock_filter)BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr));
    for (int index = 0; index < CALLS; index++) {
        const struct sweep_call *call = &calls[index];
        int has_argument = call->argument >= 0;
        filter[length++] =
            (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, call->number, 0, has_argument ? 5 : 1);
        if (has_argument) {
            // The lower half of the argument: all flags lie there (both machines are little-endian).
            filter[length++] = (struct sock_filter)BPF_STMT(
                BPF_LD | BPF_W | BPF_ABS, (unsigned)(offsetof(struct seccomp_data, args) + 8 * (size_t)call->argument));
            filter[length++] = (struct sock_filter)BPF_STMT(BPF_ALU | BPF_AND | BPF_K, call->mask);
            filter[length++] = (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, call->unless, 0, 1);
            filter[length++] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW);
        }
        filter[length++] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_TRACE);
    }
    filter[length++] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW);
    return (struct sock_fprog){length, filter};
}

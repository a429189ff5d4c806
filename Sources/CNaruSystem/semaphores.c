// Naru: messages between programs by the fastest valid mechanism.
// Copyright the Naru authors. Licensed under the Apache License, Version 2.0 (see LICENSE).

#include "CNaruSystem.h"
#include "internal.h"

#include <fcntl.h>
#include <limits.h>
#include <semaphore.h>
#include <stdio.h>
#include <string.h>
#include <sys/ipc.h>
#include <sys/sem.h>
#include <unistd.h>

// The caller declares it, says semctl(2).
union semun {
    int val;
    struct semid_ds *buf;
    unsigned short *array;
};

int32_t naru_semaphore(int32_t key, int32_t create, uint32_t permissions) {
    int flags = (int)(permissions & 0777u) | (create ? IPC_CREAT | IPC_EXCL : 0);
    return NARU_ONCE(semget((key_t)key, 1, flags));
}

static int32_t naru_semaphore_operate(int32_t set, struct sembuf *operations, size_t count, uint64_t deadline) {
    for (;;) {
        struct timespec left, *timeout = NULL;
        if (deadline != 0 && deadline != NARU_NEVER) {
            // The call counts from now: after a signal, what is left is computed anew.
            uint64_t now = naru_monotonic_nanoseconds();
            left = naru_timespec(deadline > now ? deadline - now : 0);
            timeout = &left;
        }
        if (semtimedop(set, operations, count, timeout) == 0) return 0;
        if (errno != EINTR) return -errno;
    }
}

int32_t naru_semaphore_change(int32_t set, int32_t amount, int32_t undo, uint64_t deadline) {
    if (amount == 0 || amount < -INT16_MAX || amount > INT16_MAX) return -EINVAL;
    struct sembuf operation = {
        .sem_num = 0,
        .sem_op = (short)amount,
        .sem_flg = (short)((undo ? SEM_UNDO : 0) | (deadline == 0 ? IPC_NOWAIT : 0)),
    };
    return naru_semaphore_operate(set, &operation, 1, deadline);
}

// All operations of a call happen at once or none does: to take and to give back waits without taking.
int32_t naru_semaphore_await(int32_t set, int32_t amount, uint64_t deadline) {
    if (amount <= 0 || amount > INT16_MAX) return -EINVAL;
    short flags = deadline == 0 ? IPC_NOWAIT : 0;
    struct sembuf operations[2] = {{0, (short)-amount, flags}, {0, (short)amount, flags}};
    return naru_semaphore_operate(set, operations, 2, deadline);
}

int32_t naru_semaphore_settle(int32_t set) {
    struct sembuf operation = {.sem_num = 0, .sem_op = 0, .sem_flg = IPC_NOWAIT};
    return NARU_RETRY(semop(set, &operation, 1));
}

int32_t naru_semaphore_status_of(int32_t set, struct naru_semaphore_status *status) {
    struct semid_ds found;
    union semun argument = {.buf = &found};
    if (semctl(set, 0, IPC_STAT, argument) == -1) return -errno;
    int value = semctl(set, 0, GETVAL);
    if (value == -1) return -errno;
    int waiting = semctl(set, 0, GETNCNT);
    if (waiting == -1) return -errno;
    *status = (struct naru_semaphore_status){
        .mode = found.sem_perm.mode,
        .user_id = found.sem_perm.uid,
        .creator_id = found.sem_perm.cuid,
        .count = (uint32_t)found.sem_nsems,
        .used = (int64_t)found.sem_otime,
        .value = value,
        .waiting = waiting,
    };
    return 0;
}

int32_t naru_semaphore_remove(int32_t set) { return NARU_ONCE(semctl(set, 0, IPC_RMID)); }

// sem_open makes a file of a random name and links it to its own: killed in between, it leaves a file of which nobody
// can tell whose it is. So it is made here as the C library makes it, but without a name until it is complete. -EOPNOTSUPP
// where that cannot be done; sem_open then does it.
static int32_t naru_named_semaphore_make(const char *name, uint32_t permissions, uint32_t value) {
#if defined(__GLIBC__) && defined(O_TMPFILE)
    char path[NAME_MAX + 32], own[64];
    while (*name == '/') name++;
    if (*name == '\0' || strchr(name, '/') != NULL) return -EINVAL;
    if (snprintf(path, sizeof(path), "/dev/shm/sem.%s", name) >= (int)sizeof(path)) return -ENAMETOOLONG;
    sem_t semaphore;
    memset(&semaphore, 0, sizeof(semaphore));
    if (sem_init(&semaphore, 1, value) == -1) return -errno;
    int file = open("/dev/shm", O_TMPFILE | O_RDWR | O_CLOEXEC, (mode_t)permissions);
    if (file < 0) return errno == EISDIR || errno == ENOENT || errno == EINVAL ? -EOPNOTSUPP : -errno;
    snprintf(own, sizeof(own), "/proc/self/fd/%d", file);
    int32_t result = 0;
    if (NARU_RETRY(write(file, &semaphore, sizeof(semaphore))) != (int32_t)sizeof(semaphore)) {
        result = -ENOSPC;
    } else if (linkat(AT_FDCWD, own, AT_FDCWD, path, AT_SYMLINK_FOLLOW) < 0) {
        // Without /proc there is no such path.
        result = errno == ENOENT || errno == ENOTDIR ? -EOPNOTSUPP : -errno;
    }
    close(file);
    return result;
#else
    (void)name, (void)permissions, (void)value;
    return -EOPNOTSUPP;
#endif
}

int32_t naru_named_semaphore(const char *name, int32_t create, uint32_t permissions, uint32_t value,
                             void **semaphore) {
    if (create) {
        int32_t result = naru_named_semaphore_make(name, permissions, value);
        if (result < 0 && result != -EOPNOTSUPP) return result;
        create = result < 0;
    }
    sem_t *found = create ? sem_open(name, O_CREAT | O_EXCL, (mode_t)permissions, value) : sem_open(name, 0);
    if (found == SEM_FAILED) return -errno;
    *semaphore = found;
    return 0;
}

void naru_named_semaphore_close(void *semaphore) { sem_close(semaphore); }

int32_t naru_named_semaphore_remove(const char *name) { return NARU_ONCE(sem_unlink(name)); }

int32_t naru_named_semaphore_post(void *semaphore) { return NARU_ONCE(sem_post(semaphore)); }

int32_t naru_named_semaphore_wait(void *semaphore, uint64_t deadline) {
    struct timespec until = naru_timespec(deadline);
    int32_t result;
    if (deadline == 0) {
        result = NARU_RETRY(sem_trywait(semaphore));
    } else if (deadline == NARU_NEVER) {
        result = NARU_RETRY(sem_wait(semaphore));
    } else {
        result = NARU_RETRY(sem_clockwait(semaphore, CLOCK_MONOTONIC, &until));
    }
    return result == -ETIMEDOUT ? -EAGAIN : result;
}

int32_t naru_named_semaphore_value(void *semaphore) {
    int value = 0;
    if (sem_getvalue(semaphore, &value) == -1) return -errno;
    return value;
}

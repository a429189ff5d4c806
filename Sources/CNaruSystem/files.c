// Naru: messages between programs by the fastest valid mechanism.
// Copyright the Naru authors. Licensed under the Apache License, Version 2.0 (see LICENSE).

#include "CNaruSystem.h"
#include "internal.h"

#include <dirent.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/uio.h>
#include <unistd.h>

// close() is never repeated: Linux has released the descriptor even when a signal interrupted the call.
int32_t naru_close(int32_t fd) { return NARU_ONCE(close(fd)); }

int32_t naru_duplicate(int32_t fd, int32_t minimum) { return NARU_RETRY(fcntl(fd, F_DUPFD_CLOEXEC, minimum)); }

int32_t naru_set_nonblocking(int32_t fd) {
    int flags = NARU_RETRY(fcntl(fd, F_GETFL));
    if (flags < 0) return flags;
    if (flags & O_NONBLOCK) return 0;
    return NARU_RETRY(fcntl(fd, F_SETFL, flags | O_NONBLOCK));
}

int32_t naru_set_close_on_exec(int32_t fd) { return NARU_RETRY(fcntl(fd, F_SETFD, FD_CLOEXEC)); }

int32_t naru_access(int32_t fd) {
    int flags = NARU_RETRY(fcntl(fd, F_GETFL));
    if (flags < 0) return flags;
    int mode = flags & O_ACCMODE;
    return (mode == O_WRONLY ? 0 : 1) | (mode == O_RDONLY ? 0 : 2) | (flags & O_NONBLOCK ? 4 : 0);
}

static void naru_fill(struct naru_status *status, const struct stat *from) {
    status->mode = from->st_mode;
    status->user_id = from->st_uid;
    status->group_id = from->st_gid;
    status->byte_count = from->st_size;
    status->inode = from->st_ino;
    status->device = from->st_dev;
}

int32_t naru_status_of(int32_t fd, struct naru_status *status) {
    struct stat found;
    int result = NARU_RETRY(fstat(fd, &found));
    if (result == 0) naru_fill(status, &found);
    return result;
}

int64_t naru_read(int32_t fd, void *bytes, size_t count) { return NARU_RETRY(read(fd, bytes, count)); }

// A pipe whose reader is gone raises SIGPIPE, which kills a program that did not expect it, and a library may not
// change what the program does about signals. From Linux 6.18 on a flag of the call prevents it; before, the signal is
// blocked in this thread for the call and taken back if the call raised it.

#ifndef RWF_NOSIGNAL
#define RWF_NOSIGNAL 0x00000100
#endif

int64_t naru_write_masking(int32_t fd, const void *a, size_t a_count, const void *b, size_t b_count) {
    struct iovec parts[2] = {{(void *)a, a_count}, {(void *)b, b_count}};
    sigset_t broken, before;
    sigemptyset(&broken);
    sigaddset(&broken, SIGPIPE);
    pthread_sigmask(SIG_BLOCK, &broken, &before);
    int64_t result = NARU_RETRY(writev(fd, parts, 2));
    if (!sigismember(&before, SIGPIPE)) {
        // One that was blocked before could be someone else's and stays; one that was not can only be this call's.
        struct timespec at_once = {0, 0};
        if (result == -EPIPE) (void)NARU_RETRY(sigtimedwait(&broken, NULL, &at_once));
        pthread_sigmask(SIG_SETMASK, &before, NULL);
    }
    return result;
}

int64_t naru_lend_to_pipe(int32_t fd, const void *bytes, size_t count) {
    struct iovec part = {(void *)bytes, count};
    sigset_t broken, before;
    sigemptyset(&broken);
    sigaddset(&broken, SIGPIPE);
    pthread_sigmask(SIG_BLOCK, &broken, &before);
    int64_t result = NARU_RETRY(vmsplice(fd, &part, 1, SPLICE_F_NONBLOCK));
    if (!sigismember(&before, SIGPIPE)) {
        // As above: one that was not blocked before can only be this call's.
        struct timespec at_once = {0, 0};
        if (result == -EPIPE) (void)NARU_RETRY(sigtimedwait(&broken, NULL, &at_once));
        pthread_sigmask(SIG_SETMASK, &before, NULL);
    }
    return result;
}

// Whether the kernel knows the flag: a file may refuse it for itself, a pipe does not.
static int naru_has_nosignal(void) {
    static _Atomic int known; // 0 not asked, 1 yes, 2 no; two threads that ask at once learn the same
    int answer = atomic_load_explicit(&known, memory_order_relaxed);
    if (answer != 0) return answer == 1;
    int ends[2];
    if (pipe2(ends, O_CLOEXEC | O_NONBLOCK) != 0) return 0;
    struct iovec part = {"", 1};
    answer = pwritev2(ends[1], &part, 1, -1, RWF_NOSIGNAL) == 1 ? 1 : 2;
    close(ends[0]);
    close(ends[1]);
    atomic_store_explicit(&known, answer, memory_order_relaxed);
    return answer == 1;
}

int64_t naru_write_two(int32_t fd, const void *a, size_t a_count, const void *b, size_t b_count) {
    if (!naru_has_nosignal()) return naru_write_masking(fd, a, a_count, b, b_count);
    struct iovec parts[2] = {{(void *)a, a_count}, {(void *)b, b_count}};
    int64_t result = NARU_RETRY(pwritev2(fd, parts, b_count == 0 ? 1 : 2, -1, RWF_NOSIGNAL));
    return result == -EOPNOTSUPP ? naru_write_masking(fd, a, a_count, b, b_count) : result;
}

int64_t naru_write(int32_t fd, const void *bytes, size_t count) { return naru_write_two(fd, bytes, count, NULL, 0); }

int64_t naru_read_at(int32_t fd, void *bytes, size_t count, int64_t offset) {
    return NARU_RETRY(pread(fd, bytes, count, offset));
}

int64_t naru_write_at(int32_t fd, const void *bytes, size_t count, int64_t offset) {
    return NARU_RETRY(pwrite(fd, bytes, count, offset));
}

int32_t naru_truncate(int32_t fd, int64_t byte_count) { return NARU_RETRY(ftruncate(fd, byte_count)); }

// Not posix_fallocate: where the file system has no such operation, glibc would write every page itself.
int32_t naru_allocate(int32_t fd, int64_t byte_count) { return NARU_RETRY(fallocate(fd, 0, 0, byte_count)); }

int32_t naru_sync(int32_t fd) { return NARU_RETRY(fsync(fd)); }

int32_t naru_try_lock(int32_t fd) { return NARU_RETRY(flock(fd, LOCK_EX | LOCK_NB)); }

int32_t naru_try_lock_shared(int32_t fd) { return NARU_RETRY(flock(fd, LOCK_SH | LOCK_NB)); }

int32_t naru_poll_two(int32_t a, int16_t *a_events, int32_t b, int16_t *b_events, uint64_t deadline) {
    struct pollfd wanted[2] = {{a, *a_events, 0}, {b, *b_events, 0}};
    for (;;) {
        struct timespec left = {0, 0};
        if (deadline != NARU_NEVER && deadline != 0) {
            uint64_t now = naru_monotonic_nanoseconds();
            if (deadline > now) left = naru_timespec(deadline - now);
        }
        int result = ppoll(wanted, 2, deadline == NARU_NEVER ? NULL : &left, NULL);
        if (result < 0 && errno == EINTR) continue;
        *a_events = wanted[0].revents;
        *b_events = wanted[1].revents;
        return result < 0 ? -errno : result;
    }
}

int32_t naru_pipe(int32_t nonblocking, int32_t *reading, int32_t *writing) {
    int ends[2];
    int result = NARU_RETRY(pipe2(ends, O_CLOEXEC | (nonblocking ? O_NONBLOCK : 0)));
    if (result < 0) return result;
    *reading = ends[0];
    *writing = ends[1];
    return 0;
}

int32_t naru_pipe_capacity(int32_t fd) { return NARU_RETRY(fcntl(fd, F_GETPIPE_SZ)); }

int32_t naru_set_pipe_capacity(int32_t fd, int32_t byte_count) {
    return NARU_RETRY(fcntl(fd, F_SETPIPE_SZ, byte_count));
}

int32_t naru_open(const char *path, int32_t flags, uint32_t permissions) {
    return NARU_RETRY(open(path, flags | O_CLOEXEC | O_NOCTTY, (mode_t)permissions));
}

int32_t naru_open_flag(int32_t which) {
    static const int32_t flags[] = {
        O_RDONLY, O_WRONLY, O_RDWR, O_CREAT, O_EXCL, O_TRUNC, O_APPEND, O_DIRECTORY, O_NOFOLLOW, O_NONBLOCK, O_PATH,
    };
    return which >= 0 && which < (int32_t)(sizeof flags / sizeof *flags) ? flags[which] : 0;
}

int32_t naru_status_at(const char *path, int32_t follow, struct naru_status *status) {
    struct stat found;
    int result = NARU_RETRY(fstatat(AT_FDCWD, path, &found, follow ? 0 : AT_SYMLINK_NOFOLLOW));
    if (result == 0) naru_fill(status, &found);
    return result;
}

int32_t naru_make_directory(const char *path, uint32_t permissions) {
    return NARU_RETRY(mkdir(path, (mode_t)permissions));
}

int32_t naru_remove(const char *path) { return NARU_RETRY(unlink(path)); }

int32_t naru_remove_directory(const char *path) { return NARU_RETRY(rmdir(path)); }

int32_t naru_rename(const char *from, const char *to) { return NARU_RETRY(rename(from, to)); }

// A plain fchmodat() would follow a symbolic link. What the path names is held by a path-only descriptor, checked not
// to be a link, and changed through that descriptor's name in /proc.
int32_t naru_set_permissions(const char *path, uint32_t permissions) {
    int fd = NARU_RETRY(open(path, O_PATH | O_NOFOLLOW | O_CLOEXEC));
    if (fd < 0) return fd;
    struct stat found;
    int result = NARU_RETRY(fstat(fd, &found));
    if (result == 0 && S_ISLNK(found.st_mode)) result = -ELOOP;
    if (result == 0) {
        char name[40];
        snprintf(name, sizeof name, "/proc/self/fd/%d", fd);
        result = NARU_RETRY(chmod(name, (mode_t)permissions));
    }
    close(fd);
    return result;
}

int32_t naru_make_fifo(const char *path, uint32_t permissions) { return NARU_RETRY(mkfifo(path, (mode_t)permissions)); }

int32_t naru_free_space(const char *path, uint64_t *byte_count) {
    struct statvfs found;
    int result = NARU_RETRY(statvfs(path, &found));
    if (result == 0) *byte_count = (uint64_t)found.f_bavail * (uint64_t)found.f_frsize;
    return result;
}

int64_t naru_read_link(const char *path, char *buffer, size_t capacity) {
    return NARU_RETRY(readlink(path, buffer, capacity));
}

int32_t naru_directory_open(const char *path, void **directory) {
    *directory = opendir(path);
    return *directory == NULL ? -errno : 0;
}

int32_t naru_directory_next(void *directory, char *name, size_t capacity) {
    for (;;) {
        errno = 0;
        struct dirent *entry = readdir(directory);
        if (entry == NULL) return -errno;
        if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0) continue;
        snprintf(name, capacity, "%s", entry->d_name);
        return 1;
    }
}

void naru_directory_close(void *directory) { closedir(directory); }

// Naru: messages between programs by the fastest valid mechanism.
// Copyright the Naru authors. Licensed under the Apache License, Version 2.0 (see LICENSE).

#include "CNaruSystem.h"
#include "internal.h"

#include <dirent.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/utsname.h>
#include <unistd.h>

extern char **environ;

int32_t naru_process_id(void) { return getpid(); }

uint32_t naru_user_id(void) { return geteuid(); }

int64_t naru_page_bytes(void) { return sysconf(_SC_PAGESIZE); }

int32_t naru_core_count(void) {
    long online = sysconf(_SC_NPROCESSORS_ONLN);
    return online > 0 ? (int32_t)online : 1;
}

int32_t naru_pin(int32_t core) {
    cpu_set_t set;
    CPU_ZERO(&set);
    if (core < 0 || core >= CPU_SETSIZE) return -EINVAL;
    CPU_SET(core, &set);
    return NARU_ONCE(sched_setaffinity(0, sizeof set, &set));
}

int32_t naru_run_when_idle(void) {
    struct sched_param parameters = {0};
    return NARU_ONCE(sched_setscheduler(0, SCHED_IDLE, &parameters));
}

int32_t naru_share_priority(int32_t of_parent) {
    errno = 0;
    int nice = getpriority(PRIO_PROCESS, (id_t)(of_parent ? getppid() : getpid()));
    if (nice == -1 && errno != 0) return -errno;
    DIR *threads = opendir("/proc/self/task");
    if (!threads) return -errno;
    int result = 0;
    for (struct dirent *entry; (entry = readdir(threads));) {
        int thread = atoi(entry->d_name);
        // A thread that has ended meanwhile needs none.
        if (thread > 0 && setpriority(PRIO_PROCESS, (id_t)thread, nice) != 0 && errno != ESRCH) result = -errno;
    }
    closedir(threads);
    return result;
}

int32_t naru_usage(uint64_t *nanoseconds, uint64_t *preemptions) {
    struct rusage usage;
    int result = NARU_ONCE(getrusage(RUSAGE_SELF, &usage));
    if (result < 0) return result;
    *nanoseconds = (uint64_t)(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) * 1000000000u +
                   (uint64_t)(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) * 1000u;
    *preemptions = (uint64_t)usage.ru_nivcsw;
    return 0;
}

int32_t naru_descriptor_limit(uint64_t *soft, uint64_t *hard) {
    struct rlimit limit;
    int result = NARU_ONCE(getrlimit(RLIMIT_NOFILE, &limit));
    if (result < 0) return result;
    *soft = limit.rlim_cur;
    *hard = limit.rlim_max;
    return 0;
}

int32_t naru_host_text(int32_t which, char *buffer, size_t capacity) {
    struct utsname names;
    int result = NARU_ONCE(uname(&names));
    if (result < 0) return result;
    snprintf(buffer, capacity, "%s", which == 0 ? names.release : which == 1 ? names.machine : names.nodename);
    return 0;
}

int32_t naru_working_directory(char *buffer, size_t capacity) { return getcwd(buffer, capacity) == NULL ? -errno : 0; }

const char *naru_environment(const char *name) { return getenv(name); }

const char *naru_environment_entry(size_t index) {
    if (environ == NULL) return NULL;
    for (size_t i = 0; i < index; i++) {
        if (environ[i] == NULL) return NULL;
    }
    return environ[index];
}

// The GNU form returns a text that may lie elsewhere, the POSIX form a number.
void naru_error_text(int32_t error, char *buffer, size_t capacity) {
#if defined(__GLIBC__)
    char scratch[128];
    snprintf(buffer, capacity, "%s", strerror_r(error, scratch, sizeof scratch));
#else
    if (strerror_r(error, buffer, capacity) != 0) snprintf(buffer, capacity, "error %d", error);
#endif
}

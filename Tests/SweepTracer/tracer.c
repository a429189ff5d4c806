// Naru: messages between programs by the fastest valid mechanism.
// Copyright the Naru authors. Licensed under the Apache License, Version 2.0 (see LICENSE).

#define _GNU_SOURCE
#include "CSweepTracer.h"
#include "calls.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/types.h>
#include <sys/wait.h>
#include <time.h>
#include <linux/ptrace.h>
#include <linux/seccomp.h>
#include <unistd.h>

/// How a run stands.
struct run {
    const struct sweep_order *order;
    /// The program, and the process that is looked at; 0 until it is known.
    pid_t program, subject;
    /// Whether the subject has created its first file.
    int has_begun;
    /// How many calls of the order's name it has made.
    int32_t count;
    int is_killed;
};

static void say(const struct run *run, const char *word, const char *rest) {
    char line[160];
    int length = snprintf(line, sizeof(line), "%s%s%s\n", word, *rest ? " " : "", rest);
    // Whoever reads it may be gone; then this process is about to be ended as well.
    if (write(run->order->output, line, (size_t)length) < 0) return;
}

/// The process that a thread belongs to; 0 for one that has ended.
static pid_t process_of(pid_t thread) {
    char path[64], line[256];
    snprintf(path, sizeof(path), "/proc/%d/status", thread);
    FILE *file = fopen(path, "re");
    if (file == NULL) return 0;
    int process = 0;
    while (fgets(line, sizeof(line), file) != NULL)
        if (sscanf(line, "Tgid: %d", &process) == 1) break;
    fclose(file);
    return process;
}

static void kill_subject(struct run *run) {
    char text[32];
    struct timespec now;
    // Before, so that nobody can know earlier.
    clock_gettime(CLOCK_MONOTONIC, &now);
    snprintf(text, sizeof(text), "%lld", (long long)now.tv_sec * 1000000000LL + now.tv_nsec);
    kill(run->subject, SIGKILL);
    if (run->order->other != 0) kill(run->order->other, SIGKILL);
    run->is_killed = 1;
    say(run, "killed", text);
}

/// A thread is about to make a call. Returns whether it is to stop again behind it.
static int enter(struct run *run, pid_t thread) {
    struct __ptrace_syscall_info info;
    if (run->is_killed || ptrace(PTRACE_GET_SYSCALL_INFO, thread, sizeof(info), &info) < 0) return 0;
    const char *name = sweep_call_name(info.entry.nr);
    pid_t process = process_of(thread);
    if (name == NULL || process == 0) return 0;
    int is_subject = run->order->is_child ? process != run->program : process == run->program;
    if (!is_subject || (run->subject != 0 && run->subject != process)) return 0;
    if (!run->has_begun) {
        // The filter lets no other call of these names pass than those that create.
        if (strncmp(name, "open", 4) != 0) return 0;
        run->subject = process;
        run->has_begun = 1;
    }
    if (run->order->call == NULL) {
        say(run, "call", name);
        return 0;
    }
    if (strcmp(name, run->order->call) != 0 || ++run->count != run->order->number) return 0;
    if (run->order->is_after) return 1;
    kill_subject(run);
    return 0;
}

/// What a stopped thread is to do next; the signal that it is to be given in `signal`.
static int next(struct run *run, pid_t thread, int status, int *signal) {
    int event = status >> 16;
    *signal = 0;
    if (event == PTRACE_EVENT_SECCOMP) return enter(run, thread) ? PTRACE_SYSCALL : PTRACE_CONT;
    if (WSTOPSIG(status) == (SIGTRAP | 0x80)) {
        if (!run->is_killed) kill_subject(run);
        return PTRACE_CONT;
    }
    if (event == PTRACE_EVENT_STOP && WSTOPSIG(status) != SIGTRAP) return PTRACE_LISTEN;
    if (event == 0) *signal = WSTOPSIG(status);
    return PTRACE_CONT;
}

static void follow(struct run *run) {
    while (1) {
        int status, signal;
        pid_t thread = waitpid(-1, &status, __WALL);
        if (thread < 0 && errno == EINTR) continue;
        if (thread < 0) break;
        if (!WIFSTOPPED(status)) continue;
        int request = next(run, thread, status, &signal);
        // It may have been killed meanwhile.
        ptrace(request, thread, NULL, (void *)(intptr_t)signal);
    }
    say(run, "ended", "");
}

/// The program, before it is loaded: waits until it is observed.
__attribute__((noreturn)) static void become(const char *path, const char *const *words, int gate) {
    char go;
    if (read(gate, &go, 1) != 1) _exit(126);
    close(gate);
    struct sock_fprog filter = sweep_filter();
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0) _exit(125);
    if (prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &filter) < 0) _exit(124);
    execv(path, (char *const *)words);
    _exit(127);
}

int32_t sweep_trace(
    const char *path, const char *const *words, const struct sweep_order *order, const char **failed) {
    int gate[2];
    *failed = "socketpair";
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, gate) < 0) return -errno;
    // What the program starts and leaves is waited for here.
    prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0);
    *failed = "fork";
    pid_t program = fork();
    if (program < 0) return -errno;
    if (program == 0) {
        close(gate[1]);
        become(path, words, gate[0]);
    }
    close(gate[0]);
    struct run run = {.order = order, .program = program};
    long options = PTRACE_O_TRACESECCOMP | PTRACE_O_TRACECLONE | PTRACE_O_TRACEFORK | PTRACE_O_TRACEVFORK
        | PTRACE_O_TRACEEXEC | PTRACE_O_TRACESYSGOOD | PTRACE_O_EXITKILL;
    *failed = "ptrace(PTRACE_SEIZE)";
    int result = ptrace(PTRACE_SEIZE, program, NULL, (void *)options) < 0 ? -errno : 0;
    if (result < 0) kill(program, SIGKILL);
    if (result == 0 && write(gate[1], "g", 1) != 1) result = -errno;
    close(gate[1]);
    if (result == 0) {
        follow(&run);
    } else {
        waitpid(program, NULL, 0);
    }
    return result;
}

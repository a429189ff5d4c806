// Naru: messages between programs by the fastest valid mechanism.
// Copyright the Naru authors. Licensed under the Apache License, Version 2.0 (see LICENSE).

#include "CIntegrationPeer.h"

#include <errno.h>
#include <sys/types.h>
#include <sys/wait.h>
#include <unistd.h>

int32_t peer_fork(int32_t (*body)(void *), void *context) {
    pid_t child = fork();
    if (child < 0) return -errno;
    if (child == 0) {
        alarm(30);
        _exit(body(context));
    }
    int status;
    while (waitpid(child, &status, 0) < 0) {
        if (errno != EINTR) return -errno;
    }
    return WIFEXITED(status) ? WEXITSTATUS(status) : 256 + WTERMSIG(status);
}

void peer_exit(int32_t code) { _exit(code); }

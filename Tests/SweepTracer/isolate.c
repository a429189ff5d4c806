// Naru: messages between programs by the fastest valid mechanism.
// Copyright the Naru authors. Licensed under the Apache License, Version 2.0 (see LICENSE).

#define _GNU_SOURCE
#include "CSweepTracer.h"

#include <errno.h>
#include <net/if.h>
#include <sched.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

int32_t sweep_isolate(void) {
    if (unshare(CLONE_NEWIPC | CLONE_NEWNS) < 0) return -errno;
    // What is mounted from here on is nobody else's.
    if (mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0) return -errno;
    if (mount("tmpfs", "/dev/shm", "tmpfs", MS_NOSUID | MS_NODEV, "mode=1777,size=268435456") < 0) return -errno;
    // Without it queues are there all the same, and only cannot be listed.
    mkdir("/dev/mqueue", 01777);
    mount("mqueue", "/dev/mqueue", "mqueue", 0, NULL);
    return 0;
}

int32_t sweep_isolate_network(void) {
    if (unshare(CLONE_NEWNET) < 0) return -errno;
    int socket_number = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (socket_number < 0) return -errno;
    struct ifreq request;
    memset(&request, 0, sizeof request);
    strcpy(request.ifr_name, "lo");
    request.ifr_flags = IFF_UP | IFF_RUNNING;
    int32_t result = ioctl(socket_number, SIOCSIFFLAGS, &request) < 0 ? -errno : 0;
    close(socket_number);
    return result;
}

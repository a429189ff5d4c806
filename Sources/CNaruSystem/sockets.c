// Naru: messages between programs by the fastest valid mechanism.
// Copyright the Naru authors. Licensed under the Apache License, Version 2.0 (see LICENSE).

#include "CNaruSystem.h"
#include "internal.h"

#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#ifndef SO_PEERPIDFD
#define SO_PEERPIDFD 77
#endif

int64_t naru_send_two(int32_t fd, const void *a, size_t a_count, const void *b, size_t b_count) {
    if (b_count == 0) return NARU_RETRY(send(fd, a, a_count, MSG_NOSIGNAL | MSG_DONTWAIT));
    struct iovec parts[2] = {{(void *)a, a_count}, {(void *)b, b_count}};
    struct msghdr message = {.msg_iov = parts, .msg_iovlen = 2};
    return NARU_RETRY(sendmsg(fd, &message, MSG_NOSIGNAL | MSG_DONTWAIT));
}

int64_t naru_receive(int32_t fd, void *bytes, size_t count) { return NARU_RETRY(recv(fd, bytes, count, MSG_DONTWAIT)); }

int64_t naru_receive_blocking(int32_t fd, void *bytes, size_t count) { return NARU_ONCE(recv(fd, bytes, count, 0)); }

int32_t naru_shutdown(int32_t fd, int32_t how) {
    return NARU_ONCE(shutdown(fd, how));
}

int32_t naru_unix_pair(int32_t seqpacket, int32_t nonblocking, int32_t *a, int32_t *b) {
    int both[2];
    int type = (seqpacket ? SOCK_SEQPACKET : SOCK_STREAM) | SOCK_CLOEXEC | (nonblocking ? SOCK_NONBLOCK : 0);
    int result = NARU_RETRY(socketpair(AF_UNIX, type, 0, both));
    if (result < 0) return result;
    *a = both[0];
    *b = both[1];
    return 0;
}

int32_t naru_unix_socket(void) { return NARU_RETRY(socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0)); }

static int naru_unix_address(struct sockaddr_un *address, const char *path) {
    size_t length = strlen(path);
    if (length == 0) return -ENOENT;
    if (length >= sizeof address->sun_path) return -ENAMETOOLONG;
    memset(address, 0, sizeof *address);
    address->sun_family = AF_UNIX;
    memcpy(address->sun_path, path, length + 1);
    return 0;
}

// Linux gives the name the mode of the socket itself, less the umask: set before bind(), it is never more open.
int32_t naru_unix_bind(int32_t fd, const char *path, uint32_t permissions) {
    struct sockaddr_un address;
    int result = naru_unix_address(&address, path);
    if (result == 0) result = NARU_RETRY(fchmod(fd, (mode_t)permissions));
    if (result == 0) result = NARU_RETRY(bind(fd, (struct sockaddr *)&address, sizeof address));
    return result;
}

int32_t naru_unix_connect(int32_t fd, const char *path) {
    struct sockaddr_un address;
    int result = naru_unix_address(&address, path);
    if (result == 0) result = NARU_RETRY(connect(fd, (struct sockaddr *)&address, sizeof address));
    return result;
}

int32_t naru_listen(int32_t fd, int32_t backlog) { return NARU_RETRY(listen(fd, backlog)); }

// A connection that its peer gave up while it was queued is none: the next one is taken.
int32_t naru_accept(int32_t fd) {
    int result;
    do {
        result = accept4(fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
    } while (result == -1 && (errno == EINTR || errno == ECONNABORTED));
    return result == -1 ? -errno : result;
}

// Room for the most descriptors the kernel passes in one message, and for the sender's credentials.
union naru_control {
    struct cmsghdr header;
    char bytes[CMSG_SPACE(NARU_MAXIMUM_DESCRIPTORS * sizeof(int)) + CMSG_SPACE(sizeof(struct ucred)) + 64];
};

int64_t naru_send_message(int32_t fd, const void *bytes, size_t count, const int32_t *descriptors,
                          int32_t descriptor_count, int32_t credentials) {
    if (descriptor_count < 0 || descriptor_count > NARU_MAXIMUM_DESCRIPTORS) return -EINVAL;
    union naru_control control;
    memset(&control, 0, sizeof control);
    struct iovec part = {(void *)bytes, count};
    struct msghdr message = {.msg_iov = &part, .msg_iovlen = 1};
    size_t used = 0;
    if (descriptor_count > 0) {
        struct cmsghdr *header = (struct cmsghdr *)(control.bytes + used);
        size_t length = sizeof(int) * (size_t)descriptor_count;
        header->cmsg_level = SOL_SOCKET;
        header->cmsg_type = SCM_RIGHTS;
        header->cmsg_len = CMSG_LEN(length);
        memcpy(CMSG_DATA(header), descriptors, length);
        used += CMSG_SPACE(length);
    }
    if (credentials) {
        struct cmsghdr *header = (struct cmsghdr *)(control.bytes + used);
        struct ucred own = {.pid = getpid(), .uid = geteuid(), .gid = getegid()};
        header->cmsg_level = SOL_SOCKET;
        header->cmsg_type = SCM_CREDENTIALS;
        header->cmsg_len = CMSG_LEN(sizeof own);
        memcpy(CMSG_DATA(header), &own, sizeof own);
        used += CMSG_SPACE(sizeof own);
    }
    if (used > 0) {
        message.msg_control = control.bytes;
        message.msg_controllen = used;
    }
    return NARU_RETRY(sendmsg(fd, &message, MSG_NOSIGNAL | MSG_DONTWAIT));
}

int64_t naru_receive_message(int32_t fd, void *bytes, size_t count, int32_t *descriptors, int32_t maximum,
                             int32_t *received, struct naru_credentials *credentials, int32_t *has_credentials) {
    union naru_control control;
    struct iovec part = {bytes, count};
    struct msghdr message = {
        .msg_iov = &part, .msg_iovlen = 1, .msg_control = control.bytes, .msg_controllen = sizeof control.bytes,
    };
    *received = 0;
    *has_credentials = 0;
    ssize_t result = NARU_RETRY(recvmsg(fd, &message, MSG_DONTWAIT | MSG_CMSG_CLOEXEC));
    if (result < 0) return result;

    int32_t kept = 0;
    for (struct cmsghdr *header = CMSG_FIRSTHDR(&message); header != NULL; header = CMSG_NXTHDR(&message, header)) {
        if (header->cmsg_level != SOL_SOCKET) continue;
        if (header->cmsg_type == SCM_RIGHTS) {
            size_t number = (header->cmsg_len - CMSG_LEN(0)) / sizeof(int);
            for (size_t i = 0; i < number; i++) {
                int descriptor;
                memcpy(&descriptor, CMSG_DATA(header) + i * sizeof descriptor, sizeof descriptor);
                if (kept < maximum && !(message.msg_flags & (MSG_CTRUNC | MSG_TRUNC))) {
                    descriptors[kept++] = descriptor;
                } else {
                    close(descriptor);
                }
            }
        } else if (header->cmsg_type == SCM_CREDENTIALS && header->cmsg_len >= CMSG_LEN(sizeof(struct ucred))) {
            struct ucred found;
            memcpy(&found, CMSG_DATA(header), sizeof found);
            credentials->process_id = found.pid;
            credentials->user_id = found.uid;
            credentials->group_id = found.gid;
            *has_credentials = 1;
        }
    }
    *received = kept;
    if (message.msg_flags & MSG_TRUNC) return -EMSGSIZE;
    if (message.msg_flags & MSG_CTRUNC) *received = -1;
    return result;
}

int32_t naru_pass_credentials(int32_t fd, int32_t on) {
    int value = on != 0;
    return NARU_ONCE(setsockopt(fd, SOL_SOCKET, SO_PASSCRED, &value, sizeof value));
}

int32_t naru_peer_credentials(int32_t fd, struct naru_credentials *credentials) {
    struct ucred found;
    socklen_t length = sizeof found;
    int result = NARU_ONCE(getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &found, &length));
    if (result < 0) return result;
    // A socket without a peer has nobody's numbers. A peer of another PID namespace has the number 0 too, but a user.
    if (length != sizeof found || (found.pid == 0 && found.uid == (uid_t)-1)) return -ENOTCONN;
    credentials->process_id = found.pid;
    credentials->user_id = found.uid;
    credentials->group_id = found.gid;
    return 0;
}

int32_t naru_peer_process(int32_t fd) {
    int found = -1;
    socklen_t length = sizeof found;
    int result = NARU_ONCE(getsockopt(fd, SOL_SOCKET, SO_PEERPIDFD, &found, &length));
    return result < 0 ? result : found;
}

static int naru_option(int fd, int option) {
    int value = 0;
    socklen_t length = sizeof value;
    return getsockopt(fd, SOL_SOCKET, option, &value, &length) == 0 ? value : -1;
}

int32_t naru_is_unix(int32_t fd, int32_t seqpacket) {
    int type = seqpacket ? SOCK_SEQPACKET : SOCK_STREAM;
    return naru_option(fd, SO_DOMAIN) == AF_UNIX && naru_option(fd, SO_TYPE) == type;
}

int32_t naru_set_buffer_bytes(int32_t fd, int32_t receive, int32_t byte_count) {
    int value = byte_count;
    return NARU_ONCE(setsockopt(fd, SOL_SOCKET, receive ? SO_RCVBUF : SO_SNDBUF, &value, sizeof value));
}

int64_t naru_pending_input(int32_t fd) {
    int count = 0;
    int result = NARU_RETRY(ioctl(fd, FIONREAD, &count));
    return result < 0 ? result : count;
}

// Naru: messages between programs by the fastest valid mechanism.
// Copyright the Naru authors. Licensed under the Apache License, Version 2.0 (see LICENSE).

#include "CNaruSystem.h"
#include "internal.h"

#include <arpa/inet.h>
#include <linux/inet_diag.h>
#include <linux/netlink.h>
#include <linux/sock_diag.h>
#include <net/if.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

union naru_any_address {
    struct sockaddr any;
    struct sockaddr_in four;
    struct sockaddr_in6 six;
    struct sockaddr_storage storage;
};

static socklen_t naru_inet_encode(const struct naru_inet *address, union naru_any_address *found) {
    memset(found, 0, sizeof *found);
    if (address->version == 6) {
        found->six.sin6_family = AF_INET6;
        found->six.sin6_port = htons(address->port);
        found->six.sin6_scope_id = address->scope;
        memcpy(&found->six.sin6_addr, address->bytes, 16);
        return sizeof found->six;
    }
    found->four.sin_family = AF_INET;
    found->four.sin_port = htons(address->port);
    memcpy(&found->four.sin_addr, address->bytes, 4);
    return sizeof found->four;
}

static int naru_inet_decode(const union naru_any_address *found, struct naru_inet *address) {
    memset(address, 0, sizeof *address);
    switch (found->any.sa_family) {
    case AF_INET:
        address->version = 4;
        address->port = ntohs(found->four.sin_port);
        memcpy(address->bytes, &found->four.sin_addr, 4);
        return 0;
    case AF_INET6:
        address->version = 6;
        address->port = ntohs(found->six.sin6_port);
        address->scope = found->six.sin6_scope_id;
        memcpy(address->bytes, &found->six.sin6_addr, 16);
        return 0;
    default:
        return -EAFNOSUPPORT;
    }
}

int32_t naru_inet_socket(int32_t version) {
    int domain = version == 6 ? AF_INET6 : AF_INET;
    return NARU_RETRY(socket(domain, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, IPPROTO_TCP));
}

int32_t naru_inet_bind(int32_t fd, const struct naru_inet *address) {
    union naru_any_address found;
    socklen_t size = naru_inet_encode(address, &found);
    return NARU_RETRY(bind(fd, &found.any, size));
}

// Not repeated: a connect that a signal interrupted goes on in the background.
int32_t naru_inet_connect(int32_t fd, const struct naru_inet *address) {
    union naru_any_address found;
    socklen_t size = naru_inet_encode(address, &found);
    int result = NARU_ONCE(connect(fd, &found.any, size));
    return result == -EINTR ? -EINPROGRESS : result;
}

int32_t naru_inet_name(int32_t fd, int32_t peer, struct naru_inet *address) {
    union naru_any_address found;
    socklen_t size = sizeof found;
    int result = peer ? NARU_ONCE(getpeername(fd, &found.any, &size)) : NARU_ONCE(getsockname(fd, &found.any, &size));
    return result < 0 ? result : naru_inet_decode(&found, address);
}

int32_t naru_inet_parse(const char *text, struct naru_inet *address) {
    memset(address, 0, sizeof *address);
    if (inet_pton(AF_INET, text, address->bytes) == 1) {
        address->version = 4;
        return 1;
    }
    char plain[INET6_ADDRSTRLEN];
    size_t length = strcspn(text, "%");
    if (length >= sizeof plain) return 0;
    memcpy(plain, text, length);
    plain[length] = 0;
    if (inet_pton(AF_INET6, plain, address->bytes) != 1) return 0;
    if (text[length] == '%') {
        address->scope = if_nametoindex(text + length + 1);
        if (address->scope == 0) return 0;
    }
    address->version = 6;
    return 1;
}

int32_t naru_inet_text(const struct naru_inet *address, char *buffer, size_t capacity) {
    if (inet_ntop(address->version == 6 ? AF_INET6 : AF_INET, address->bytes, buffer, (socklen_t)capacity) == NULL)
        return -errno;
    char interface[IF_NAMESIZE];
    size_t length = strlen(buffer);
    if (address->version == 6 && address->scope != 0 && if_indextoname(address->scope, interface) != NULL)
        snprintf(buffer + length, capacity - length, "%%%s", interface);
    return 0;
}

int32_t naru_inet_resolve(const char *name, uint16_t port, struct naru_inet *found, int32_t capacity) {
    struct addrinfo hints = {.ai_family = AF_UNSPEC, .ai_socktype = SOCK_STREAM};
    struct addrinfo *list = NULL;
    int result = getaddrinfo(name, NULL, &hints, &list);
    if (result == EAI_SYSTEM) return -errno;
    if (result != 0) return -1000 + result;
    int32_t count = 0;
    for (struct addrinfo *each = list; each != NULL && count < capacity; each = each->ai_next) {
        union naru_any_address address;
        if (each->ai_addrlen > sizeof address) continue;
        memset(&address, 0, sizeof address);
        memcpy(&address, each->ai_addr, each->ai_addrlen);
        if (naru_inet_decode(&address, &found[count]) < 0) continue;
        found[count++].port = port;
    }
    freeaddrinfo(list);
    return count;
}

const char *naru_inet_resolver_text(int32_t number) { return gai_strerror(number); }

int32_t naru_socket_error(int32_t fd) {
    int value = 0;
    socklen_t length = sizeof value;
    int result = NARU_ONCE(getsockopt(fd, SOL_SOCKET, SO_ERROR, &value, &length));
    return result < 0 ? -result : value;
}

static int naru_set(int fd, int level, int option, int value) {
    return NARU_ONCE(setsockopt(fd, level, option, &value, sizeof value));
}

int32_t naru_set_reuse_address(int32_t fd) { return naru_set(fd, SOL_SOCKET, SO_REUSEADDR, 1); }

int32_t naru_set_both_versions(int32_t fd, int32_t on) { return naru_set(fd, IPPROTO_IPV6, IPV6_V6ONLY, on == 0); }

int32_t naru_tcp_set_no_delay(int32_t fd) { return naru_set(fd, IPPROTO_TCP, TCP_NODELAY, 1); }

int32_t naru_tcp_set_keep_alive(int32_t fd, int32_t idle_seconds, int32_t interval_seconds, int32_t count) {
    int result = naru_set(fd, SOL_SOCKET, SO_KEEPALIVE, 1);
    if (result == 0) result = naru_set(fd, IPPROTO_TCP, TCP_KEEPIDLE, idle_seconds);
    if (result == 0) result = naru_set(fd, IPPROTO_TCP, TCP_KEEPINTVL, interval_seconds);
    if (result == 0) result = naru_set(fd, IPPROTO_TCP, TCP_KEEPCNT, count);
    return result;
}

int32_t naru_tcp_set_user_timeout(int32_t fd, int32_t milliseconds) {
    return naru_set(fd, IPPROTO_TCP, TCP_USER_TIMEOUT, milliseconds);
}

int32_t naru_is_tcp(int32_t fd) {
    int domain = 0, protocol = 0;
    socklen_t length = sizeof domain;
    if (getsockopt(fd, SOL_SOCKET, SO_DOMAIN, &domain, &length) < 0) return 0;
    length = sizeof protocol;
    if (getsockopt(fd, SOL_SOCKET, SO_PROTOCOL, &protocol, &length) < 0) return 0;
    return (domain == AF_INET || domain == AF_INET6) && protocol == IPPROTO_TCP;
}

// An address of version 4 that is written as one of version 6 is looked up as what it is.
static int naru_inet_is_four(const struct naru_inet *address) {
    static const uint8_t prefix[12] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};
    return address->version == 4 || memcmp(address->bytes, prefix, sizeof prefix) == 0;
}

static void naru_inet_plain(const struct naru_inet *address, int is_four, uint32_t *words) {
    const uint8_t *bytes = address->bytes + (is_four && address->version == 6 ? 12 : 0);
    memcpy(words, bytes, is_four ? 4 : 16);
}

int32_t naru_inet_owner(const struct naru_inet *local, const struct naru_inet *remote, uint32_t *user_id) {
    int is_four = naru_inet_is_four(local);
    struct {
        struct nlmsghdr head;
        struct inet_diag_req_v2 body;
    } request;
    memset(&request, 0, sizeof request);
    request.head.nlmsg_len = sizeof request;
    request.head.nlmsg_type = SOCK_DIAG_BY_FAMILY;
    request.head.nlmsg_flags = NLM_F_REQUEST;
    request.body.sdiag_family = is_four ? AF_INET : AF_INET6;
    request.body.sdiag_protocol = IPPROTO_TCP;
    request.body.idiag_states = ~0u;
    request.body.id.idiag_sport = htons(local->port);
    request.body.id.idiag_dport = htons(remote->port);
    request.body.id.idiag_cookie[0] = request.body.id.idiag_cookie[1] = INET_DIAG_NOCOOKIE;
    naru_inet_plain(local, is_four, request.body.id.idiag_src);
    if (remote->port != 0) naru_inet_plain(remote, is_four, request.body.id.idiag_dst);

    int fd = NARU_RETRY(socket(AF_NETLINK, SOCK_DGRAM | SOCK_CLOEXEC, NETLINK_SOCK_DIAG));
    if (fd < 0) return fd;
    union {
        struct nlmsghdr head;
        char bytes[8192];
    } answer;
    // The kernel answers within the call that asks.
    ssize_t count = NARU_RETRY(send(fd, &request, sizeof request, 0));
    if (count >= 0) count = NARU_RETRY(recv(fd, &answer, sizeof answer, MSG_DONTWAIT));
    close(fd);
    if (count < 0) return (int32_t)count;
    if (!NLMSG_OK(&answer.head, (size_t)count)) return -EPROTO;
    if (answer.head.nlmsg_type == NLMSG_ERROR && answer.head.nlmsg_len >= NLMSG_LENGTH(sizeof(struct nlmsgerr))) {
        const struct nlmsgerr *error = NLMSG_DATA(&answer.head);
        return error->error < 0 ? error->error : -ENOENT;
    }
    if (answer.head.nlmsg_type != SOCK_DIAG_BY_FAMILY
        || answer.head.nlmsg_len < NLMSG_LENGTH(sizeof(struct inet_diag_msg)))
        return -EPROTO;
    const struct inet_diag_msg *found = NLMSG_DATA(&answer.head);
    // The remains of a closed connection belong to nobody.
    enum { naru_time_wait = 6 };
    if (found->idiag_state == naru_time_wait) return -ENOENT;
    *user_id = found->idiag_uid;
    return 0;
}

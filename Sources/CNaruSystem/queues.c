// Naru: messages between programs by the fastest valid mechanism.
// Copyright the Naru authors. Licensed under the Apache License, Version 2.0 (see LICENSE).

#include "CNaruSystem.h"
#include "internal.h"

#include <fcntl.h>
#include <mqueue.h>
#include <sys/ipc.h>
#include <sys/msg.h>
#include <sys/resource.h>

// MARK: POSIX

int32_t naru_queue_open(const char *name, int32_t reading, int32_t writing) {
    int access = reading ? (writing ? O_RDWR : O_RDONLY) : O_WRONLY;
    return NARU_RETRY(mq_open(name, access | O_NONBLOCK | O_CLOEXEC));
}

int32_t naru_queue_create(const char *name, uint32_t permissions, int64_t depth, int64_t message_bytes) {
    struct mq_attr attributes = {.mq_maxmsg = (long)depth, .mq_msgsize = (long)message_bytes};
    return NARU_RETRY(
        mq_open(name, O_RDWR | O_CREAT | O_EXCL | O_NONBLOCK | O_CLOEXEC, (mode_t)permissions, &attributes));
}

int32_t naru_queue_unlink(const char *name) { return NARU_RETRY(mq_unlink(name)); }

int32_t naru_queue_status_of(int32_t queue, struct naru_queue_status *status) {
    struct mq_attr attributes;
    int32_t result = NARU_RETRY(mq_getattr(queue, &attributes));
    if (result < 0) return result;
    status->depth = attributes.mq_maxmsg;
    status->message_bytes = attributes.mq_msgsize;
    status->count = attributes.mq_curmsgs;
    return 0;
}

int32_t naru_queue_memory_limit(uint64_t *soft, uint64_t *hard) {
    struct rlimit limit;
    int32_t result = NARU_ONCE(getrlimit(RLIMIT_MSGQUEUE, &limit));
    if (result < 0) return result;
    *soft = limit.rlim_cur == RLIM_INFINITY ? UINT64_MAX : limit.rlim_cur;
    *hard = limit.rlim_max == RLIM_INFINITY ? UINT64_MAX : limit.rlim_max;
    return 0;
}

// MARK: System V

int32_t naru_sysv_queue(int32_t key, int32_t create, uint32_t permissions) {
    return NARU_RETRY(msgget(key, create ? (int)(permissions | IPC_CREAT | IPC_EXCL) : 0));
}

int32_t naru_sysv_queue_status_of(int32_t queue, struct naru_sysv_queue_status *status) {
    struct msqid_ds found;
    int32_t result = NARU_RETRY(msgctl(queue, IPC_STAT, &found));
    if (result < 0) return result;
    status->byte_count = found.__msg_cbytes;
    status->capacity = found.msg_qbytes;
    status->count = found.msg_qnum;
    status->user_id = found.msg_perm.uid;
    status->mode = found.msg_perm.mode;
    return 0;
}

int32_t naru_sysv_queue_remove(int32_t queue) { return NARU_RETRY(msgctl(queue, IPC_RMID, NULL)); }

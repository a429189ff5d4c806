// Naru: messages between programs by the fastest valid mechanism.
// Copyright the Naru authors. Licensed under the Apache License, Version 2.0 (see LICENSE).

// Plain-typed wrappers of what Swift cannot call: variadic calls, macros and GNU extensions of Linux.
//
// - A negative result is `-errno`. Calls that a signal interrupted are repeated.
// - A deadline is an absolute CLOCK_MONOTONIC time in nanoseconds; NARU_NEVER waits for ever.
// - Every descriptor is close-on-exec from birth.

#ifndef CNARUSYSTEM_H
#define CNARUSYSTEM_H

#include <errno.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/ipc.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#pragma clang assume_nonnull begin

#define NARU_NEVER UINT64_MAX

// MARK: Processor and clock

/// Tells the processor that this thread spins.
static inline void naru_spin_hint(void) {
#if defined(__x86_64__) || defined(__i386__)
    __builtin_ia32_pause();
#elif defined(__aarch64__) || defined(__arm__)
    __asm__ volatile("yield" ::: "memory");
#endif
}

/// A sequentially consistent fence. On x86 a locked operation on the stack, which costs a third of the `mfence` that
/// compilers emit.
static inline void naru_fence(void) {
#if defined(__x86_64__)
    __asm__ volatile("lock; orl $0, (%%rsp)" ::: "memory", "cc");
#else
    __atomic_thread_fence(__ATOMIC_SEQ_CST);
#endif
}

/// Keeps the compiler from moving what touches memory across it.
static inline void naru_compiler_fence(void) { __asm__ volatile("" ::: "memory"); }

/// membarrier(2), global and expedited. Registering takes milliseconds, once a process.
int32_t naru_membarrier_register(void);
int32_t naru_membarrier(void);

uint64_t naru_monotonic_nanoseconds(void);

/// The processor's counter of time: constant rate, ordered after the loads before it.
static inline uint64_t naru_ticks(void) {
#if defined(__x86_64__) || defined(__i386__)
    uint32_t low, high, core;
    __asm__ volatile("rdtscp" : "=a"(low), "=d"(high), "=c"(core)::"memory");
    return (uint64_t)high << 32 | low;
#elif defined(__aarch64__)
    uint64_t ticks;
    __asm__ volatile("isb\n\tmrs %0, cntvct_el0" : "=r"(ticks)::"memory");
    return ticks;
#else
    return naru_monotonic_nanoseconds();
#endif
}

int32_t naru_current_core(void);
void naru_yield(void);
/// Runs the calling thread, and threads that it starts, on one core only.
int32_t naru_pin(int32_t core);
/// Runs the calling thread only when nobody else wants its core.
int32_t naru_run_when_idle(void);
/// Gives all threads of the process the nice value of the parent's first thread, or of its own.
int32_t naru_share_priority(int32_t of_parent);
/// What this process has used: processor time and how often it lost its core to another.
int32_t naru_usage(uint64_t *nanoseconds, uint64_t *preemptions);

// MARK: Descriptors

struct naru_status {
    uint32_t mode;
    uint32_t user_id;
    uint32_t group_id;
    int64_t byte_count;
    uint64_t inode;
    uint64_t device;
};

int32_t naru_close(int32_t fd);
int32_t naru_duplicate(int32_t fd, int32_t minimum);
int32_t naru_set_nonblocking(int32_t fd);
int32_t naru_set_close_on_exec(int32_t fd);
/// What the open file permits: 1 reading, 2 writing, 4 set when its calls do not block.
int32_t naru_access(int32_t fd);
int32_t naru_status_of(int32_t fd, struct naru_status *status);
int64_t naru_read(int32_t fd, void *_Nullable bytes, size_t count);
/// Writes never raise SIGPIPE.
int64_t naru_write(int32_t fd, const void *_Nullable bytes, size_t count);
int64_t naru_write_two(int32_t fd, const void *_Nullable a, size_t a_count, const void *_Nullable b, size_t b_count);
/// The same by masking the signal, for kernels that have no better way.
int64_t naru_write_masking(int32_t fd, const void *_Nullable a, size_t a_count, const void *_Nullable b,
                           size_t b_count);
int64_t naru_read_at(int32_t fd, void *_Nullable bytes, size_t count, int64_t offset);
int64_t naru_write_at(int32_t fd, const void *_Nullable bytes, size_t count, int64_t offset);
int32_t naru_truncate(int32_t fd, int64_t byte_count);
int32_t naru_allocate(int32_t fd, int64_t byte_count);
int32_t naru_sync(int32_t fd);
int32_t naru_try_lock(int32_t fd);
int32_t naru_try_lock_shared(int32_t fd);

/// Waits until one of two descriptors has an event; a negative descriptor is passed over. The events found are written
/// back; the result is the number of descriptors that have some.
int32_t naru_poll_two(int32_t a, int16_t *a_events, int32_t b, int16_t *b_events, uint64_t deadline);

int32_t naru_pipe(int32_t nonblocking, int32_t *reading, int32_t *writing);
int32_t naru_pipe_capacity(int32_t fd);
int32_t naru_set_pipe_capacity(int32_t fd, int32_t byte_count);
/// Gives a pipe the pages of memory instead of a copy, as far as it has room; never blocks, never raises SIGPIPE.
int64_t naru_lend_to_pipe(int32_t fd, const void *bytes, size_t count);

// MARK: File system

int32_t naru_open(const char *path, int32_t flags, uint32_t permissions);
int32_t naru_open_flag(int32_t which);
int32_t naru_status_at(const char *path, int32_t follow, struct naru_status *status);
int32_t naru_make_directory(const char *path, uint32_t permissions);
int32_t naru_remove(const char *path);
int32_t naru_remove_directory(const char *path);
int32_t naru_rename(const char *from, const char *to);
int32_t naru_set_permissions(const char *path, uint32_t permissions);
int32_t naru_make_fifo(const char *path, uint32_t permissions);
int32_t naru_free_space(const char *path, uint64_t *byte_count);
int64_t naru_read_link(const char *path, char *buffer, size_t capacity);
int32_t naru_directory_open(const char *path, void *_Nullable *_Nonnull directory);
/// Writes the next entry's name; 1 while there is one, 0 at the end.
int32_t naru_directory_next(void *directory, char *name, size_t capacity);
void naru_directory_close(void *directory);

// MARK: Memory

int32_t naru_memory_file(const char *name);
int32_t naru_add_seals(int32_t fd, uint32_t seals);
int32_t naru_seals(int32_t fd);
/// Maps shared memory of `fd`, or anonymous memory when `fd` is negative.
int32_t naru_map(int32_t fd, size_t byte_count, int32_t writable, int32_t shared, int32_t prefault,
                 void *_Nullable *_Nonnull base);
int32_t naru_unmap(void *base, size_t byte_count);
int32_t naru_wipe_on_fork(void *base, size_t byte_count);

/// The sum of the 64-bit words of memory that need not be aligned; a rest below 8 bytes is left out.
uint64_t naru_sum_words(const void *_Nullable bytes, size_t count);

/// Copies at least 64 bytes, by loads and stores as wide as the processor has. The two do not overlap.
void naru_copy_lines(void *target, const void *source, size_t count);

// MARK: Waiting

/// 0, -EAGAIN, -ETIMEDOUT, -EINTR or another error.
int32_t naru_futex_wait(const void *word, uint32_t expected, uint64_t deadline);
int32_t naru_futex_wake(const void *word, int32_t count);
int32_t naru_event_counter(void);
int32_t naru_event_counter_signal(int32_t fd);
/// Takes the count without ever blocking, whatever the flags of the descriptor; 0 when there is none.
uint64_t naru_event_counter_drain(int32_t fd);

struct naru_poll_event {
    uint64_t token;
    uint32_t events;
};

#define NARU_POLLER_BATCH 64

int32_t naru_poller(void);
/// `operation`: 0 adds, 1 modifies, 2 removes.
int32_t naru_poller_control(int32_t poller, int32_t operation, int32_t fd, uint64_t token, uint32_t events,
                            int32_t edge, int32_t one_shot);
/// Writes up to `capacity` (at most NARU_POLLER_BATCH) events and returns their number, 0 on time-out.
int32_t naru_poller_wait(int32_t poller, struct naru_poll_event *events, int32_t capacity, uint64_t deadline);

// MARK: Semaphores

struct naru_semaphore_status {
    uint32_t mode;
    uint32_t user_id;
    uint32_t creator_id;
    uint32_t count;
    /// When an operation last succeeded, seconds; 0 when none has.
    int64_t used;
    int32_t value;
    int32_t waiting;
};

/// A System V set of one semaphore: its number. `create` makes it, -EEXIST when there is one.
int32_t naru_semaphore(int32_t key, int32_t create, uint32_t permissions);
/// Adds `amount` to the semaphore, or takes it when negative; `undo`: the kernel takes it back when this process ends.
/// -EAGAIN at the deadline, 0 does not wait; -EIDRM when the set was removed meanwhile.
int32_t naru_semaphore_change(int32_t set, int32_t amount, int32_t undo, uint64_t deadline);
/// Waits until it holds `amount` and changes nothing. As naru_semaphore_change.
int32_t naru_semaphore_await(int32_t set, int32_t amount, uint64_t deadline);
/// An operation that changes nothing, on a semaphore that holds 0: it is ready from then on.
int32_t naru_semaphore_settle(int32_t set);
int32_t naru_semaphore_status_of(int32_t set, struct naru_semaphore_status *status);
int32_t naru_semaphore_remove(int32_t set);

/// A POSIX semaphore by name. `create` makes it, -EEXIST when there is one.
int32_t naru_named_semaphore(const char *name, int32_t create, uint32_t permissions, uint32_t value,
                             void *_Nullable *_Nonnull semaphore);
void naru_named_semaphore_close(void *semaphore);
int32_t naru_named_semaphore_remove(const char *name);
int32_t naru_named_semaphore_post(void *semaphore);
/// -EAGAIN at the deadline, 0 does not wait.
int32_t naru_named_semaphore_wait(void *semaphore, uint64_t deadline);
int32_t naru_named_semaphore_value(void *semaphore);

// MARK: Sockets

struct naru_credentials {
    int32_t process_id;
    uint32_t user_id;
    uint32_t group_id;
};

#define NARU_MAXIMUM_DESCRIPTORS 253

int64_t naru_send_two(int32_t fd, const void *_Nullable a, size_t a_count, const void *_Nullable b, size_t b_count);
int64_t naru_receive(int32_t fd, void *_Nullable bytes, size_t count);
/// Waits for something to receive. -EAGAIN when the socket does not block, -EINTR after a signal.
int64_t naru_receive_blocking(int32_t fd, void *_Nullable bytes, size_t count);
/// `how`: 0 receiving, 1 sending, 2 both.
int32_t naru_shutdown(int32_t fd, int32_t how);
/// `seqpacket`: 0 stream, 1 sequenced packets.
int32_t naru_unix_pair(int32_t seqpacket, int32_t nonblocking, int32_t *a, int32_t *b);
int32_t naru_unix_socket(void);
int32_t naru_unix_bind(int32_t fd, const char *path, uint32_t permissions);
int32_t naru_unix_connect(int32_t fd, const char *path);
/// The same for a name of the abstract namespace, which belongs to the network namespace and to no folder.
int32_t naru_unix_bind_abstract(int32_t fd, const char *name);
int32_t naru_unix_connect_abstract(int32_t fd, const char *name);
int32_t naru_listen(int32_t fd, int32_t backlog);
int32_t naru_accept(int32_t fd);
int64_t naru_send_message(int32_t fd, const void *_Nullable bytes, size_t count,
                          const int32_t *_Nullable descriptors, int32_t descriptor_count, int32_t credentials);
/// Keeps at most `maximum` descriptors and closes the others. When the kernel had to drop some, or the record did not
/// fit into `bytes`, all are closed and the result is -EMFILE or -EMSGSIZE.
int64_t naru_receive_message(int32_t fd, void *_Nullable bytes, size_t count,
                             int32_t *_Nullable descriptors, int32_t maximum, int32_t *received,
                             struct naru_credentials *credentials, int32_t *has_credentials);
int32_t naru_pass_credentials(int32_t fd, int32_t on);
int32_t naru_peer_credentials(int32_t fd, struct naru_credentials *credentials);
int32_t naru_peer_process(int32_t fd);
int32_t naru_is_unix(int32_t fd, int32_t seqpacket);
int32_t naru_set_buffer_bytes(int32_t fd, int32_t receive, int32_t byte_count);
int64_t naru_pending_input(int32_t fd);

// MARK: Message queues

struct naru_queue_status {
    int64_t depth;
    int64_t message_bytes;
    int64_t count;
};

/// POSIX queues, never blocking. Making one is exclusive.
int32_t naru_queue_open(const char *name, int32_t reading, int32_t writing);
int32_t naru_queue_create(const char *name, uint32_t permissions, int64_t depth, int64_t message_bytes);
int32_t naru_queue_unlink(const char *name);
int32_t naru_queue_status_of(int32_t queue, struct naru_queue_status *status);
// The calls for each message, here and below, are made without the library's points of cancellation around them: behind
// a call of the kernel each return that the processor cannot foresee costs some nanoseconds.
static inline int64_t naru_queue_call(
    long call, int32_t queue, const void *_Nullable bytes, size_t count, long fourth, long fifth) {
    long result;
    do result = syscall(call, queue, bytes, count, fourth, fifth);
    while (result == -1 && errno == EINTR);
    return result == -1 ? -errno : result;
}
// With a time that is long past, so that a call does not block even where somebody who has the same open queue has
// taken the flag away that says so.
static inline int32_t naru_queue_send(
    int32_t queue, const void *_Nullable bytes, size_t count, uint32_t priority) {
    struct timespec past = {0, 0};
    int64_t result = naru_queue_call(SYS_mq_timedsend, queue, bytes, count, priority, (long)&past);
    return result == -ETIMEDOUT ? -EAGAIN : (int32_t)result;
}
static inline int64_t naru_queue_receive(int32_t queue, void *bytes, size_t count, uint32_t *priority) {
    struct timespec past = {0, 0};
    int64_t result = naru_queue_call(SYS_mq_timedreceive, queue, bytes, count, (long)priority, (long)&past);
    return result == -ETIMEDOUT ? -EAGAIN : result;
}
/// The memory that one user's POSIX queues may take; UINT64_MAX: no limit.
int32_t naru_queue_memory_limit(uint64_t *soft, uint64_t *hard);

struct naru_sysv_queue_status {
    uint64_t byte_count;
    uint64_t capacity;
    uint64_t count;
    uint32_t user_id;
    uint32_t mode;
};

/// System V queues, never blocking. A message begins with its type, eight bytes that `count` does not count.
int32_t naru_sysv_queue(int32_t key, int32_t create, uint32_t permissions);
int32_t naru_sysv_queue_status_of(int32_t queue, struct naru_sysv_queue_status *status);
int32_t naru_sysv_queue_remove(int32_t queue);
static inline int32_t naru_sysv_queue_send(int32_t queue, const void *message, size_t count) {
    return (int32_t)naru_queue_call(SYS_msgsnd, queue, message, count, IPC_NOWAIT, 0);
}
static inline int64_t naru_sysv_queue_receive(int32_t queue, void *message, size_t count, int64_t type) {
    return naru_queue_call(SYS_msgrcv, queue, message, count, (long)type, IPC_NOWAIT);
}

// MARK: Internet sockets

/// An address and a port of version 4 (the first four bytes count) or 6.
struct naru_inet {
    uint8_t bytes[16];
    uint32_t scope;
    uint16_t port;
    uint8_t version;
};

int32_t naru_inet_socket(int32_t version);
int32_t naru_inet_bind(int32_t fd, const struct naru_inet *address);
int32_t naru_inet_connect(int32_t fd, const struct naru_inet *address);
/// The socket's own address, or its peer's.
int32_t naru_inet_name(int32_t fd, int32_t peer, struct naru_inet *address);
/// Reads an address written in numbers, of version 6 with `%interface` where it needs one: 1, or 0 when it is none.
int32_t naru_inet_parse(const char *text, struct naru_inet *address);
/// Writes the address, without the port, NUL-terminated.
int32_t naru_inet_text(const struct naru_inet *address, char *buffer, size_t capacity);
/// Looks a name up; blocks. How many addresses were found, or -errno, or -1000 and the resolver's own number.
int32_t naru_inet_resolve(const char *name, uint16_t port, struct naru_inet *found, int32_t capacity);
/// The resolver's words for its own (negative) number.
const char *_Nonnull naru_inet_resolver_text(int32_t number);
/// The user of this host's TCP socket that has these addresses; where the remote's port is 0, of the one that listens
/// at the other. 0, or -errno: -ENOENT when there is none in this network namespace.
int32_t naru_inet_owner(const struct naru_inet *local, const struct naru_inet *remote, uint32_t *user_id);
/// The error that a socket keeps, as a positive number, which is taken with it; 0 for none.
int32_t naru_socket_error(int32_t fd);
int32_t naru_set_reuse_address(int32_t fd);
int32_t naru_set_both_versions(int32_t fd, int32_t on);
int32_t naru_tcp_set_no_delay(int32_t fd);
int32_t naru_tcp_set_keep_alive(int32_t fd, int32_t idle_seconds, int32_t interval_seconds, int32_t count);
int32_t naru_tcp_set_user_timeout(int32_t fd, int32_t milliseconds);
/// Whether it is a TCP socket.
int32_t naru_is_tcp(int32_t fd);

// MARK: Processes and threads

int32_t naru_process_open(int32_t process_id);
int32_t naru_process_signal(int32_t pidfd, int32_t signal);
/// 1 and the status when the process has ended and its status is known; 0 when it has not or is not known.
int32_t naru_process_info_status(int32_t pidfd, int32_t *exit_code, int32_t *signal);
/// The same for a child of this process; `reap` also releases it. -ECHILD when it is none.
int32_t naru_process_wait(int32_t pidfd, int32_t reap, int32_t *exit_code, int32_t *signal);
/// Starts a program whose descriptor `targets[i]` is a copy of `sources[i]`, and opens its handle; when that fails the
/// program is killed again. `environment` NULL: this process's own.
int32_t naru_spawn(const char *path, char *_Nullable const *_Nonnull arguments,
                   char *_Nullable const *_Nullable environment, const int32_t *_Nullable sources,
                   const int32_t *_Nullable targets, int32_t count, int32_t *process_id, int32_t *pidfd);

int32_t naru_thread_start(const char *name, void (*body)(void *context), void *context, uintptr_t *thread);
int32_t naru_thread_join(uintptr_t thread);
void naru_thread_detach(uintptr_t thread);
uintptr_t naru_thread_self(void);
/// One pointer for each thread, NULL at first.
void *_Nullable naru_thread_value(void);
void naru_set_thread_value(void *_Nullable value);

// MARK: Host

int32_t naru_process_id(void);
uint32_t naru_user_id(void);
int64_t naru_page_bytes(void);
/// The cores that are online, whatever this process may run on.
int32_t naru_core_count(void);
int32_t naru_descriptor_limit(uint64_t *soft, uint64_t *hard);
/// `which`: 0 the kernel's release, 1 the machine, 2 the host's name.
int32_t naru_host_text(int32_t which, char *buffer, size_t capacity);
int32_t naru_working_directory(char *buffer, size_t capacity);
const char *_Nullable naru_environment(const char *name);
/// The n-th entry, `NAME=value`; NULL after the last.
const char *_Nullable naru_environment_entry(size_t index);
void naru_error_text(int32_t error, char *buffer, size_t capacity);

#pragma clang assume_nonnull end

#endif

// SPDX-License-Identifier: GPL-2.0-or-later
// The same through io_uring: the kernel's own threads send then, for the process.
#pragma once

#include <linux/io_uring.h>
#include <sys/mman.h>

#include "contact_udp.h"

struct Ring {
    long fd;
    unsigned flags;
    unsigned *tail, *mask, *array, *done_head, *done_tail, *ring_flags;
    struct io_uring_sqe* entries;
    struct io_uring_cqe* done;
    unsigned* done_mask;
};

static void* map_ring(long fd, long length, long offset) {
    return (void*)call6(SYS_mmap, 0, length, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_POPULATE, fd,
                        offset);
}

static int open_ring(struct Ring* ring, unsigned flags) {
    struct io_uring_params params = {.flags = flags, .sq_thread_idle = 1000};
    ring->fd = call3(SYS_io_uring_setup, 4, (long)&params, 0);
    if (ring->fd < 0) return (int)-ring->fd;
    ring->flags = flags;
    char* sq = map_ring(ring->fd, params.sq_off.array + params.sq_entries * 4, IORING_OFF_SQ_RING);
    char* cq = map_ring(ring->fd, params.cq_off.cqes + params.cq_entries * 16, IORING_OFF_CQ_RING);
    ring->entries = map_ring(ring->fd, params.sq_entries * 64, IORING_OFF_SQES);
    ring->tail = (unsigned*)(sq + params.sq_off.tail);
    ring->mask = (unsigned*)(sq + params.sq_off.ring_mask);
    ring->array = (unsigned*)(sq + params.sq_off.array);
    ring->ring_flags = (unsigned*)(sq + params.sq_off.flags);
    ring->done_head = (unsigned*)(cq + params.cq_off.head);
    ring->done_tail = (unsigned*)(cq + params.cq_off.tail);
    ring->done_mask = (unsigned*)(cq + params.cq_off.ring_mask);
    ring->done = (struct io_uring_cqe*)(cq + params.cq_off.cqes);
    return 0;
}

// One request to its end: its result.
static long perform(struct Ring* ring, const struct io_uring_sqe* wanted) {
    const unsigned tail = *ring->tail;
    const unsigned slot = tail & *ring->mask;
    ring->entries[slot] = *wanted;
    ring->array[slot] = slot;
    __atomic_store_n(ring->tail, tail + 1, __ATOMIC_RELEASE);
    unsigned flags = IORING_ENTER_GETEVENTS;
    __atomic_thread_fence(__ATOMIC_SEQ_CST);
    if (ring->flags & IORING_SETUP_SQPOLL &&
        __atomic_load_n(ring->ring_flags, __ATOMIC_ACQUIRE) & IORING_SQ_NEED_WAKEUP)
        flags |= IORING_ENTER_SQ_WAKEUP;
    const long entered = call6(SYS_io_uring_enter, ring->fd, 1, 1, flags, 0, 0);
    if (entered < 0) return entered;
    const unsigned head = *ring->done_head;
    if (head == __atomic_load_n(ring->done_tail, __ATOMIC_ACQUIRE)) return -EIO;
    return ring->done[head & *ring->done_mask].res;
}

// `async`: IOSQE_ASYNC hands the request to a worker thread at once.
static int ring_send(struct Target* target, unsigned flags, int async) {
    struct Ring ring;
    struct iovec data = {(void*)message, sizeof message - 1};
    struct msghdr header = {.msg_name = &target->address, .msg_namelen = target->length,
                            .msg_iov = &data, .msg_iovlen = 1};
    const long fd = udp_socket(target, 0, 0);
    const int opened = open_ring(&ring, flags);
    if (fd < 0 || opened) return fd < 0 ? (int)-fd : opened;
    const struct io_uring_sqe request = {.opcode = IORING_OP_SENDMSG, .fd = (int)fd,
                                         .addr = (uint64_t)&header, .len = 1,
                                         .flags = async ? IOSQE_ASYNC : 0};
    return status(perform(&ring, &request));
}

static int contact_ring_send(struct Target* target) { return ring_send(target, 0, 0); }
static int contact_ring_worker(struct Target* target) { return ring_send(target, 0, 1); }
static int contact_ring_poll(struct Target* target) {
    return ring_send(target, IORING_SETUP_SQPOLL, 0);
}

static int ring_connect(struct Target* target, unsigned flags, int async) {
    struct Ring ring;
    const long fd = open_socket(target->family, SOCK_STREAM, 0);
    const int opened = open_ring(&ring, flags);
    if (fd < 0 || opened) return fd < 0 ? (int)-fd : opened;
    const struct io_uring_sqe request = {.opcode = IORING_OP_CONNECT, .fd = (int)fd,
                                         .addr = (uint64_t)&target->address,
                                         .off = target->length, .flags = async ? IOSQE_ASYNC : 0};
    return status(perform(&ring, &request));
}

static int contact_ring_connect(struct Target* target) { return ring_connect(target, 0, 1); }
static int contact_ring_poll_connect(struct Target* target) {
    return ring_connect(target, IORING_SETUP_SQPOLL, 0);
}

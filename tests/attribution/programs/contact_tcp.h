// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include "target.h"

#define MSG_FASTOPEN_FLAG 0x20000000

static int tcp_connect_on(long fd, struct Target* target) {
    const struct { long seconds, us; } limit = {BOUND_MS / 1000, 0};
    if (fd < 0) return (int)-fd;
    set_option(fd, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof limit);
    return status(connect_to(fd, target));
}

static int contact_connect(struct Target* target) {
    return tcp_connect_on(open_socket(target->family, SOCK_STREAM, 0), target);
}

static int contact_connect_nb(struct Target* target) {
    const long fd = open_socket(target->family, SOCK_STREAM | SOCK_NONBLOCK, 0);
    if (fd < 0) return (int)-fd;
    const long result = connect_to(fd, target);
    return result == -EINPROGRESS ? 0 : status(result);
}

// From a source port that the program chose.
static long bind_own_port(long fd, const struct Target* target) {
    struct Target own = {.family = target->family, .length = target->length};
    if (fd < 0) return fd;
    own.address.any.sa_family = (sa_family_t)target->family;
    set_port(&own, (uint16_t)(10000 + call3(SYS_getpid, 0, 0, 0) % 20000));
    set_flag(fd, SOL_SOCKET, SO_REUSEADDR, 1);
    return call3(SYS_bind, fd, (long)&own.address, own.length);
}

static int contact_connect_bound(struct Target* target) {
    const long fd = open_socket(target->family, SOCK_STREAM, 0);
    const long bound = bind_own_port(fd, target);
    return bound < 0 ? (int)-bound : tcp_connect_on(fd, target);
}

static int contact_mptcp(struct Target* target) {
    return tcp_connect_on(open_socket(target->family, SOCK_STREAM, 262), target);
}

// The first data goes with the SYN, and there is no connect().
static int contact_fastopen(struct Target* target) {
    const long fd = open_socket(target->family, SOCK_STREAM | SOCK_NONBLOCK, 0);
    if (fd < 0) return (int)-fd;
    const long sent = send_to(fd, target, message, sizeof message - 1, MSG_FASTOPEN_FLAG);
    return sent == -EINPROGRESS ? 0 : status(sent);
}

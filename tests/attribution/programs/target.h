// SPDX-License-Identifier: GPL-2.0-or-later
// Where a contact goes, and sockets for it.
#pragma once

#include "../../kernel/programs/address.h"

enum { PORT = 7, BOUND_MS = 10000 };

struct Target {
    int family;
    uint8_t v4[4];  // if the peer is spoken to in IPv4
    uint8_t v6[16];
    int is_v4;
    union {
        struct sockaddr any;
        struct sockaddr_in v4;
        struct sockaddr_in6 v6;
    } address;
    socklen_t length;
};

static const char message[] = "doorward";

static void set_port(struct Target* target, uint16_t port) {
    if (target->family == AF_INET) target->address.v4.sin_port = htons(port);
    else target->address.v6.sin6_port = htons(port);
}

// `mapped`: an IPv6 socket that speaks to an IPv4 address.
static int make_target(struct Target* target, const char* text, int mapped) {
    target->is_v4 = parse_v4(text, target->v4);
    if (!target->is_v4 && (mapped || !parse_v6(text, target->v6))) return 0;
    if (target->is_v4 && !mapped) {
        target->family = AF_INET;
        target->length = sizeof target->address.v4;
        target->address.v4.sin_family = AF_INET;
        memcpy(&target->address.v4.sin_addr, target->v4, 4);
    } else {
        if (mapped) {
            memset(target->v6, 0, 16);
            target->v6[10] = target->v6[11] = 0xff;
            memcpy(target->v6 + 12, target->v4, 4);
        }
        target->family = AF_INET6;
        target->length = sizeof target->address.v6;
        target->address.v6.sin6_family = AF_INET6;
        memcpy(&target->address.v6.sin6_addr, target->v6, 16);
    }
    set_port(target, PORT);
    return 1;
}

// The next address: contacts of several destinations go to consecutive ones.
static void advance(struct Target* target) {
    uint8_t* last = target->family == AF_INET ? (uint8_t*)&target->address.v4.sin_addr + 3
                                              : target->address.v6.sin6_addr.s6_addr + 15;
    while (++*last == 0) last--;
}

static long open_socket(int family, int type, int protocol) {
    return call3(SYS_socket, family, type | SOCK_CLOEXEC, protocol);
}

static long set_option(long fd, int level, int name, const void* value, long length) {
    return call6(SYS_setsockopt, fd, level, name, (long)value, length, 0);
}

static long set_flag(long fd, int level, int name, int value) {
    return set_option(fd, level, name, &value, sizeof value);
}

static long connect_to(long fd, const struct Target* target) {
    return call3(SYS_connect, fd, (long)&target->address, target->length);
}

static long send_to(long fd, const struct Target* target, const void* data, long length, int flags) {
    return call6(SYS_sendto, fd, (long)data, length, flags, (long)&target->address, target->length);
}

static long send_on(long fd, const void* data, long length, int flags) {
    return call6(SYS_sendto, fd, (long)data, length, flags, 0, 0);
}

// A system call's result as an exit status.
static int status(long result) { return result < 0 ? (int)-result : 0; }

// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <linux/udp.h>
#include <sys/uio.h>

#include "contact_tcp.h"

enum { SEVERAL = 4 };

static long udp_socket(const struct Target* target, int connected, int protocol) {
    const long fd = open_socket(target->family, SOCK_DGRAM, protocol);
    if (fd < 0 || !connected) return fd;
    const long result = connect_to(fd, target);
    return result < 0 ? result : fd;
}

static int contact_send(struct Target* target) {
    const long fd = udp_socket(target, 0, 0);
    return fd < 0 ? (int)-fd : status(send_to(fd, target, message, sizeof message - 1, 0));
}

static int contact_send_bound(struct Target* target) {
    const long fd = udp_socket(target, 0, 0);
    const long bound = bind_own_port(fd, target);
    return bound < 0 ? (int)-bound : status(send_to(fd, target, message, sizeof message - 1, 0));
}

static int contact_send_connected(struct Target* target) {
    const long fd = udp_socket(target, 1, 0);
    return fd < 0 ? (int)-fd : status(send_on(fd, message, sizeof message - 1, 0));
}

static int contact_udplite(struct Target* target) {
    const long fd = udp_socket(target, 0, IPPROTO_UDPLITE);
    return fd < 0 ? (int)-fd : status(send_to(fd, target, message, sizeof message - 1, 0));
}

static int contact_udplite_connected(struct Target* target) {
    const long fd = udp_socket(target, 1, IPPROTO_UDPLITE);
    return fd < 0 ? (int)-fd : status(send_on(fd, message, sizeof message - 1, 0));
}

static int contact_sendmsg(struct Target* target) {
    const long fd = udp_socket(target, 0, 0);
    struct iovec data = {(void*)message, sizeof message - 1};
    struct msghdr header = {.msg_name = &target->address, .msg_namelen = target->length,
                            .msg_iov = &data, .msg_iovlen = 1};
    return fd < 0 ? (int)-fd : status(call3(SYS_sendmsg, fd, (long)&header, 0));
}

static int contact_sendmmsg(struct Target* target) {
    struct Target each[SEVERAL];
    struct iovec data = {(void*)message, sizeof message - 1};
    struct { struct msghdr header; unsigned length; } batch[SEVERAL];
    const long fd = udp_socket(target, 0, 0);
    if (fd < 0) return (int)-fd;
    memset(batch, 0, sizeof batch);
    for (int i = 0; i < SEVERAL; i++, advance(target)) {
        each[i] = *target;
        batch[i].header.msg_name = &each[i].address;
        batch[i].header.msg_namelen = each[i].length;
        batch[i].header.msg_iov = &data;
        batch[i].header.msg_iovlen = 1;
    }
    const long sent = call6(SYS_sendmmsg, fd, (long)batch, SEVERAL, 0, 0, 0);
    return sent == SEVERAL ? 0 : sent < 0 ? (int)-sent : EIO;
}

static int contact_several(struct Target* target) {
    const long fd = udp_socket(target, 0, 0);
    if (fd < 0) return (int)-fd;
    for (int i = 0; i < SEVERAL; i++, advance(target)) {
        const long sent = send_to(fd, target, message, sizeof message - 1, 0);
        if (sent < 0) return (int)-sent;
    }
    return 0;
}

static int contact_writev(struct Target* target) {
    struct iovec data[2] = {{(void*)message, 4}, {(void*)(message + 4), 4}};
    const long fd = udp_socket(target, 1, 0);
    return fd < 0 ? (int)-fd : status(call3(SYS_writev, fd, (long)data, 2));
}

static int contact_splice(struct Target* target) {
    int pipe[2];
    const long fd = udp_socket(target, 1, 0);
    if (fd < 0) return (int)-fd;
    const long made = call3(SYS_pipe2, (long)pipe, 0, 0);
    if (made < 0) return (int)-made;
    call3(SYS_write, pipe[1], (long)message, sizeof message - 1);
    return status(call6(SYS_splice, pipe[0], 0, fd, 0, sizeof message - 1, 0));
}

static int contact_sendfile(struct Target* target) {
    const long fd = udp_socket(target, 1, 0);
    const long file = call3(SYS_open, (long)"/proc/self/exe", O_RDONLY, 0);
    if (fd < 0 || file < 0) return (int)-(fd < 0 ? fd : file);
    return status(call6(SYS_sendfile, fd, file, 0, 64, 0, 0));
}

// Two sends that leave as one datagram, when the second one takes the cork out.
static int contact_cork(struct Target* target) {
    const long fd = udp_socket(target, 0, 0);
    if (fd < 0) return (int)-fd;
    const long first = send_to(fd, target, message, 4, MSG_MORE);
    return first < 0 ? (int)-first : status(send_to(fd, target, message + 4, 4, 0));
}

// One send that the kernel cuts into three datagrams.
static int contact_gso(struct Target* target) {
    static char data[3000];
    const long fd = udp_socket(target, 0, 0);
    if (fd < 0) return (int)-fd;
    const long set = set_flag(fd, IPPROTO_UDP, UDP_SEGMENT, 1000);
    return set < 0 ? (int)-set : status(send_to(fd, target, data, sizeof data, 0));
}

// SPDX-License-Identifier: GPL-2.0-or-later
// Makes one contact and exits.
//
// usage: connect1 KIND ADDRESS PORT [--nonblock] [--exit-at-once] [--wait MS]
//   KIND   tcp4 tcp6 tcp6mapped   connect
//          udp4 udp6 udp6mapped   sendto from a fresh, unbound socket
//          udpconn4 udpconn6      connect, then send
//   …mapped: an IPv6 socket that talks to an IPv4 ADDRESS
//   --nonblock       the socket is non-blocking: a TCP connect is begun and not waited for
//   --exit-at-once   do not wait for an answer to a datagram
//   --wait MS        how long to wait for a connection or an answer (default 10000)
// Exit status: 0 connected, or answered, or sent without waiting; else the errno, which is
// ETIMEDOUT (110) where nothing came in time. 200: wrong usage.
#include "address.h"

struct Target {
    int family;
    int type;
    int connects;  // before it sends
    union {
        struct sockaddr any;
        struct sockaddr_in v4;
        struct sockaddr_in6 v6;
    } address;
    socklen_t length;
};

struct Options {
    int nonblock;
    int exit_at_once;
    uint16_t wait_ms;
};

static const char message[] = "doorward";

static int fill_v4(struct Target* target, const char* address, uint16_t port) {
    uint8_t bytes[4];
    if (!parse_v4(address, bytes)) return 0;
    target->family = AF_INET;
    target->address.v4.sin_family = AF_INET;
    target->address.v4.sin_port = htons(port);
    memcpy(&target->address.v4.sin_addr, bytes, 4);
    target->length = sizeof target->address.v4;
    return 1;
}

static int fill_v6(struct Target* target, const char* address, uint16_t port, int mapped) {
    uint8_t bytes[16] = {[10] = 0xff, [11] = 0xff};
    if (!(mapped ? parse_v4(address, bytes + 12) : parse_v6(address, bytes))) return 0;
    target->family = AF_INET6;
    target->address.v6.sin6_family = AF_INET6;
    target->address.v6.sin6_port = htons(port);
    memcpy(&target->address.v6.sin6_addr, bytes, 16);
    target->length = sizeof target->address.v6;
    return 1;
}

static int parse_target(struct Target* target, const char* kind, const char* address,
                        const char* port_text) {
    uint16_t port;
    if (!parse_port(port_text, &port)) return 0;
    target->type = kind[0] == 't' ? SOCK_STREAM : SOCK_DGRAM;
    target->connects = same(kind, "udpconn4") || same(kind, "udpconn6") || kind[0] == 't';
    if (same(kind, "tcp4") || same(kind, "udp4") || same(kind, "udpconn4"))
        return fill_v4(target, address, port);
    if (same(kind, "tcp6") || same(kind, "udp6") || same(kind, "udpconn6"))
        return fill_v6(target, address, port, 0);
    if (same(kind, "tcp6mapped") || same(kind, "udp6mapped"))
        return fill_v6(target, address, port, 1);
    return 0;
}

// Waits for `events` on the socket: 0, or ETIMEDOUT.
static int wait_for(long fd, short events, uint16_t wait_ms) {
    struct pollfd poll = {.fd = (int)fd, .events = events};
    long ready = call3(SYS_poll, (long)&poll, 1, wait_ms);
    return ready > 0 ? 0 : ready == 0 ? ETIMEDOUT : (int)-ready;
}

static int socket_error(long fd) {
    int error = 0;
    socklen_t length = sizeof error;
    long result = call6(SYS_getsockopt, fd, SOL_SOCKET, SO_ERROR, (long)&error, (long)&length, 0);
    return result < 0 ? (int)-result : error;
}

static int contact_tcp(long fd, const struct Target* target, const struct Options* options) {
    long result = call3(SYS_connect, fd, (long)&target->address, target->length);
    if (result == 0) return 0;
    if (result != -EINPROGRESS) return (int)-result;
    if (options->nonblock) return 0;
    int error = wait_for(fd, POLLOUT, options->wait_ms);
    return error ? error : socket_error(fd);
}

static int contact_udp(long fd, const struct Target* target, const struct Options* options) {
    const struct sockaddr* to = target->connects ? NULL : &target->address.any;
    if (target->connects) {
        long result = call3(SYS_connect, fd, (long)&target->address, target->length);
        if (result < 0) return (int)-result;
    }
    long sent = call6(SYS_sendto, fd, (long)message, sizeof message - 1, 0, (long)to,
                      to ? target->length : 0);
    if (sent < 0) return (int)-sent;
    if (options->exit_at_once) return 0;
    int error = wait_for(fd, POLLIN, options->wait_ms);
    if (error) return error;
    char answer[sizeof message];
    long got = call6(SYS_recvfrom, fd, (long)answer, sizeof answer, MSG_DONTWAIT, 0, 0);
    return got < 0 ? (int)-got : 0;
}

static int parse_options(struct Options* options, int argc, char** argv) {
    for (int i = 4; i < argc; i++) {
        if (same(argv[i], "--nonblock")) options->nonblock = 1;
        else if (same(argv[i], "--exit-at-once")) options->exit_at_once = 1;
        else if (!same(argv[i], "--wait") || ++i == argc || !parse_port(argv[i], &options->wait_ms))
            return 0;
    }
    return 1;
}

int run(int argc, char** argv) {
    struct Target target = {0};
    struct Options options = {.wait_ms = 10000};
    if (argc < 4 || !parse_target(&target, argv[1], argv[2], argv[3])) return 200;
    if (!parse_options(&options, argc, argv)) return 200;
    // A blocking TCP connect would wait for minutes: non-blocking, and wait_for() bounds it.
    int flags = options.nonblock || target.type == SOCK_STREAM ? SOCK_NONBLOCK : 0;
    long fd = call3(SYS_socket, target.family, target.type | flags, 0);
    if (fd < 0) return (int)-fd;
    return target.type == SOCK_STREAM ? contact_tcp(fd, &target, &options)
                                      : contact_udp(fd, &target, &options);
}

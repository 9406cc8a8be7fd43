// SPDX-License-Identifier: GPL-2.0-or-later
// The ways in which leak-load tries to get a packet out. Each makes one attempt and gives 0 or an errno.
#pragma once

#include <arpa/inet.h>
#include <errno.h>
#include <net/if.h>
#include <netinet/in.h>
#include <netpacket/packet.h>
#include <spawn.h>
#include <stdint.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

enum { first_port = 2000, ports = 500, hosts = 200, connect_us = 5000, experiment = 253 };

struct Way {
    int family;
    struct sockaddr_storage to;
    socklen_t length;
    unsigned link;
    uint64_t number;  // of the attempt
    int kept;         // the socket of those who keep one; -1: none yet
    char** command;
};

static const char payload[] = "forbidden";

// Neighbouring addresses in turn, so that tuples differ and a verdict is not always the same flow's.
static void aim(struct Way* way) {
    const uint8_t host = (uint8_t)(1 + way->number % hosts);
    const uint16_t port = htons((uint16_t)(first_port + way->number % ports));
    if (way->family == AF_INET) {
        struct sockaddr_in* to = (struct sockaddr_in*)&way->to;
        ((uint8_t*)&to->sin_addr)[3] = host;
        to->sin_port = port;
    } else {
        struct sockaddr_in6* to = (struct sockaddr_in6*)&way->to;
        to->sin6_addr.s6_addr[15] = host;
        to->sin6_port = port;
    }
}

static int open_for(const struct Way* way, int type, int protocol) {
    return socket(way->family, type | SOCK_CLOEXEC, protocol);
}

static int connect_once(struct Way* way, int flags) {
    const int fd = open_for(way, SOCK_STREAM | flags, 0);
    if (fd < 0) return errno;
    const struct timeval bound = {.tv_usec = connect_us};
    setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &bound, sizeof bound);
    const int error = connect(fd, (struct sockaddr*)&way->to, way->length) == 0 ? EISCONN : errno;
    close(fd);
    return error;
}

static int try_tcp(struct Way* way) { return connect_once(way, 0); }
static int try_tcp_nb(struct Way* way) { return connect_once(way, SOCK_NONBLOCK); }

static int send_and_close(struct Way* way, int fd, const void* data, size_t size) {
    if (fd < 0) return errno;
    const ssize_t sent = sendto(fd, data, size, 0, (struct sockaddr*)&way->to, way->length);
    const int error = sent < 0 ? errno : 0;
    close(fd);
    return error;
}

static int try_udp(struct Way* way) {
    return send_and_close(way, open_for(way, SOCK_DGRAM, 0), payload, sizeof payload);
}

static int open_connected(struct Way* way) {
    way->kept = open_for(way, SOCK_DGRAM, 0);
    if (way->kept < 0) return errno;
    if (connect(way->kept, (struct sockaddr*)&way->to, way->length) == 0) return 0;
    const int error = errno;
    close(way->kept);
    way->kept = -1;
    return error;
}

// One socket for as long as it can send: what waits for a verdict takes up its buffer. A failure may also be that
// of an earlier datagram: then none was sent.
static int try_udp_connected(struct Way* way) {
    for (int again = 0; again < 3; again++) {
        const int failed = way->kept < 0 ? open_connected(way) : 0;
        if (failed) return failed;
        if (send(way->kept, payload, sizeof payload, MSG_DONTWAIT) >= 0) return 0;
        if (errno != EAGAIN) continue;
        close(way->kept);
        way->kept = -1;
    }
    return errno;
}

static void without_port(struct Way* way) {
    if (way->family == AF_INET) ((struct sockaddr_in*)&way->to)->sin_port = 0;
    else ((struct sockaddr_in6*)&way->to)->sin6_port = 0;
}

struct EchoRequest {
    uint8_t type, code;
    uint16_t checksum, id, sequence;
    uint8_t data[8];
};

static int try_ping(struct Way* way) {
    const int v4 = way->family == AF_INET;
    struct EchoRequest request = {.type = v4 ? 8 : 128, .sequence = (uint16_t)way->number};
    without_port(way);
    return send_and_close(way, open_for(way, SOCK_DGRAM, v4 ? IPPROTO_ICMP : IPPROTO_ICMPV6), &request,
                          sizeof request);
}

// A protocol for experiments: no ports.
static int try_raw(struct Way* way) {
    without_port(way);
    return send_and_close(way, open_for(way, SOCK_RAW, experiment), payload, sizeof payload);
}

struct Forged {
    uint8_t version, tos;
    uint16_t length, id, fragment;
    uint8_t ttl, protocol;
    uint16_t checksum;
    uint8_t source[4], destination[4];
    uint16_t source_port, destination_port, udp_length, udp_checksum;
    uint8_t data[8];
};

static struct Forged forge(const struct Way* way) {
    struct Forged packet = {.version = 0x45, .length = htons(sizeof packet), .ttl = 64,
                            .protocol = IPPROTO_UDP, .udp_length = htons(16)};
    packet.source_port = htons((uint16_t)(first_port + way->number % 60000));
    packet.destination_port = htons(7);
    memcpy(packet.destination, &((const struct sockaddr_in*)&way->to)->sin_addr, 4);
    return packet;
}

// Writes its own headers, and takes the source ports of others.
static int try_forged(struct Way* way) {
    const struct Forged packet = forge(way);
    return send_and_close(way, open_for(way, SOCK_RAW, IPPROTO_RAW), &packet, sizeof packet);
}

// A frame: past netfilter, through tc.
static int try_packet(struct Way* way) {
    struct Forged packet = forge(way);
    struct sockaddr_ll to = {.sll_family = AF_PACKET, .sll_protocol = htons(0x0800), .sll_halen = 6,
                             .sll_ifindex = (int)way->link, .sll_addr = {2, 1, 1, 1, 1, 1}};
    const int fd = socket(AF_PACKET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (fd < 0) return errno;
    const ssize_t sent = sendto(fd, &packet, sizeof packet, 0, (struct sockaddr*)&to, sizeof to);
    const int error = sent < 0 ? errno : 0;
    close(fd);
    return error;
}

// A program that sends once and is gone.
static int try_exec(struct Way* way) {
    static char* const environment[] = {NULL};
    pid_t pid;
    int status;
    const int error = posix_spawn(&pid, way->command[0], NULL, NULL, way->command, environment);
    if (error != 0) return error;
    if (waitpid(pid, &status, 0) < 0) return errno;
    return WIFEXITED(status) ? WEXITSTATUS(status) : ECHILD;
}

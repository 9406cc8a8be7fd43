// SPDX-License-Identifier: GPL-2.0-or-later
// Ping, raw and packet sockets. A raw packet's source address is the host's own, given in argv.
#pragma once

#include "target.h"

struct Echo {
    uint8_t type, code;
    uint16_t checksum, id, sequence;
    uint8_t data[8];
};

static uint16_t sum(const void* bytes, int length) {
    const uint8_t* at = bytes;
    uint32_t total = 0;
    for (int i = 0; i < length; i += 2) total += (uint32_t)(at[i] << 8 | at[i + 1]);
    while (total >> 16) total = (total & 0xffff) + (total >> 16);
    return htons((uint16_t)~total);
}

static int echo(struct Target* target, int type) {
    const int v4 = target->family == AF_INET;
    const long fd = open_socket(target->family, type, v4 ? IPPROTO_ICMP : IPPROTO_ICMPV6);
    struct Echo request = {.type = v4 ? 8 : 128, .id = htons(99), .sequence = htons(1)};
    if (fd < 0) return (int)-fd;
    if (v4) request.checksum = sum(&request, sizeof request);  // of ICMPv6 the kernel makes it
    set_port(target, 0);  // raw IPv6 sockets take a port for a protocol
    return status(send_to(fd, target, &request, sizeof request, 0));
}

static int contact_ping(struct Target* target) { return echo(target, SOCK_DGRAM); }
static int contact_raw_ping(struct Target* target) { return echo(target, SOCK_RAW); }

// An experimental protocol (RFC 3692): no ports.
static int contact_raw_other(struct Target* target) {
    const long fd = open_socket(target->family, SOCK_RAW, 253);
    set_port(target, 0);
    return fd < 0 ? (int)-fd : status(send_to(fd, target, message, sizeof message - 1, 0));
}

// Writes its own headers, with a source port that another program may be using.
static int contact_forged_udp(struct Target* target) {
    struct {
        uint8_t version, tos;
        uint16_t length, id, fragment;
        uint8_t ttl, protocol;
        uint16_t checksum;
        uint8_t source[4], destination[4];
        uint16_t source_port, destination_port, udp_length, udp_checksum;
        uint8_t data[8];
    } packet = {.version = 0x45, .length = htons(36), .ttl = 64, .protocol = IPPROTO_UDP,
                .source_port = htons(4444), .destination_port = htons(PORT),
                .udp_length = htons(16)};
    const long fd = open_socket(AF_INET, SOCK_RAW, IPPROTO_RAW);
    if (fd < 0) return (int)-fd;
    memcpy(packet.destination, target->v4, 4);  // a zero source is filled in by the kernel
    return status(send_to(fd, target, &packet, sizeof packet, 0));
}

static int contact_sctp(struct Target* target) {
    const long fd = open_socket(target->family, SOCK_STREAM | SOCK_NONBLOCK, IPPROTO_SCTP);
    if (fd < 0) return (int)-fd;
    const long result = connect_to(fd, target);
    return result == -EINPROGRESS ? 0 : status(result);
}

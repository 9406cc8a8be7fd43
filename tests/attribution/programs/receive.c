// SPDX-License-Identifier: GPL-2.0-or-later
// Receives, and tells from whom: the truth about inbound flows.
//
// usage: receive (tcp|udp) (4|6|dual) PORT [reuseport]
//        receive given        accepts on descriptor 3
// Says "ready", then for each connection or datagram the other side's port. Ends with its input.
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "must.h"

enum { GIVEN = 3 };

static int open_port(int type, const char* family, int port, int reuse) {
    const int v4 = strcmp(family, "4") == 0;
    const int only6 = strcmp(family, "6") == 0;
    const int one = 1;
    const int fd = (int)must(socket(v4 ? AF_INET : AF_INET6, type, 0), "socket");
    struct sockaddr_in a4 = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
    struct sockaddr_in6 a6 = {.sin6_family = AF_INET6, .sin6_port = htons((uint16_t)port)};
    if (reuse) must(setsockopt(fd, SOL_SOCKET, SO_REUSEPORT, &one, sizeof one), "SO_REUSEPORT");
    if (!v4) must(setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &only6, sizeof only6), "IPV6_V6ONLY");
    must(v4 ? bind(fd, (struct sockaddr*)&a4, sizeof a4) : bind(fd, (struct sockaddr*)&a6, sizeof a6),
         "bind");
    if (type == SOCK_STREAM) must(listen(fd, 4096), "listen");
    return fd;
}

static int port_of(const struct sockaddr_storage* from) {
    return ntohs(from->ss_family == AF_INET ? ((const struct sockaddr_in*)from)->sin_port
                                            : ((const struct sockaddr_in6*)from)->sin6_port);
}

static void receive(int fd, int type) {
    struct sockaddr_storage from;
    socklen_t length = sizeof from;
    char data[64];
    if (type == SOCK_STREAM) {
        const int connection = accept(fd, (struct sockaddr*)&from, &length);
        if (connection < 0) return;
        close(connection);
    } else if (recvfrom(fd, data, sizeof data, 0, (struct sockaddr*)&from, &length) < 0) {
        return;
    }
    printf("%d\n", port_of(&from));
    fflush(stdout);
}

int main(int argc, char** argv) {
    int fd = GIVEN, type = SOCK_STREAM;
    if (argc >= 4) {
        type = strcmp(argv[1], "tcp") == 0 ? SOCK_STREAM : SOCK_DGRAM;
        fd = open_port(type, argv[2], atoi(argv[3]), argc > 4);
    }
    puts("ready");
    fflush(stdout);
    struct pollfd waits[2] = {{.fd = fd, .events = POLLIN}, {.fd = 0, .events = POLLIN}};
    while (poll(waits, 2, -1) > 0) {
        if (waits[1].revents) return 0;
        if (waits[0].revents) receive(fd, type);
    }
    return 1;
}

// SPDX-License-Identifier: GPL-2.0-or-later
// The other end of flow-load: answers on the ports of ports.h, as cheaply as it can. Says "ready" in a
// line of its own, and ends when its standard input does.
//
// usage: flow-peer PORT
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <netinet/in.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include "ports.h"

enum { acceptors = 2, backlog = 65535, most_kept = 2048 };

static unsigned keep;  // connections of each acceptor that are not closed yet

static void die(const char* what) {
    perror(what);
    exit(1);
}

// A socket of its own for each thread: the kernel spreads the flows among those of one port.
static int bound(int type, int port) {
    const int fd = socket(AF_INET, type | SOCK_CLOEXEC, 0);
    const int yes = 1, room = 4 << 20;
    const struct linger reset = {.l_onoff = 1};  // passed on to accepted ones: they leave nothing behind
    const struct sockaddr_in here = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
    if (fd < 0) die("flow-peer: socket");
    setsockopt(fd, SOL_SOCKET, SO_REUSEPORT, &yes, sizeof yes);
    if (type == SOCK_DGRAM) setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &room, sizeof room);
    else setsockopt(fd, SOL_SOCKET, SO_LINGER, &reset, sizeof reset);
    if (bind(fd, (const struct sockaddr*)&here, sizeof here) < 0) die("flow-peer: bind");
    if (type == SOCK_STREAM && listen(fd, backlog) < 0) die("flow-peer: listen");
    return fd;
}

// A connection is closed when so many others have come: a reset before the client has returned from
// connect() would look like a failure of the connection.
static void* accept_all(void* argument) {
    const int listener = (int)(long)argument;
    int kept[most_kept];
    memset(kept, -1, sizeof kept);
    for (unsigned next = 0;; next++) {
        int* place = &kept[next % keep];
        if (*place >= 0) close(*place);
        *place = accept4(listener, NULL, NULL, SOCK_CLOEXEC);
    }
    return NULL;
}

static void* echo_all(void* argument) {
    const int fd = (int)(long)argument;
    char bytes[2048];
    struct sockaddr_in from;
    for (;;) {
        socklen_t length = sizeof from;
        const ssize_t got = recvfrom(fd, bytes, sizeof bytes, 0, (struct sockaddr*)&from, &length);
        if (got >= 0) sendto(fd, bytes, (size_t)got, 0, (const struct sockaddr*)&from, length);
    }
    return NULL;
}

static void* read_all(void* argument) {
    const int fd = (int)(long)argument;
    const size_t size = 256 * 1024;
    char* bytes = malloc(size);
    while (bytes != NULL && recv(fd, bytes, size, 0) > 0) {
    }
    free(bytes);
    close(fd);
    return NULL;
}

static void begin(void* (*function)(void*), int fd) {
    pthread_t thread;
    if (pthread_create(&thread, NULL, function, (void*)(long)fd) != 0) die("flow-peer: thread");
    pthread_detach(thread);
}

static void* take_streams(void* argument) {
    const int listener = (int)(long)argument;
    for (;;) {
        const int fd = accept4(listener, NULL, NULL, SOCK_CLOEXEC);
        if (fd >= 0) begin(read_all, fd);
    }
    return NULL;
}

// As many as the hard limit allows: a client may be kept from its processor for long.
static void allow_files(void) {
    struct rlimit files;
    if (getrlimit(RLIMIT_NOFILE, &files) < 0) die("flow-peer: getrlimit");
    files.rlim_cur = files.rlim_max;
    if (setrlimit(RLIMIT_NOFILE, &files) < 0) die("flow-peer: setrlimit");
    const rlim_t spare = 64;
    const rlim_t each = files.rlim_max > 2 * spare ? (files.rlim_max - spare) / (2 * acceptors) : 1;
    keep = each < most_kept ? (unsigned)each : most_kept;
}

int main(int argc, char** argv) {
    const int port = argc == 2 ? atoi(argv[1]) : 0;
    if (port < 1 || port > 65000) {
        fprintf(stderr, "usage: flow-peer PORT\n");
        return 2;
    }
    allow_files();
    for (int i = 0; i < acceptors; i++) {
        begin(accept_all, bound(SOCK_STREAM, port + port_accept));
        begin(accept_all, bound(SOCK_STREAM, port + port_denied));
    }
    begin(take_streams, bound(SOCK_STREAM, port + port_stream));
    for (int i = 0; i < echo_ports; i++) begin(echo_all, bound(SOCK_DGRAM, port + port_echo + i));
    puts("ready");
    fflush(stdout);
    char byte;
    while (read(STDIN_FILENO, &byte, 1) > 0) {
    }
    return 0;
}

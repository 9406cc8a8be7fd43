// SPDX-License-Identifier: GPL-2.0-or-later
// What is allowed: four flows that stay open, and new ones all the time. Counts what is answered.
//
// usage: leak-keeper ADDRESS4 ADDRESS6 PORT     of echo servers, TCP and UDP
// Each line on standard input is answered with the counts since the one before:
//   {"kept":N,"least":N,"unanswered":N,"longest_ms":N,"broken":N,"made":N,"refused":N}
//   kept: exchanges on the open flows, least: on that with the fewest; unanswered: datagrams; longest_ms:
//   without an exchange on any one;
//   broken: connections lost, ever; made, refused: new flows with an answer, and without
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <limits.h>
#include <netinet/in.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

enum { flows = 4, pause_us = 5000, patience_ms = 500, tcp_patience_ms = 120000, longest_s = 1800 };

struct Server {
    struct sockaddr_storage address;
    socklen_t length;
    int type;
};

static struct Server servers[flows];
static atomic_ulong kept[flows], unanswered, longest_ms, broken, made, refused;

static unsigned long now_ms(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (unsigned long)now.tv_sec * 1000 + (unsigned long)now.tv_nsec / 1000000;
}

static int open_flow(const struct Server* server, int patience) {
    const int fd = socket(server->address.ss_family, server->type | SOCK_CLOEXEC, 0);
    if (fd < 0) return -1;
    const struct timeval bound = {patience / 1000, patience % 1000 * 1000};
    const struct linger reset = {.l_onoff = 1};
    setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &bound, sizeof bound);
    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &bound, sizeof bound);
    // Ports must not run out.
    if (server->type == SOCK_STREAM) setsockopt(fd, SOL_SOCKET, SO_LINGER, &reset, sizeof reset);
    if (connect(fd, (const struct sockaddr*)&server->address, server->length) == 0) return fd;
    close(fd);
    return -1;
}

// A late answer to an earlier datagram is none.
static int exchange(int fd, unsigned number, int wait_ms) {
    char sent[16], got[16];
    snprintf(sent, sizeof sent, "%015u", number);
    if (send(fd, sent, sizeof sent, MSG_NOSIGNAL) != sizeof sent) return 0;
    const unsigned long end = now_ms() + (unsigned long)wait_ms;
    while (now_ms() < end) {
        const ssize_t length = recv(fd, got, sizeof got, MSG_WAITALL);
        if (length == sizeof got && memcmp(sent, got, sizeof got) == 0) return 1;
        if (length <= 0) return 0;
    }
    return 0;
}

static void note_longest(unsigned long ms) {
    unsigned long before = atomic_load(&longest_ms);
    while (ms > before && !atomic_compare_exchange_weak(&longest_ms, &before, ms)) {
    }
}

static void* keep(void* argument) {
    const struct Server* server = argument;
    const int is_tcp = server->type == SOCK_STREAM;
    int fd = open_flow(server, is_tcp ? tcp_patience_ms : patience_ms);
    if (fd < 0) return atomic_fetch_add(&broken, 1), NULL;
    unsigned long last = now_ms();
    for (unsigned number = 0;; number++) {
        if (exchange(fd, number, is_tcp ? tcp_patience_ms : patience_ms)) {
            note_longest(now_ms() - last);
            last = now_ms();
            atomic_fetch_add(&kept[server - servers], 1);
        } else if (is_tcp) {
            return atomic_fetch_add(&broken, 1), NULL;
        } else {
            atomic_fetch_add(&unanswered, 1);
        }
        usleep(pause_us);
    }
}

static void* make(void* unused) {
    (void)unused;
    for (unsigned number = 0;; number++) {
        const int fd = open_flow(&servers[number % flows], patience_ms);
        atomic_fetch_add(fd >= 0 && exchange(fd, number, patience_ms) ? &made : &refused, 1);
        if (fd >= 0) close(fd);
        usleep(pause_us);
    }
    return NULL;
}

static int parse_servers(char** argv) {
    const uint16_t port = htons((uint16_t)atoi(argv[3]));
    for (int i = 0; i < flows; i++) {
        struct sockaddr_in* v4 = (struct sockaddr_in*)&servers[i].address;
        struct sockaddr_in6* v6 = (struct sockaddr_in6*)&servers[i].address;
        servers[i].type = i % 2 ? SOCK_DGRAM : SOCK_STREAM;
        servers[i].length = i < 2 ? sizeof *v4 : sizeof *v6;
        servers[i].address.ss_family = i < 2 ? AF_INET : AF_INET6;
        if (i < 2) v4->sin_port = port;
        else v6->sin6_port = port;
        if (inet_pton(i < 2 ? AF_INET : AF_INET6, argv[i < 2 ? 1 : 2],
                      i < 2 ? (void*)&v4->sin_addr : (void*)&v6->sin6_addr) != 1)
            return 0;
    }
    return 1;
}

static void report(void) {
    unsigned long sum = 0, least = ULONG_MAX;
    for (int i = 0; i < flows; i++) {
        const unsigned long one = atomic_exchange(&kept[i], 0);
        sum += one;
        least = one < least ? one : least;
    }
    printf("{\"kept\":%lu,\"least\":%lu,\"unanswered\":%lu,\"longest_ms\":%lu,\"broken\":%lu,"
           "\"made\":%lu,\"refused\":%lu}\n",
           sum, least, atomic_exchange(&unanswered, 0), atomic_exchange(&longest_ms, 0),
           atomic_load(&broken), atomic_exchange(&made, 0), atomic_exchange(&refused, 0));
}

int main(int argc, char** argv) {
    char line[64];
    pthread_t thread;
    if (argc != 4 || !parse_servers(argv)) {
        fputs("leak-keeper: wrong usage; see the head of leak_keeper.c\n", stderr);
        return 2;
    }
    setvbuf(stdout, NULL, _IOLBF, 0);
    alarm(longest_s);
    for (int i = 0; i < flows; i++)
        if (pthread_create(&thread, NULL, keep, &servers[i]) != 0) return 1;
    if (pthread_create(&thread, NULL, make, NULL) != 0) return 1;
    while (fgets(line, sizeof line, stdin)) report();
    return 0;
}

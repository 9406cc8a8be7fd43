// SPDX-License-Identifier: GPL-2.0-or-later
// Makes it hard to tell who sends: many flows, many processes, an exec while another thread sends.
//
// usage: attack flows COUNT ADDRESS      so many datagrams, each from a new socket
//        attack children COUNT ADDRESS   so many processes, one after the other, which send one each
//        attack race FIRST COUNT DELAY PROGRAM WORD…
//            a thread sends to FIRST and the addresses after it, datagrams and SYNs in turn; after
//            DELAY microseconds the first thread runs PROGRAM
// IPv4. Exit status: 0 or an errno; 200: usage.
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "must.h"

enum { ECHO_PORT = 7, FIRST_PORT = 1024, PORTS = 60000 };

struct Range {
    struct in_addr first;
    int count;
};

static struct in_addr address_of(const char* text) {
    struct in_addr address;
    if (inet_pton(AF_INET, text, &address) != 1) die(text);
    return address;
}

static int new_socket(int type) { return (int)must(socket(AF_INET, type | SOCK_CLOEXEC, 0), "socket"); }

static void send_one(struct in_addr address, int port) {
    const struct sockaddr_in to = {
        .sin_family = AF_INET, .sin_port = htons((uint16_t)port), .sin_addr = address};
    const int fd = new_socket(SOCK_DGRAM);
    sendto(fd, "doorward", 8, 0, (const struct sockaddr*)&to, sizeof to);  // refused by a full queue: fine
    close(fd);
}

static int flows(char** words) {
    const struct in_addr address = address_of(words[1]);
    for (int i = 0, count = atoi(words[0]); i < count; i++) send_one(address, FIRST_PORT + i % PORTS);
    return 0;
}

static int children(char** words) {
    const struct in_addr address = address_of(words[1]);
    for (int i = 0, count = atoi(words[0]); i < count; i++) {
        const pid_t child = (pid_t)must(fork(), "fork");
        if (child == 0) {
            send_one(address, FIRST_PORT + i % PORTS);
            _exit(0);
        }
        must(waitpid(child, NULL, 0), "waitpid");
    }
    return 0;
}

static void* send_all(void* argument) {
    const struct Range* range = argument;
    for (int i = 0; i < range->count; i++) {
        struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons(ECHO_PORT)};
        to.sin_addr.s_addr = htonl(ntohl(range->first.s_addr) + (uint32_t)i);
        const int fd = new_socket(i % 2 ? SOCK_STREAM | SOCK_NONBLOCK : SOCK_DGRAM);
        if (i % 2) connect(fd, (const struct sockaddr*)&to, sizeof to);
        else sendto(fd, "doorward", 8, 0, (const struct sockaddr*)&to, sizeof to);
    }
    return NULL;
}

static int race(char** words) {
    struct Range range = {address_of(words[0]), atoi(words[1])};
    const struct timespec delay = {.tv_nsec = atol(words[2]) * 1000};
    pthread_t thread;
    errno = pthread_create(&thread, NULL, send_all, &range);
    if (errno) die("pthread_create");
    nanosleep(&delay, NULL);
    execv(words[3], words + 3);
    die(words[3]);
}

int main(int argc, char** argv) {
    if (argc == 4 && strcmp(argv[1], "flows") == 0) return flows(argv + 2);
    if (argc == 4 && strcmp(argv[1], "children") == 0) return children(argv + 2);
    if (argc >= 6 && strcmp(argv[1], "race") == 0) return race(argv + 2);
    fputs("attack: wrong usage; see the head of attack.c\n", stderr);
    return 200;
}

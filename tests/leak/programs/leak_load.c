// SPDX-License-Identifier: GPL-2.0-or-later
// Attempts what is forbidden, as fast as it can, and says how often it has.
//
// usage: leak-load KIND ADDRESS LINK PAUSE [PROGRAM WORD…]
//   KIND     tcp tcp-nb udp udp-connected ping raw forged packet, or exec, which starts PROGRAM WORD… each time
//   ADDRESS  of the network that nothing may get to; its last byte is varied
// A line with a number on standard input asks for so many attempts without a pause; "done" is the answer.
// Between two lines it goes on slowly, with a PAUSE of so many milliseconds, so that no moment is without any. With the end of its input it ends:
//   {"attempts":N,"void":N,"errors":{"ERRNO":N…}}   void: not even an attempt, such as for want of descriptors
#define _GNU_SOURCE
#include <net/if.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>

#include "attempts.h"

enum { known_errors = 134, longest_s = 1800 };

static const struct Kind {
    const char* name;
    int (*try)(struct Way*);
} kinds[] = {
    {"tcp", try_tcp}, {"tcp-nb", try_tcp_nb}, {"udp", try_udp}, {"udp-connected", try_udp_connected},
    {"ping", try_ping}, {"raw", try_raw}, {"forged", try_forged}, {"packet", try_packet}, {"exec", try_exec},
};

static uint64_t attempts, voids, errors[known_errors];

// What comes back from an attempt that reached the firewall, or would have.
static int reached(int error) {
    switch (error) {
    case 0: case EINPROGRESS: case EPERM: case EACCES: case ECONNREFUSED: case EHOSTUNREACH:
    case ENOBUFS: case ETIMEDOUT: case ECONNABORTED: case ECONNRESET: case EISCONN: case ENETUNREACH:
        return 1;
    default: return 0;
    }
}

static int try_once(const struct Kind* kind, struct Way* way) {
    aim(way);
    way->number++;
    const int error = kind->try(way);
    errors[error > 0 && error < known_errors ? error : 0]++;
    if (!reached(error)) return voids++, 0;
    return attempts++, 1;
}

// The number on the next line; 0 at the end of the input, -1 if none came within so many milliseconds.
static long next_line(int wait_ms) {
    char line[32];
    struct pollfd input = {.fd = 0, .events = POLLIN};
    if (poll(&input, 1, wait_ms) <= 0) return -1;
    const ssize_t got = read(0, line, sizeof line - 1);
    if (got <= 0) return 0;
    line[got] = 0;
    const long wanted = strtol(line, NULL, 10);
    return wanted > 0 ? wanted : 0;
}

static void run(const struct Kind* kind, struct Way* way, int pause_ms) {
    for (long wanted; (wanted = next_line(pause_ms)) != 0;) {
        long failed = 0;
        for (long done = 0; wanted > 0 && done < wanted && failed < 1000 + wanted;) {
            const int made = try_once(kind, way);
            done += made;
            failed += !made;
        }
        if (wanted > 0) puts("done");
        else try_once(kind, way);
    }
}

static void report(void) {
    const char* comma = "";
    printf("{\"attempts\":%llu,\"void\":%llu,\"errors\":{", (unsigned long long)attempts,
           (unsigned long long)voids);
    for (int e = 0; e < known_errors; e++) {
        if (errors[e] == 0) continue;
        printf("%s\"%d\":%llu", comma, e, (unsigned long long)errors[e]);
        comma = ",";
    }
    puts("}}");
}

static int parse_address(struct Way* way, const char* text) {
    struct sockaddr_in* v4 = (struct sockaddr_in*)&way->to;
    struct sockaddr_in6* v6 = (struct sockaddr_in6*)&way->to;
    way->family = strchr(text, ':') ? AF_INET6 : AF_INET;
    way->to.ss_family = (sa_family_t)way->family;
    way->length = way->family == AF_INET ? sizeof *v4 : sizeof *v6;
    return way->family == AF_INET ? inet_pton(AF_INET, text, &v4->sin_addr) == 1
                                  : inet_pton(AF_INET6, text, &v6->sin6_addr) == 1;
}

int main(int argc, char** argv) {
    struct Way way = {.kept = -1};
    const struct Kind* kind = NULL;
    const int pause_ms = argc > 4 ? atoi(argv[4]) : 0;
    for (size_t i = 0; argc > 4 && i < sizeof kinds / sizeof *kinds; i++)
        if (strcmp(kinds[i].name, argv[1]) == 0) kind = &kinds[i];
    if (kind == NULL || !parse_address(&way, argv[2]) || pause_ms < 1 || (kind->try == try_exec) != (argc > 5)) {
        fputs("leak-load: wrong usage; see the head of leak_load.c\n", stderr);
        return 2;
    }
    way.link = if_nametoindex(argv[3]);
    way.command = argv + 5;
    setvbuf(stdout, NULL, _IOLBF, 0);
    alarm(longest_s);
    run(kind, &way, pause_ms);
    report();
    return 0;
}

// SPDX-License-Identifier: GPL-2.0-or-later
// Makes flows as fast as it can, for so long, and says in one line of JSON how many, how long each took
// (ns) and how much of a processor it took to make them.
//
// usage: flow-load MEASURE ADDRESS PORT CLIENTS MILLISECONDS [PROGRAM]
//   PORT: the one that flow-peer was given. CLIENTS: threads, each with one flow at a time.
//   tcp      connect, then close with a reset, so that ports don't run out
//   denied   the same to a port that is to be denied: a connection is a failure, an error counts
//   udp      a new socket sends a datagram and waits for its echo
//   exec     starts PROGRAM tcp4 ADDRESS PORT and waits for its end
//   stream   one TCP connection for each client, as many bytes as pass
//   packets  one UDP socket for each client, 32 datagrams at a time, each echoed
// Nothing waits longer than two seconds. Exit status 0: it ran; failures are in "errors", by errno.
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <pthread.h>
#include <spawn.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "histogram.h"
#include "ports.h"

enum { max_clients = 1024, max_ms = 600000, known_errors = 134, window = 32, block = 128 * 1024 };

struct Client;

struct Measure {
    const char* name;
    int (*begin)(struct Client*);  // once for each client, before the clock starts; 0 or an errno
    int (*step)(struct Client*);   // 0: it counts
    uint16_t port;
};

struct Job {
    const struct Measure* measure;
    struct sockaddr_in to;
    char* command[5];
    pthread_barrier_t start;
    uint64_t duration_ns;
};

struct Client {
    struct Job* job;
    pthread_t thread;
    int fd;
    unsigned steps;
    uint64_t began_ns, ended_ns;
    uint64_t count, bytes;
    uint64_t errors[known_errors];
    struct Histogram times;
};

static uint64_t now_ns(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000000ULL + (uint64_t)now.tv_nsec;
}

static int open_socket(int type) {
    const int fd = socket(AF_INET, type | SOCK_CLOEXEC, 0);
    if (fd < 0) return -1;
    const struct timeval bound = {.tv_sec = 2};
    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &bound, sizeof bound);
    setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &bound, sizeof bound);
    return fd;
}

static int none(struct Client* client) {
    (void)client;
    return 0;
}

// Connects and closes; the time is that of connect() alone.
static int connect_once(struct Client* client, uint64_t* took) {
    const int fd = open_socket(SOCK_STREAM);
    if (fd < 0) return errno;
    const struct linger reset = {.l_onoff = 1};
    setsockopt(fd, SOL_SOCKET, SO_LINGER, &reset, sizeof reset);
    const uint64_t began = now_ns();
    const int result = connect(fd, (const struct sockaddr*)&client->job->to, sizeof client->job->to);
    const int error = result == 0 ? 0 : errno;
    *took = now_ns() - began;
    close(fd);
    return error;
}

static int step_tcp(struct Client* client) {
    uint64_t took;
    const int error = connect_once(client, &took);
    if (error == 0) add_time(&client->times, took);
    return error;
}

// What a firewall answers with. Silence (EINPROGRESS after two seconds) is none of them.
static int step_denied(struct Client* client) {
    uint64_t took;
    const int error = connect_once(client, &took);
    if (error == 0) return EISCONN;
    if (error != ECONNREFUSED && error != EPERM && error != EACCES && error != EHOSTUNREACH &&
        error != ECONNABORTED)
        return error;
    add_time(&client->times, took);
    return 0;
}

static int step_udp(struct Client* client) {
    struct sockaddr_in to = client->job->to;
    to.sin_port = htons((uint16_t)(ntohs(to.sin_port) + client->steps % echo_ports));
    char answer[16];
    const int fd = open_socket(SOCK_DGRAM);
    if (fd < 0) return errno;
    const uint64_t began = now_ns();
    int error = 0;
    if (sendto(fd, "doorward", 8, 0, (const struct sockaddr*)&to, sizeof to) < 0 ||
        recv(fd, answer, sizeof answer, 0) < 0)
        error = errno;
    if (error == 0) add_time(&client->times, now_ns() - began);
    close(fd);
    return error;
}

static int step_exec(struct Client* client) {
    static char* const environment[] = {NULL};
    char* const* command = client->job->command;
    const uint64_t began = now_ns();
    pid_t pid;
    const int error = posix_spawn(&pid, command[0], NULL, NULL, command, environment);
    if (error != 0) return error;
    int status;
    if (waitpid(pid, &status, 0) < 0) return errno;
    if (!WIFEXITED(status)) return EINTR;
    if (WEXITSTATUS(status) == 0) add_time(&client->times, now_ns() - began);
    return WEXITSTATUS(status);
}

static int begin_connected(struct Client* client, int type) {
    client->fd = open_socket(type);
    if (client->fd < 0) return errno;
    const struct sockaddr* to = (const struct sockaddr*)&client->job->to;
    return connect(client->fd, to, sizeof client->job->to) == 0 ? 0 : errno;
}

static int begin_stream(struct Client* client) { return begin_connected(client, SOCK_STREAM); }

static int step_stream(struct Client* client) {
    static const char zeros[block];
    const ssize_t sent = send(client->fd, zeros, sizeof zeros, MSG_NOSIGNAL);
    if (sent < 0) return errno;
    client->bytes += (uint64_t)sent;
    return 0;
}

static int step_packets(struct Client* client) {
    char answer[64] = {0};
    for (int i = 0; i < window; i++)
        if (send(client->fd, answer, sizeof answer, 0) < 0) return errno;
    for (int i = 0; i < window; i++)
        if (recv(client->fd, answer, sizeof answer, 0) < 0) return errno;
    client->count += window - 1;  // the caller counts one
    client->bytes += window * sizeof answer;
    return 0;
}

// The first exchange is not timed: what is measured is a flow that has been decided.
static int begin_packets(struct Client* client) {
    const int error = begin_connected(client, SOCK_DGRAM);
    if (error != 0) return error;
    char answer[64] = {0};
    return send(client->fd, answer, 1, 0) == 1 && recv(client->fd, answer, sizeof answer, 0) == 1
               ? 0 : errno;
}

static const struct Measure measures[] = {
    {"tcp", none, step_tcp, port_accept},
    {"denied", none, step_denied, port_denied},
    {"udp", none, step_udp, port_echo},
    {"exec", none, step_exec, port_accept},
    {"stream", begin_stream, step_stream, port_stream},
    {"packets", begin_packets, step_packets, port_echo},
};

static void note_error(struct Client* client, int error) {
    client->errors[error > 0 && error < known_errors ? error : 0]++;
}

static void* run_client(void* argument) {
    struct Client* client = argument;
    const struct Measure* measure = client->job->measure;
    const int error = measure->begin(client);
    if (error != 0) note_error(client, error);
    pthread_barrier_wait(&client->job->start);
    client->began_ns = client->ended_ns = now_ns();
    const uint64_t deadline = client->began_ns + client->job->duration_ns;
    while (error == 0 && client->ended_ns < deadline) {
        const int failed = measure->step(client);
        if (failed == 0) client->count++;
        else note_error(client, failed);
        client->steps++;
        client->ended_ns = now_ns();
    }
    if (client->fd >= 0) close(client->fd);
    return NULL;
}

static uint64_t cpu_ns(int who) {
    struct rusage used;
    getrusage(who, &used);
    return (uint64_t)(used.ru_utime.tv_sec + used.ru_stime.tv_sec) * 1000000000ULL +
           (uint64_t)(used.ru_utime.tv_usec + used.ru_stime.tv_usec) * 1000ULL;
}

static void report(const struct Client* clients, int number) {
    static struct Client all;
    all.began_ns = UINT64_MAX;
    for (int i = 0; i < number; i++) {
        const struct Client* one = &clients[i];
        all.count += one->count;
        all.bytes += one->bytes;
        if (one->began_ns < all.began_ns) all.began_ns = one->began_ns;
        if (one->ended_ns > all.ended_ns) all.ended_ns = one->ended_ns;
        for (int e = 0; e < known_errors; e++) all.errors[e] += one->errors[e];
        add_histogram(&all.times, &one->times);
    }
    printf("{\"count\":%llu,\"bytes\":%llu,\"ns\":%llu,\"client_cpu_ns\":%llu,\"errors\":{",
           (unsigned long long)all.count, (unsigned long long)all.bytes,
           (unsigned long long)(all.ended_ns - all.began_ns),
           (unsigned long long)(cpu_ns(RUSAGE_SELF) + cpu_ns(RUSAGE_CHILDREN)));
    const char* comma = "";
    for (int e = 0; e < known_errors; e++) {
        if (all.errors[e] == 0) continue;
        printf("%s\"%d\":%llu", comma, e, (unsigned long long)all.errors[e]);
        comma = ",";
    }
    printf("},\"latency_ns\":{");
    print_times(stdout, &all.times);
    printf("}}\n");
}

static int run(struct Job* job, int number) {
    struct Client* clients = calloc((size_t)number, sizeof *clients);
    if (clients == NULL || pthread_barrier_init(&job->start, NULL, (unsigned)number) != 0) return 1;
    for (int i = 0; i < number; i++) {
        clients[i].job = job;
        clients[i].fd = -1;
        if (pthread_create(&clients[i].thread, NULL, run_client, &clients[i]) != 0) return 1;
    }
    for (int i = 0; i < number; i++) pthread_join(clients[i].thread, NULL);
    report(clients, number);
    free(clients);
    return 0;
}

int main(int argc, char** argv) {
    struct Job job = {.to.sin_family = AF_INET};
    const int number = argc > 4 ? atoi(argv[4]) : 0;
    const int ms = argc > 5 ? atoi(argv[5]) : 0;
    const int port = argc > 3 ? atoi(argv[3]) : 0;
    for (size_t i = 0; argc > 1 && i < sizeof measures / sizeof *measures; i++)
        if (strcmp(measures[i].name, argv[1]) == 0) job.measure = &measures[i];
    const int is_exec = job.measure != NULL && job.measure->step == step_exec;
    if (job.measure == NULL || number < 1 || number > max_clients || ms < 1 || ms > max_ms ||
        port < 1 || port > 65000 || inet_pton(AF_INET, argv[2], &job.to.sin_addr) != 1 ||
        argc != (is_exec ? 7 : 6)) {
        fprintf(stderr, "usage: flow-load tcp|denied|udp|exec|stream|packets ADDRESS PORT CLIENTS "
                        "MILLISECONDS [PROGRAM]\n");
        return 2;
    }
    job.to.sin_port = htons((uint16_t)(port + job.measure->port));
    job.duration_ns = (uint64_t)ms * 1000000ULL;
    char* const command[5] = {is_exec ? argv[6] : NULL, "tcp4", argv[2], argv[3], NULL};
    memcpy(job.command, command, sizeof command);
    return run(&job, number);
}

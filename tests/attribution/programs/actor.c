// SPDX-License-Identifier: GPL-2.0-or-later
// Ways in which a socket or a program comes to be somebody else's. With a C library, for threads.
//
// usage: actor hold (udp|udp-connected|tcp) ADDRESS   opens, says "ready", sends after a line of input
//        actor pass PROGRAM ADDRESS     hands a socket to PROGRAM by SCM_RIGHTS; PROGRAM sends
//        actor take ADDRESS             is handed one on descriptor 3
//        actor inherit PROGRAM ADDRESS  PROGRAM finds the socket open and sends
//        actor use ADDRESS              sends on descriptor 3
//        actor fork ADDRESS             parent sends, then its child to the next address; prints
//                                       both pids
//        actor thread PROGRAM WORD…     a thread that is not the first runs PROGRAM
//        actor vfork PROGRAM WORD…
//        actor memfd PROGRAM WORD…      runs a copy that lies in memory only
//        actor descriptor PROGRAM WORD… runs /proc/self/fd/N
//        actor chroot FOLDER PROGRAM WORD…
//        actor bystander                opens raw ICMP sockets, says "ready", waits for input
//        actor frame LINK               sends a whole frame on a packet socket
//        actor listen PORT PROGRAM WORD…   PROGRAM finds a listening socket on descriptor 3
// Exit status: 0 or an errno; 200: usage. Port 7.
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <net/if.h>
#include <netinet/in.h>
#include <netpacket/packet.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/sendfile.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "must.h"

enum { PORT = 7, GIVEN = 3 };

static const char message[] = "doorward";
extern char** environ;

static struct sockaddr_storage to(const char* text, socklen_t* length) {
    struct sockaddr_storage any = {0};
    struct sockaddr_in* v4 = (struct sockaddr_in*)&any;
    struct sockaddr_in6* v6 = (struct sockaddr_in6*)&any;
    if (inet_pton(AF_INET, text, &v4->sin_addr) == 1) {
        v4->sin_family = AF_INET;
        v4->sin_port = htons(PORT);
        *length = sizeof *v4;
    } else if (inet_pton(AF_INET6, text, &v6->sin6_addr) == 1) {
        v6->sin6_family = AF_INET6;
        v6->sin6_port = htons(PORT);
        *length = sizeof *v6;
    } else {
        exit(200);
    }
    return any;
}

static int family_of(const char* text) { return strchr(text, ':') ? AF_INET6 : AF_INET; }

static int new_socket(const char* address, int type) {
    return (int)must(socket(family_of(address), type, 0), "socket");
}

static void send_datagram(int fd, const char* address) {
    socklen_t length;
    const struct sockaddr_storage target = to(address, &length);
    must(sendto(fd, message, sizeof message - 1, 0, (const struct sockaddr*)&target, length), "sendto");
}

static void ready_and_wait(void) {
    char line[8];
    puts("ready");
    fflush(stdout);
    if (!fgets(line, sizeof line, stdin)) exit(1);
}

static int hold(char** words) {
    socklen_t length;
    const struct sockaddr_storage target = to(words[1], &length);
    const int tcp = strcmp(words[0], "tcp") == 0;
    const int fd = new_socket(words[1], tcp ? SOCK_STREAM : SOCK_DGRAM);
    struct sockaddr_storage any = {.ss_family = target.ss_family};
    if (strcmp(words[0], "udp") == 0)
        must(bind(fd, (struct sockaddr*)&any, length), "bind");
    else
        must(connect(fd, (const struct sockaddr*)&target, length), "connect");
    ready_and_wait();
    if (strcmp(words[0], "udp") == 0) send_datagram(fd, words[1]);
    else must(send(fd, message, sizeof message - 1, 0), "send");
    if (tcp) must(recv(fd, &any, sizeof any, 0), "recv");  // the echo: its first packet went through
    return 0;
}

static int pass(char** words) {
    int pair[2];
    const int fd = new_socket(words[1], SOCK_DGRAM);
    must(socketpair(AF_UNIX, SOCK_DGRAM, 0, pair), "socketpair");
    const pid_t child = fork();
    if (child == 0) {
        must(dup2(pair[1], GIVEN), "dup2");
        char* argv[] = {words[0], "take", words[1], NULL};
        execv(words[0], argv);
        die(words[0]);
    }
    union { struct cmsghdr header; char room[CMSG_SPACE(sizeof(int))]; } control = {0};
    struct iovec data = {(void*)message, 1};
    struct msghdr header = {.msg_iov = &data, .msg_iovlen = 1, .msg_control = &control,
                            .msg_controllen = sizeof control};
    control.header.cmsg_level = SOL_SOCKET;
    control.header.cmsg_type = SCM_RIGHTS;
    control.header.cmsg_len = CMSG_LEN(sizeof fd);
    memcpy(CMSG_DATA(&control.header), &fd, sizeof fd);
    must(sendmsg(pair[0], &header, 0), "sendmsg");
    int ended;
    must(waitpid(child, &ended, 0), "waitpid");
    return WEXITSTATUS(ended);
}

static int take(char** words) {
    union { struct cmsghdr header; char room[CMSG_SPACE(sizeof(int))]; } control;
    char byte;
    struct iovec data = {&byte, 1};
    struct msghdr header = {.msg_iov = &data, .msg_iovlen = 1, .msg_control = &control,
                            .msg_controllen = sizeof control};
    int fd;
    must(recvmsg(GIVEN, &header, 0), "recvmsg");
    memcpy(&fd, CMSG_DATA(&control.header), sizeof fd);
    send_datagram(fd, words[0]);
    return 0;
}

static int inherit(char** words) {
    must(dup2(new_socket(words[1], SOCK_DGRAM), GIVEN), "dup2");
    char* argv[] = {words[0], "use", words[1], NULL};
    execv(words[0], argv);
    die(words[0]);
}

static int use(char** words) {
    send_datagram(GIVEN, words[0]);
    return 0;
}

static int fork_and_send(char** words) {
    char next[INET6_ADDRSTRLEN];
    const int family = family_of(words[0]);
    unsigned char bytes[16];
    inet_pton(family, words[0], bytes);
    bytes[family == AF_INET ? 3 : 15]++;
    inet_ntop(family, bytes, next, sizeof next);
    const int fd = new_socket(words[0], SOCK_DGRAM);
    send_datagram(fd, words[0]);
    const pid_t child = fork();
    if (child == 0) {
        send_datagram(fd, next);
        _exit(0);
    }
    int ended;
    must(waitpid(child, &ended, 0), "waitpid");
    printf("%d %d\n", getpid(), child);
    return WEXITSTATUS(ended);
}

static void* run_it(void* words) {
    char** argv = words;
    execv(argv[0], argv);
    die(argv[0]);
}

static int from_thread(char** words) {
    pthread_t thread;
    errno = pthread_create(&thread, NULL, run_it, words);
    if (errno) die("pthread_create");
    for (;;) pause();
}

static int by_vfork(char** words) {
    int ended;
    const pid_t child = vfork();
    if (child == 0) {
        execv(words[0], words);
        _exit(1);
    }
    must(waitpid(child, &ended, 0), "waitpid");
    return WEXITSTATUS(ended);
}

static int from_memory(char** words) {
    struct stat status;
    const int file = (int)must(open(words[0], O_RDONLY), words[0]);
    const int memory = (int)must(memfd_create("payload", MFD_CLOEXEC), "memfd_create");
    must(fstat(file, &status), "fstat");
    must(sendfile(memory, file, NULL, (size_t)status.st_size), "sendfile");
    fexecve(memory, words, environ);
    die("fexecve");
}

static int by_descriptor(char** words) {
    char path[32];
    snprintf(path, sizeof path, "/proc/self/fd/%ld", must(open(words[0], O_PATH), words[0]));
    execv(path, words);
    die(path);
}

static int in_root(char** words) {
    must(chroot(words[0]), "chroot");
    must(chdir("/"), "chdir");
    execv(words[1], words + 1);
    die(words[1]);
}

static int bystander(char** words) {
    (void)words;
    must(socket(AF_INET, SOCK_RAW, IPPROTO_ICMP), "socket");
    must(socket(AF_INET6, SOCK_RAW, IPPROTO_ICMPV6), "socket");
    ready_and_wait();
    return 0;
}

// A whole frame: nothing that anybody answers.
static int send_frame(char** words) {
    const struct sockaddr_ll link = {.sll_family = AF_PACKET,
                                     .sll_protocol = htons(0x88b5 /* IEEE 802: local experimental */),
                                     .sll_ifindex = (int)if_nametoindex(words[0]),
                                     .sll_halen = 6,
                                     .sll_addr = {2, 0, 0, 0, 0, 1}};
    const int fd = (int)must(socket(AF_PACKET, SOCK_DGRAM, 0), "socket");
    must(sendto(fd, message, sizeof message - 1, 0, (const struct sockaddr*)&link, sizeof link), "sendto");
    return 0;
}

static int listen_for(char** words) {
    struct sockaddr_in6 any = {.sin6_family = AF_INET6, .sin6_port = htons((uint16_t)atoi(words[0]))};
    const int fd = (int)must(socket(AF_INET6, SOCK_STREAM, 0), "socket");
    must(bind(fd, (struct sockaddr*)&any, sizeof any), "bind");
    must(listen(fd, 64), "listen");
    must(dup2(fd, GIVEN), "dup2");
    if (fd != GIVEN) close(fd);
    execv(words[1], words + 1);
    die(words[1]);
}

static const struct {
    const char* name;
    int words;  // at least
    int (*run)(char** words);
} parts[] = {
    {"hold", 2, hold},          {"pass", 2, pass},       {"take", 1, take},
    {"inherit", 2, inherit},    {"use", 1, use},         {"fork", 1, fork_and_send},
    {"thread", 1, from_thread}, {"vfork", 1, by_vfork},  {"memfd", 1, from_memory},
    {"descriptor", 1, by_descriptor}, {"chroot", 2, in_root}, {"bystander", 0, bystander},
    {"listen", 2, listen_for},  {"frame", 1, send_frame},
};

int main(int argc, char** argv) {
    for (size_t i = 0; argc >= 2 && i < sizeof parts / sizeof *parts; i++)
        if (strcmp(argv[1], parts[i].name) == 0 && argc - 2 >= parts[i].words)
            return parts[i].run(argv + 2);
    fputs("actor: wrong usage; see the head of actor.c\n", stderr);
    return 200;
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A process that has the kernel take another file for its executable (PR_SET_MM_MAP, which root of a user namespace
 * of one's own may ask for), and then sends a datagram each half second.
 * usage: other_name FILE IPV4-IN-HEX PORT TIMES */
#define _GNU_SOURCE
#include <linux/prctl.h>
#include <sched.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <netinet/in.h>
#include <sys/syscall.h>
#include <fcntl.h>
#include <stdio.h>
#include <time.h>
#include <unistd.h>

struct work {
	unsigned long start, length;
	struct prctl_mm_map map;
	struct sockaddr_in to;
	struct timespec pause;
	int socket, times;
	char data[4];
};

static inline __attribute__((always_inline)) long call(long n, long a, long b, long c, long d, long e, long f)
{
	long result;
	register long r10 asm("r10") = d, r8 asm("r8") = e, r9 asm("r9") = f;
	asm volatile("syscall" : "=a"(result) : "a"(n), "D"(a), "S"(b), "d"(c), "r"(r10), "r"(r8), "r"(r9)
		     : "rcx", "r11", "memory");
	return result;
}

__attribute__((section("moved"), noinline, used)) static void send_on(struct work *w)
{
	long error = call(SYS_munmap, w->start, w->length, 0, 0, 0, 0);
	if (!error)
		error = call(SYS_prctl, PR_SET_MM, PR_SET_MM_MAP, (long)&w->map, sizeof(w->map), 0, 0);
	w->data[0] = error ? 'n' : 'y';
	w->data[1] = '\n';
	call(SYS_write, 1, (long)w->data, 2, 0, 0, 0);
	for (int i = 0; i < w->times; i++) {
		call(SYS_sendto, w->socket, (long)w->data, 2, 0, (long)&w->to, sizeof(w->to));
		call(SYS_nanosleep, (long)&w->pause, 0, 0, 0, 0, 0);
	}
	call(SYS_exit_group, error != 0, 0, 0, 0, 0, 0);
}

extern char __executable_start[], _end[], __start_moved[], __stop_moved[];

int main(int count, char **words)
{
	unsigned long start = (unsigned long)__executable_start & ~4095ul;
	unsigned long end = ((unsigned long)_end + 4095) & ~4095ul;
	char *room = mmap(0, 65536, 7, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	struct work *w = (void *)(room + 32768);

	if (count != 5 || room == MAP_FAILED)
		return 2;
	memcpy(room, __start_moved, __stop_moved - __start_moved);
	w->start = start;
	w->length = end - start;
	w->map = (struct prctl_mm_map){
		.start_code = (long)room, .end_code = (long)room + 4096, .start_data = (long)room + 4096,
		.end_data = (long)room + 8192, .start_brk = (long)room + 8192, .brk = (long)room + 8192,
		.start_stack = (long)&count, .arg_start = (long)words[0], .arg_end = (long)words[0] + 1,
		.env_start = (long)words[0], .env_end = (long)words[0] + 1, .exe_fd = open(words[1], O_RDONLY)};
	w->to = (struct sockaddr_in){.sin_family = AF_INET, .sin_port = htons(atoi(words[3])),
				     .sin_addr.s_addr = htonl(strtoul(words[2], 0, 16))};
	w->pause.tv_nsec = 500000000;
	w->times = atoi(words[4]);
	w->socket = socket(AF_INET, SOCK_DGRAM, 0);
	if ((int)w->map.exe_fd < 0 || w->socket < 0 || unshare(CLONE_NEWUSER))
		return 3;
	((void (*)(struct work *))room)(w);
	return 4;
}

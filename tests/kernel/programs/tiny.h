// SPDX-License-Identifier: GPL-2.0-or-later
// System calls without a C library, so that a test program is 10 KB and a test can have thousands
// of copies of it, each under its own path, also where memory is short.
#pragma once

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>
#include <sys/syscall.h>

#if !defined(__x86_64__)
#error "tiny.h knows the system calls of x86-64 only; add this machine's here"
#endif

static inline long call6(long number, long a, long b, long c, long d, long e, long f) {
    long result;
    register long r10 __asm__("r10") = d;
    register long r8 __asm__("r8") = e;
    register long r9 __asm__("r9") = f;
    __asm__ volatile("syscall"
                     : "=a"(result)
                     : "a"(number), "D"(a), "S"(b), "d"(c), "r"(r10), "r"(r8), "r"(r9)
                     : "rcx", "r11", "memory");
    return result;  // a negative errno on failure
}

static inline long call3(long number, long a, long b, long c) {
    return call6(number, a, b, c, 0, 0, 0);
}

// The entry point hands the initial stack (argc, argv…) to run(), which returns the exit status.
int run(int argc, char** argv);

__attribute__((used)) void tiny_start(long* stack) {
    call3(SYS_exit_group, run((int)stack[0], (char**)(stack + 1)), 0, 0);
    __builtin_unreachable();
}

__asm__(".globl _start\n_start:\n xor %ebp,%ebp\n mov %rsp,%rdi\n and $-16,%rsp\n call tiny_start\n");

// The compiler may call these two by itself.
__attribute__((used)) void* memset(void* to, int byte, size_t count) {
    unsigned char* out = to;
    while (count-- > 0) {
        *out++ = (unsigned char)byte;
        __asm__ volatile("" ::: "memory");  // or the loop becomes a call of memset
    }
    return to;
}

__attribute__((used)) void* memcpy(void* to, const void* from, size_t count) {
    unsigned char* out = to;
    const unsigned char* in = from;
    while (count-- > 0) {
        *out++ = *in++;
        __asm__ volatile("" ::: "memory");
    }
    return to;
}

static inline int same(const char* a, const char* b) {
    while (*a && *a == *b) {
        a++;
        b++;
    }
    return *a == *b;
}

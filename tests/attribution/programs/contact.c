// SPDX-License-Identifier: GPL-2.0-or-later
// Makes one contact in one of many ways, and exits at once.
//
// usage: contact KIND ADDRESS [mapped] [then PROGRAM WORD…]
//   KIND     see below; ADDRESS is numeric, the port 7
//   mapped   an IPv6 socket speaks to the IPv4 ADDRESS
//   then     runs another program afterwards, in this process
// Kinds with several destinations use consecutive addresses. Exit status: 0 or an errno; 200: usage.
#include "contact_raw.h"
#include "contact_uring.h"

static const struct {
    const char* name;
    int (*run)(struct Target*);
} kinds[] = {
    {"connect", contact_connect},
    {"connect-nb", contact_connect_nb},
    {"connect-bound", contact_connect_bound},
    {"fastopen", contact_fastopen},
    {"mptcp", contact_mptcp},
    {"send", contact_send},
    {"send-bound", contact_send_bound},
    {"send-connected", contact_send_connected},
    {"sendmsg", contact_sendmsg},
    {"sendmmsg", contact_sendmmsg},
    {"several", contact_several},
    {"writev", contact_writev},
    {"splice", contact_splice},
    {"sendfile", contact_sendfile},
    {"cork", contact_cork},
    {"gso", contact_gso},
    {"udplite", contact_udplite},
    {"udplite-connected", contact_udplite_connected},
    {"ping", contact_ping},
    {"raw-ping", contact_raw_ping},
    {"raw-other", contact_raw_other},
    {"forged-udp", contact_forged_udp},
    {"sctp", contact_sctp},
    {"ring-send", contact_ring_send},
    {"ring-worker", contact_ring_worker},
    {"ring-poll", contact_ring_poll},
    {"ring-connect", contact_ring_connect},
    {"ring-poll-connect", contact_ring_poll_connect},
};

static int contact(const char* kind, struct Target* target) {
    for (unsigned i = 0; i < sizeof kinds / sizeof *kinds; i++)
        if (same(kind, kinds[i].name)) return kinds[i].run(target);
    return 200;
}

int run(int argc, char** argv) {
    struct Target target = {0};
    int next = 3;
    if (argc < 3) return 200;
    const int mapped = argc > 3 && same(argv[3], "mapped");
    if (!make_target(&target, argv[2], mapped)) return 200;
    next += mapped;
    const int failed = contact(argv[1], &target);
    if (failed || argc <= next + 1 || !same(argv[next], "then")) return failed;
    char* environment[] = {0};
    return status(call3(SYS_execve, (long)argv[next + 1], (long)(argv + next + 1), (long)environment));
}

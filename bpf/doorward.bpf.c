// SPDX-License-Identifier: GPL-2.0-or-later
// All programs, one object. Which of them are loaded is probed by the daemon (fwd/probes.cpp).
#include "exec.h"
#include "kprobes.h"
#include "cgroup_hooks.h"
#include "socket_scan.h"
#include "inherit.h"
#include "port_group.h"
#include "sender.h"
#include "grants.h"
#include "verdicts.h"
#include "dns.h"
#include "foreign.h"
#include "packet_sockets.h"

// The kernel's word for a licence that may call the tracing helpers.
char LICENSE[] SEC("license") = "GPL";

/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The maps, and the settings that the daemon writes before it loads the object. All sizes here are
 * placeholders: the daemon sets them from its configuration. */
#ifndef DOORWARD_MAPS_H
#define DOORWARD_MAPS_H

#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>
#include <stdbool.h>

#include "wire.h"

/* Only this network namespace is looked at (SO_NETNS_COOKIE): several daemons share a kernel. */
const volatile dw_u64 netns_cookie = 0;

/* Other namespaces are looked at too, since their traffic that passes through here is filtered. */
const volatile bool bind_foreign = false;

struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 65536);
	__type(key, struct dw_flow_key);
	__type(value, struct dw_foreign);
} foreign SEC(".maps");

/* Whoever accepts a connection is seen doing so (kprobes, fentry): a socket in two hands is no riddle. */
const volatile bool accepts_are_seen = false;

struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 8192);
	__type(key, struct dw_process_key);
	__type(value, struct dw_process);
} processes SEC(".maps");

/* Socket cookie → who receives there: the one who bound it, until another takes from it; until the socket is
 * closed. No LRU: somebody who binds many would displace servers that wait, and nothing would name these
 * again. What comes when it is full stays unknown. */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 16384);
	__type(key, dw_u64);
	__type(value, struct dw_binding);
} holders SEC(".maps");

/* When a thread's call began, for the hook that knows the whole tuple. Threads share places: of two that are in a
 * call at once the later one stays, and of the other's call only a later hook's time is known. */
struct dw_call {
	dw_u64 thread;
	dw_u64 sock; /* for comparison only, never read through */
	dw_u64 began_ns; /* CLOCK_MONOTONIC */
};

enum { CALLS_BITS = 12 };

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1 << CALLS_BITS);
	__type(key, dw_u32);
	__type(value, struct dw_call);
} calls SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, DW_FAILURES);
	__type(key, dw_u32);
	__type(value, dw_u64);
} failures SEC(".maps");

/* Every program that runs, from its fork or exec to its end, in so many words what `processes` has
 * of those that sent. That one also serves packets of processes that have ended, and forgets; here
 * a service that sends once a week keeps its arguments and its ancestors. */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__uint(max_entries, 32768);
	__type(key, struct dw_process_key);
	__type(value, struct dw_process);
} programs SEC(".maps");

/* Room to build a dw_process in. The path is written backwards into `process.path`; a name read at
 * its last byte, or the ancestors behind a first one, may run on into what follows, which the verifier
 * must see as part of the buffer.
 *
 * Not a per-CPU map: cgroup and netfilter programs can be preempted, and another task's program on
 * the same CPU would then write its own name over a half-built one. A slot is taken and given back. */
struct dw_scratch {
	struct dw_process process;
	char slack[DW_ANCESTORS_MAX];
	dw_u64 taken;
};

enum { SCRATCH_SLOTS = 64, SCRATCH_TRIES = 8 };

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, SCRATCH_SLOTS);
	__type(key, dw_u32);
	__type(value, struct dw_scratch);
} scratch SEC(".maps");

static __always_inline struct dw_scratch *take_scratch(void)
{
	dw_u32 first = bpf_get_smp_processor_id() * SCRATCH_TRIES;

	for (dw_u32 i = 0; i < SCRATCH_TRIES; i++) {
		dw_u32 slot = (first + i) % SCRATCH_SLOTS;
		struct dw_scratch *found = bpf_map_lookup_elem(&scratch, &slot);

		if (found && __sync_val_compare_and_swap(&found->taken, 0, 1) == 0)
			return found;
	}
	return 0;
}

static __always_inline void give_back(struct dw_scratch *slot)
{
	__sync_lock_test_and_set(&slot->taken, 0);
}

static __always_inline void count_failure(dw_u32 which)
{
	dw_u64 *count = bpf_map_lookup_elem(&failures, &which);

	if (count)
		*count += 1;
}

#endif

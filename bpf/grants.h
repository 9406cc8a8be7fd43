/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Which senders of datagrams may send on a tuple: asked for each of their packets.
 *
 * A flow's conntrack mark says that somebody was accepted on it. Several may send on one tuple at the same
 * time, each on a processor of its own: whoever looked first at the mark and then at its owner, or the other
 * way round, would sometimes take one sender's mark for another's. Here the key is the sender itself. */
#ifndef DOORWARD_GRANTS_H
#define DOORWARD_GRANTS_H

#include "sender.h"

/* Written by the daemon before its verdict is given, and by verdicts.h. */
struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 65536);
	__type(key, struct dw_grant);
	__type(value, struct dw_granted);
} grants SEC(".maps");

struct dw_grant_state grant_state;

/* A sender that was seen before, by its socket: for packets that timers and arriving packets send. */
static __always_inline bool who_sent_before(struct dw_grant *grant)
{
	struct dw_senders *all = bpf_map_lookup_elem(&senders, &grant->flow);
	dw_u32 index, version;

	if (!all)
		return false;
	index = find_slot(all, grant->cookie, true, &grant->who) - 1;
	barrier_var(index);
	if (index >= DW_SENDER_SLOTS)
		return false;
	version = all->slot[index].version;
	grant->who = all->slot[index].who;
	return version && version == all->slot[index].version_end && version == all->slot[index].version &&
	       all->slot[index].cookie == grant->cookie;
}

/* As a slot of `senders` has it, for a packet that is no TCP. */
static __always_inline bool grant_of(struct __sk_buff *skb, struct dw_grant *grant)
{
	__builtin_memset(grant, 0, sizeof(*grant));
	if (!sender_key(skb, &grant->flow))
		return false;
	grant->cookie = bpf_get_socket_cookie(skb);
	switch (kind_of_sender((void *)skb, socket_of(skb), &grant->flow)) {
	case SENDER_CURRENT:
		process_key_of_current(&grant->who);
		return true;
	case SENDER_KERNEL:
		return true;
	default:
		return who_sent_before(grant);
	}
}

/* A function of its own for the sake of the stack. */
static __noinline int give(struct dw_grant *grant, dw_u64 generation)
{
	struct dw_granted accepted = {.generation = generation};

	if (grant && bpf_map_update_elem(&grants, grant, &accepted, BPF_ANY))
		count_failure(DW_FAIL_GRANTS);
	return 0;
}

enum { BOUND_FOR_NS = 1000000000 };

/* A flow stays bound to who sends on it, however many others begin meanwhile: an answer that comes in when the rules
 * have changed is its sender's, and the flow has a name. Turns the grant's key into that of a binding. */
static __always_inline void stay_bound(struct __sk_buff *skb, struct dw_grant *grant, struct dw_granted *accepted)
{
	dw_u64 now = bpf_ktime_get_coarse_ns();
	struct dw_process_key sender;

	if (now - accepted->bound_ns < BOUND_FOR_NS)
		return;
	process_key_of_current(&sender);
	if (!grant->who.pid || !same_process(&sender, &grant->who)) /* the kernel's, or sent by a timer */
		return;
	accepted->bound_ns = now;
	bind_datagram(skb, &grant->flow);
}

/* 1: its sender was accepted on this tuple, under the rules in force. */
SEC("socket")
int granted(struct __sk_buff *skb)
{
	struct dw_granted *accepted;
	struct dw_grant grant;

	/* Behind extension headers the key has no ports: the sender would have all of them. So behind what IPsec signs
	 * (AH), if it is a program that writes that. */
	if (!grant_of(skb, &grant) || behind_extensions(&grant.flow) ||
	    (grant.flow.protocol == IPPROTO_AH && grant.who.pid))
		return 0;
	accepted = bpf_map_lookup_elem(&grants, &grant);
	if (!accepted || !accepted->generation || accepted->generation != grant_state.generation)
		return 0;
	if (datagrams_are_bound_here)
		stay_bound(skb, &grant, accepted);
	return 1;
}

#endif

/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Verdicts that the daemon has given before, given again here: on the same program's flows to the same
 * destination, under the same rules. What is not here is asked of the daemon.
 *
 * The map `verdicts` leads from a key to a slot; the slot, in memory that the daemon shares, holds the
 * key again and the verdict. Both are compared: an element of a map, and a slot, may be taken for
 * another key while a program that was interrupted still holds it. */
#ifndef DOORWARD_VERDICTS_H
#define DOORWARD_VERDICTS_H

#include "grants.h"

/* What a refused connect() ends with, as a positive errno. */
const volatile int denied_errno = 1;

/* The generation whose verdicts count, and until when (CLOCK_MONOTONIC): a daemon that is dead or
 * stopped collects no counts, and after a while nothing is decided without it. */
struct dw_verdict_state verdict_state;

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 16384);
	__type(key, struct dw_verdict_key);
	__type(value, dw_u32);
} verdicts SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, 16384);
	__type(key, dw_u32);
	__type(value, struct dw_verdict_slot);
} verdict_slots SEC(".maps");

/* Completes the key with who runs now. False: nothing is known of the program, or it is a kind that
 * only the daemon tells apart. */
static __always_inline bool ask_as_current(struct dw_verdict_key *key, struct dw_process_key *who,
					   dw_u64 *cgroup_id)
{
	struct task_struct *task = (void *)bpf_get_current_task_btf();
	const struct cred *cred = task->cred;
	struct css_set *groups = task->cgroups;
	struct dw_process *program;

	if (!cred || !groups)
		return false;
	*cgroup_id = groups->dfl_cgrp->kn->id;
	process_key_of_current(who);
	program = bpf_map_lookup_elem(&programs, who);
	if (!program || !program->identity || current_is_traced(program->flags))
		return false;
	key->identity = program->identity;
	key->uid = cred->uid.val;
	key->gid = cred->gid.val;
	return true;
}

static __always_inline struct dw_verdict_slot *slot_of_verdict(struct dw_verdict_key *key)
{
	dw_u32 *number = bpf_map_lookup_elem(&verdicts, key);
	dw_u32 copy;

	if (!number)
		return 0;
	copy = *number;
	return bpf_map_lookup_elem(&verdict_slots, &copy);
}

/* Whether `verdict` was given on this key under the rules in force; if so, it counts as given once more. */
static __always_inline bool given(struct dw_verdict_key *key, dw_u32 verdict)
{
	dw_u64 generation = verdict_state.generation;
	struct dw_verdict_slot *slot;
	struct dw_process_key who;
	dw_u64 cgroup_id;

	if (!generation || bpf_ktime_get_ns() > verdict_state.until_ns)
		return false;
	if (!ask_as_current(key, &who, &cgroup_id))
		return false;
	slot = slot_of_verdict(key);
	if (!slot || slot->state != (generation << DW_VERDICT_BITS | verdict) ||
	    differ(&slot->key, key))
		return false;
	barrier();
	if (slot->state != (generation << DW_VERDICT_BITS | verdict))
		return false;
	/* Before it is counted: whoever reads the count then also sees this. */
	if (!same_process(&slot->who, &who) || slot->cgroup_id != cgroup_id)
		slot->by_others = 1;
	__sync_fetch_and_add(&slot->count, 1);
	return true;
}

static __always_inline void note_known_syn(dw_u64 cookie, dw_u64 bound_ns)
{
	struct dw_known_syn *known = known_syn_of(cookie);

	if (!known)
		return;
	known->cookie = cookie;
	known->bound_ns = bound_ns;
}

/* A connection's first packet, in the call that makes it: the hook on connect has just said whose that is.
 * In any other call on the socket, of whoever it was handed to, the kernel may send the packet again. */
SEC("socket")
int known_connection(struct __sk_buff *skb)
{
	struct dw_verdict_key key = {};
	struct bpf_sock *socket = skb->sk;
	struct dw_process_key who;
	struct dw_senders *all;
	struct dw_flow_key packet;
	struct dw_binding bound;
	struct tcp_sock *tcp;
	struct sock *sk;

	if (!verdict_state.generation || !socket || !sender_key(skb, &packet))
		return 0;
	tcp = (void *)bpf_skc_to_tcp_sock(socket);
	if (!tcp || packet.protocol != IPPROTO_TCP)
		return 0;
	sk = &tcp->inet_conn.icsk_inet.sk;
	if (sk->__sk_common.skc_num != bpf_ntohs(packet.local_port) || !sk->sk_lock.owned ||
	    BPF_CORE_READ_BITFIELD(sk, sk_kern_sock))
		return 0;
	process_key_of_current(&who);
	if (!binding_of_socket(&packet, sk, &bound) || !same_process(&bound.who, &who))
		return 0;
	__builtin_memcpy(key.remote, packet.remote, 16);
	key.remote_port = bpf_ntohs(packet.remote_port);
	key.protocol = IPPROTO_TCP;
	if (!given(&key, DW_VERDICT_ACCEPT))
		return 0;
	note_known_syn(bpf_get_socket_cookie(skb), bound.sent_ns);
	/* Two sockets on two devices may have one tuple: whoever was asked about before is asked again. */
	all = bpf_map_lookup_elem(&senders, &packet);
	if (all)
		__sync_lock_test_and_set(&all->owner, 0);
	return 1;
}

/* A datagram of a flow that is its sender's first. Raw sockets may write what is no datagram: the daemon
 * reads all of their packets. A function of its own for the sake of the stack. */
static __noinline int known_datagram_is(struct __sk_buff *skb, dw_u32 verdict)
{
	struct dw_verdict_key key = {};
	struct sock *sk = socket_of(skb);
	struct dw_flow_key packet;

	if (!verdict_state.generation || !sk || !sender_key(skb, &packet))
		return 0;
	if (packet.protocol != IPPROTO_UDP && packet.protocol != IPPROTO_UDPLITE)
		return 0;
	if (kind_of_sender((void *)skb, sk, &packet) != SENDER_CURRENT || READ(sock, sk, sk_type) == SOCK_RAW)
		return 0;
	__builtin_memcpy(key.remote, packet.remote, 16);
	key.remote_port = bpf_ntohs(packet.remote_port);
	key.protocol = packet.protocol;
	return given(&key, verdict);
}

/* Its sender's next datagrams on this flow pass without the question. */
SEC("socket")
int known_datagram(struct __sk_buff *skb)
{
	/* Read before: what is known under newer rules is no harm as a grant of older ones. */
	dw_u64 generation = *(volatile dw_u64 *)&grant_state.generation;
	struct dw_senders *all;
	struct dw_grant grant;

	barrier();
	if (!known_datagram_is(skb, DW_VERDICT_ACCEPT))
		return 0;
	if (!grant_of(skb, &grant))
		return 1;
	give(&grant, generation);
	all = bpf_map_lookup_elem(&senders, &grant.flow);
	if (all)
		__sync_lock_test_and_set(&all->owner, 0);
	if (datagrams_are_bound_here)
		bind_datagram(skb, &grant.flow);
	return 1;
}

/* Not by a hook on the call: that sees neither whether the datagram answers one that came in, nor the way
 * it goes out by. */
SEC("socket")
int denied_datagram(struct __sk_buff *skb)
{
	return verdict_state.denials ? known_datagram_is(skb, DW_VERDICT_DENY) : 0;
}

/* As still_owner() for a connection whose verdict was known, asked once its flow is marked: it has taken
 * the flow from everybody. */
SEC("socket")
int still_known(struct __sk_buff *skb)
{
	struct dw_flow_key packet;
	struct dw_senders *all;
	dw_u64 fence = 0;

	__sync_fetch_and_add(&fence, 1);
	if (!sender_key(skb, &packet))
		return 0;
	all = bpf_map_lookup_elem(&senders, &packet);
	return !all || all->owner == 0;
}

enum { CALL_REFUSED, CALL_GOES_ON };

static __always_inline int refused(struct dw_verdict_key *key)
{
	if (!given(key, DW_VERDICT_DENY))
		return CALL_GOES_ON;
	bpf_set_retval(-denied_errno);
	return CALL_REFUSED;
}

/* Not for a datagram socket: connect() sends nothing, and programs use it to ask for a route. */
static __always_inline bool asked_about(struct bpf_sock_addr *ctx, struct dw_verdict_key *key)
{
	if (!verdict_state.generation || !verdict_state.denials || ctx->protocol != IPPROTO_TCP ||
	    bpf_get_netns_cookie(ctx) != netns_cookie)
		return false;
	key->remote_port = bpf_ntohs(ctx->user_port);
	key->protocol = IPPROTO_TCP;
	return true;
}

static __always_inline void ask_v6(struct bpf_sock_addr *ctx, struct dw_verdict_key *key)
{
	volatile dw_u32 *word = (void *)key->remote; /* one load each: see set_v6() */

	word[0] = ctx->user_ip6[0];
	word[1] = ctx->user_ip6[1];
	word[2] = ctx->user_ip6[2];
	word[3] = ctx->user_ip6[3];
}

SEC("cgroup/connect4")
int refuse_connect4(struct bpf_sock_addr *ctx)
{
	struct dw_verdict_key key = {};

	if (!asked_about(ctx, &key))
		return CALL_GOES_ON;
	set_v4(key.remote, ctx->user_ip4);
	return refused(&key);
}

SEC("cgroup/connect6")
int refuse_connect6(struct bpf_sock_addr *ctx)
{
	struct dw_verdict_key key = {};

	if (!asked_about(ctx, &key))
		return CALL_GOES_ON;
	ask_v6(ctx, &key);
	return refused(&key);
}

#endif

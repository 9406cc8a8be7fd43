/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Flow → process: how a binding is made and written, whichever hook saw it. */
#ifndef DOORWARD_BIND_H
#define DOORWARD_BIND_H

#include <bpf/bpf_endian.h>

#include "bindings.h"
#include "process.h"

static __always_inline dw_u64 netns_of(struct sock *sk)
{
	return BPF_CORE_READ(sk, __sk_common.skc_net.net, net_cookie);
}

static __always_inline bool our_namespace(struct sock *sk)
{
	return netns_of(sk) == netns_cookie;
}

static __always_inline void set_v4(dw_u8 *address, dw_u32 network_order)
{
	__builtin_memset(address, 0, 16);
	if (network_order == 0)
		return; /* "not chosen yet" is all zero in both families */
	address[10] = 0xff;
	address[11] = 0xff;
	__builtin_memcpy(address + 12, &network_order, 4);
}

static __always_inline bool is_zero(const dw_u8 *address)
{
	const dw_u64 *half = (const void *)address;

	return half[0] == 0 && half[1] == 0;
}

static __always_inline bool is_zero_v4(const dw_u8 *address)
{
	const dw_u32 *word = (const void *)address;

	return word[3] == 0 && (word[2] == 0 || word[2] == bpf_htonl(0xffff)) && word[0] == 0 &&
	       word[1] == 0;
}

/* The kernel sends to itself what is sent to nowhere: IPv4 to the source if there is one, else to
 * 127.0.0.1; IPv6 to ::1. */
static __always_inline void settle_remote(struct dw_flow_key *key, bool v4)
{
	if (!is_zero_v4(key->remote))
		return;
	if (v4 && !is_zero(key->local))
		__builtin_memcpy(key->remote, key->local, 16);
	else if (v4)
		set_v4(key->remote, bpf_htonl(0x7f000001));
	else
		key->remote[15] = 1;
}

/* Both addresses and ports as the socket has them now. */
static __always_inline void key_of_sock(struct sock *sk, dw_u8 protocol, struct dw_flow_key *key)
{
	__builtin_memset(key, 0, sizeof(*key));
	key->protocol = protocol;
	key->local_port = BPF_CORE_READ(sk, __sk_common.skc_num);
	key->remote_port = bpf_ntohs(BPF_CORE_READ(sk, __sk_common.skc_dport));
	if (BPF_CORE_READ(sk, __sk_common.skc_family) == AF_INET) {
		set_v4(key->local, BPF_CORE_READ(sk, __sk_common.skc_rcv_saddr));
		set_v4(key->remote, BPF_CORE_READ(sk, __sk_common.skc_daddr));
	} else {
		BPF_CORE_READ_INTO(&key->local, sk, __sk_common.skc_v6_rcv_saddr);
		BPF_CORE_READ_INTO(&key->remote, sk, __sk_common.skc_v6_daddr);
		if (is_zero_v4(key->local)) /* ::ffff:0.0.0.0 is "not chosen" too */
			__builtin_memset(key->local, 0, 16);
	}
}

static __always_inline void describe(struct dw_binding *binding, struct task_struct *task,
				     struct sock *sk, dw_u8 hook)
{
	__builtin_memset(binding, 0, sizeof(*binding));
	process_key_of(task, &binding->who);
	binding->seen_ns = bpf_ktime_get_ns();
	binding->cgroup_id = BPF_CORE_READ(task, cgroups, dfl_cgrp, kn, id);
	binding->uid = BPF_CORE_READ(task, cred, uid.val);
	binding->gid = BPF_CORE_READ(task, cred, gid.val);
	binding->sock = (dw_u64)sk;
	binding->hook = hook;
}

/* Who runs now, and when. Leaves what is known of it in `processes`. Reads as process_key_of_current() does. A
 * function of its own for the verifier, which looks through it once in each program. */
__noinline int take_current(struct dw_binding *binding)
{
	struct task_struct *task = (void *)bpf_get_current_task_btf();
	const struct cred *cred = task->cred;
	struct css_set *groups = task->cgroups;
	struct dw_process_key who; /* here: Linux 6.1 looks nothing up by a key in an argument's memory */

	if (!binding)
		return 0;
	process_key_of_current(&who);
	binding->who = who;
	binding->seen_ns = bpf_ktime_get_ns();
	if (groups)
		binding->cgroup_id = groups->dfl_cgrp->kn->id;
	if (cred) {
		binding->uid = cred->uid.val;
		binding->gid = cred->gid.val;
	}
	if (task->flags & PF_KTHREAD) {
		binding->flags = DW_FROM_KERNEL;
		return 0;
	}
	if (current_is_traced(remember_process(task, &who, true)))
		binding->flags = DW_BY_TRACED;
	return 0;
}

static __always_inline void binding_of_current(struct dw_binding *binding, struct sock *sk, dw_u8 hook)
{
	__builtin_memset(binding, 0, sizeof(*binding));
	take_current(binding);
	binding->sock = (dw_u64)sk;
	binding->hook = hook;
}

/* Where the running thread's call is noted. Never null, but the verifier asks. */
static __always_inline struct dw_call *call_of(dw_u64 thread)
{
	dw_u32 place = (dw_u32)(thread * 0x9e3779b97f4a7c15ull >> (64 - CALLS_BITS));

	return bpf_map_lookup_elem(&calls, &place);
}

/* First hook of a call, while the kernel is still far from a packet. */
static __always_inline void call_begins(struct sock *sk)
{
	dw_u64 thread = bpf_get_current_pid_tgid();
	struct dw_call *call = call_of(thread);

	if (!call)
		return;
	call->thread = thread;
	call->sock = (dw_u64)sk;
	call->began_ns = bpf_ktime_get_ns();
}

/* The running process receives on the socket. */
static __always_inline void hold(dw_u64 cookie, struct sock *sk, dw_u8 hook)
{
	struct dw_binding *known = bpf_map_lookup_elem(&holders, &cookie);
	struct dw_process_key who;
	struct dw_binding holder;

	process_key_of((void *)bpf_get_current_task(), &who);
	if (known && same_process(&known->who, &who))
		return;
	binding_of_current(&holder, sk, hook);
	if (bpf_map_update_elem(&holders, &cookie, &holder, BPF_ANY))
		count_failure(DW_FAIL_HOLDERS);
}

/* A flow of another namespace. Its packets may be queued here with the same tuple, if they are routed
 * through here before their addresses are translated. */
static __always_inline void bind_foreign_flow(struct dw_flow_key *key, struct sock *sk, dw_u8 hook,
					      dw_u64 netns)
{
	struct dw_foreign *known = bpf_map_lookup_elem(&foreign, key);
	struct dw_foreign flow = {};

	binding_of_current(&flow.binding, sk, hook);
	flow.binding.sent_ns = bpf_ktime_get_ns();
	flow.netns_cookie = netns;
	if (known) {
		succeed(&flow.binding, &known->binding);
		if (known->netns_cookie != netns)
			flow.netns_cookie = 0;
	}
	if (bpf_map_update_elem(&foreign, key, &flow, BPF_ANY))
		count_failure(DW_FAIL_FOREIGN);
}

enum { CALL_LASTS_NS = 1000000000 }; /* from its first hook to its last, at most */

/* A call that two hooks see began at the first. One that ended between them has left its time, and not every call has
 * a first hook (splice). */
static __always_inline void take_time_of_call(struct dw_binding *binding)
{
	dw_u64 thread = bpf_get_current_pid_tgid();
	struct dw_call *call = call_of(thread);

	if (!call || call->thread != thread || call->sock != binding->sock ||
	    binding->seen_ns - call->began_ns > CALL_LASTS_NS)
		return;
	binding->seen_ns = call->began_ns;
	call->thread = 0;
}

/* Last hook of a call: the tuple is complete. */
static __always_inline void bind_current(struct dw_flow_key *key, struct sock *sk, dw_u8 hook)
{
	struct dw_binding binding;

	binding_of_current(&binding, sk, hook);
	if (hook != DW_HOOK_CGROUP)
		take_time_of_call(&binding);
	write_binding(key, &binding);
}

/* Whether the connections of that namespace are kept. */
static __always_inline bool looked_at(dw_u64 netns)
{
	return netns == netns_cookie || bind_foreign;
}

static __always_inline void bind_connection(struct dw_flow_key *key, struct sock *sk, dw_u8 hook,
					    dw_u64 netns)
{
	if (netns == netns_cookie)
		bind_current(key, sk, hook);
	else
		bind_foreign_flow(key, sk, hook, netns);
}

#endif

/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The calls that a program sends by, seen by kprobes or, the same from within, by fentry. The first hook of a call
 * notes when it began; the last one, which the kernel passes with the source port chosen and the packet not yet made,
 * writes the binding. */
#ifndef DOORWARD_KPROBES_H
#define DOORWARD_KPROBES_H

#include "bind.h"

#include <linux/ptrace.h>
#include <bpf/bpf_tracing.h>

/* `call` of ours at the kernel's function, in both sets; it may use the arguments, and `hook`. */
#define ON_CALL(function, call, ...)                                                                          \
	SEC("kprobe/" #function) int BPF_KPROBE(kprobe_##function, __VA_ARGS__)                               \
	{                                                                                                     \
		const dw_u8 hook __attribute__((unused)) = DW_HOOK_KPROBE;                                    \
		return call;                                                                                  \
	}                                                                                                     \
	SEC("fentry/" #function) int BPF_PROG(fentry_##function, __VA_ARGS__)                                 \
	{                                                                                                     \
		const dw_u8 hook __attribute__((unused)) = DW_HOOK_FENTRY;                                    \
		return call;                                                                                  \
	}

static __always_inline int connect_begins(struct sock *sk)
{
	if (our_namespace(sk))
		call_begins(sk);
	return 0;
}

ON_CALL(tcp_v4_connect, connect_begins(sk), struct sock *sk)
ON_CALL(tcp_v6_connect, connect_begins(sk), struct sock *sk)

/* A return probe of tcp_v4_connect would be too late: the SYN can be read from the queue before it
 * runs. Here the tuple is complete and the SYN does not exist. */
static __always_inline int connects(struct sock *sk, dw_u8 hook)
{
	dw_u64 netns = netns_of(sk);
	struct dw_flow_key key;

	if (!looked_at(netns))
		return 0;
	key_of_sock(sk, IPPROTO_TCP, &key);
	bind_connection(&key, sk, hook, netns);
	return 0;
}

ON_CALL(tcp_connect, connects(sk, hook), struct sock *sk)

/* Whoever accepts is the receiver, whoever opened the port: socket activation, forked servers. The
 * cookie was made when the port was bound, or by the scan at start. */
static __always_inline int accepts(struct sock *sk, dw_u8 hook)
{
	dw_u64 cookie = BPF_CORE_READ(sk, __sk_common.skc_cookie.counter);

	if (cookie && our_namespace(sk))
		hold(cookie, sk, hook);
	return 0;
}

ON_CALL(inet_csk_accept, accepts(sk, hook), struct sock *sk)

/* Without a bind() the kernel chooses a port, and no hook on bind runs. Kprobes can't make a socket's cookie: beside
 * them sockops sees it. */
SEC("fentry/inet_csk_listen_start")
int BPF_PROG(fentry_inet_csk_listen_start, struct sock *sk)
{
	if (our_namespace(sk))
		hold(bpf_get_socket_cookie(sk), sk, DW_HOOK_FENTRY);
	return 0;
}

/* Runs for every send on every socket: leave early for all but datagrams. */
static __always_inline int send_begins(struct socket *socket)
{
	struct sock *sk = BPF_CORE_READ(socket, sk);
	unsigned short family = BPF_CORE_READ(sk, __sk_common.skc_family);

	if (family != AF_INET && family != AF_INET6)
		return 0;
	if (BPF_CORE_READ(sk, sk_protocol) == IPPROTO_TCP || !our_namespace(sk))
		return 0;
	call_begins(sk);
	return 0;
}

ON_CALL(security_socket_sendmsg, send_begins(socket), struct socket *socket)

/* The destination of this one message, if it names one; a connected socket's own otherwise. */
enum {
	PTRACE_MODE_ATTACH = 2, /* include/linux/ptrace.h: may write there */
	SHARED_BY = 8,		/* processes, each the parent of the next */
};

static __always_inline void mark_as_traced(struct task_struct *task)
{
	struct dw_process *program, *process;
	struct dw_process_key who;
	dw_u32 yes = 1;

	process_key_of(task, &who);
	program = bpf_map_lookup_elem(&programs, &who);
	process = bpf_map_lookup_elem(&processes, &who);
	if (program)
		__sync_fetch_and_or(&program->flags, DW_TRACED);
	else if (bpf_map_update_elem(&traced, &who, &yes, BPF_ANY))
		count_failure(DW_FAIL_PROGRAMS);
	if (process)
		__sync_fetch_and_or(&process->flags, DW_TRACED);
}

/* Somebody attaches a debugger, opens the memory of another process, or takes descriptors from it. A debugger
 * can put its code there and let go again, so this counts until the next exec. A child of vfork() has its
 * parent's memory. */
static __always_inline int opens_memory(struct task_struct *child, unsigned int mode)
{
	struct mm_struct *memory = BPF_CORE_READ(child, mm);

	if (!(mode & PTRACE_MODE_ATTACH) || !memory)
		return 0;
	for (int i = 0; i < SHARED_BY && BPF_CORE_READ(child, mm) == memory; i++) {
		mark_as_traced(child);
		child = BPF_CORE_READ(child, group_leader, real_parent);
	}
	return 0;
}

ON_CALL(security_ptrace_access_check, opens_memory(child, mode), struct task_struct *child, unsigned int mode)

static __always_inline bool set_remote(struct dw_flow_key *key, struct msghdr *msg)
{
	void *name = BPF_CORE_READ(msg, msg_name);
	struct dw_sockaddr_in v4;
	struct dw_sockaddr_in6 v6;

	if (!name)
		return !is_zero_v4(key->remote);
	if (bpf_probe_read_kernel(&v4, sizeof(v4), name))
		return false;
	key->remote_port = bpf_ntohs(v4.port);
	if (v4.family != AF_INET6) { /* AF_UNSPEC is taken for AF_INET by udp_sendmsg */
		set_v4(key->remote, v4.address);
		settle_remote(key, true);
		return true;
	}
	if (bpf_probe_read_kernel(&v6, sizeof(v6), name))
		return false;
	__builtin_memcpy(key->remote, v6.address, 16);
	settle_remote(key, false);
	return true;
}

static __always_inline int datagram_leaves(struct sock *sk, struct msghdr *msg, dw_u8 hook)
{
	struct dw_flow_key key;

	if (!our_namespace(sk))
		return 0;
	key_of_sock(sk, BPF_CORE_READ(sk, sk_protocol), &key);
	if (!set_remote(&key, msg))
		return 0;
	bind_current(&key, sk, hook);
	if (BPF_CORE_READ(msg, msg_controllen) && !is_zero(key.local)) {
		/* IP_PKTINFO may choose another source address than the socket's. */
		struct dw_binding same;

		if (read_binding(&key, &same)) {
			__builtin_memset(key.local, 0, 16);
			write_binding(&key, &same);
		}
	}
	return 0;
}

ON_CALL(udp_sendmsg, datagram_leaves(sk, msg, hook), struct sock *sk, struct msghdr *msg)
ON_CALL(udpv6_sendmsg, datagram_leaves(sk, msg, hook), struct sock *sk, struct msghdr *msg)

/* A ping socket's "port" is the identifier of its echo requests; the remote port means nothing. */
static __always_inline int echo_leaves(struct sock *sk, struct msghdr *msg, dw_u8 protocol, bool raw, dw_u8 hook)
{
	struct dw_flow_key key;

	if (!our_namespace(sk))
		return 0;
	key_of_sock(sk, protocol, &key);
	if (!set_remote(&key, msg))
		return 0;
	key.remote_port = 0;
	if (raw)
		key.local_port = 0; /* skc_num is the protocol there */
	bind_current(&key, sk, hook);
	return 0;
}

static __always_inline int raw_leaves(struct sock *sk, struct msghdr *msg, dw_u8 hook)
{
	return echo_leaves(sk, msg, BPF_CORE_READ(sk, sk_protocol), true, hook);
}

ON_CALL(ping_v4_sendmsg, echo_leaves(sk, msg, IPPROTO_ICMP, false, hook), struct sock *sk, struct msghdr *msg)
ON_CALL(ping_v6_sendmsg, echo_leaves(sk, msg, IPPROTO_ICMPV6, false, hook), struct sock *sk, struct msghdr *msg)
ON_CALL(raw_sendmsg, raw_leaves(sk, msg, hook), struct sock *sk, struct msghdr *msg)
ON_CALL(rawv6_sendmsg, raw_leaves(sk, msg, hook), struct sock *sk, struct msghdr *msg)

#endif

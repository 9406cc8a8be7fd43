/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The cgroup set, for kernels without fentry and kprobes, and the hooks on receivers that all sets share.
 * Attached to the root of cgroup v2, so every process passes them. */
#ifndef DOORWARD_CGROUP_HOOKS_H
#define DOORWARD_CGROUP_HOOKS_H

#include "bind.h"
#include "read.h"

enum { ALLOW = 1 };

static __always_inline void set_v6(dw_u8 *address, dw_u32 a, dw_u32 b, dw_u32 c, dw_u32 d)
{
	/* volatile: clang would merge the four loads from ctx into two, which the verifier refuses. */
	volatile dw_u32 *word = (void *)address;

	word[0] = a;
	word[1] = b;
	word[2] = c;
	word[3] = d;
}

/* Without a bind() the kernel chooses a port, and no hook on bind runs. */
static __always_inline void hold_listener(struct bpf_sock_ops *ctx)
{
	if (bpf_get_netns_cookie(ctx) == netns_cookie)
		hold(bpf_get_socket_cookie(ctx), (void *)ctx->sk, DW_HOOK_CGROUP);
}

/* Beside kprobes. Asked many times for each connection, so not beside fentry. */
SEC("sockops")
int sockops_listen(struct bpf_sock_ops *ctx)
{
	if (ctx->op == BPF_SOCK_OPS_TCP_LISTEN_CB)
		hold_listener(ctx);
	return ALLOW;
}

/* The same moment as kprobe tcp_connect: all of the tuple, none of the SYN. */
SEC("sockops")
int sockops_tcp(struct bpf_sock_ops *ctx)
{
	struct dw_flow_key key = {};
	dw_u64 netns;

	if (ctx->op == BPF_SOCK_OPS_TCP_LISTEN_CB)
		hold_listener(ctx);
	if (ctx->op != BPF_SOCK_OPS_TCP_CONNECT_CB) /* asked many times for each connection */
		return ALLOW;
	netns = bpf_get_netns_cookie(ctx);
	if (!looked_at(netns))
		return ALLOW;
	key.protocol = IPPROTO_TCP;
	key.local_port = ctx->local_port;
	key.remote_port = bpf_ntohl(ctx->remote_port);
	if (ctx->family == AF_INET) {
		set_v4(key.local, ctx->local_ip4);
		set_v4(key.remote, ctx->remote_ip4);
	} else {
		set_v6(key.local, ctx->local_ip6[0], ctx->local_ip6[1], ctx->local_ip6[2],
		       ctx->local_ip6[3]);
		set_v6(key.remote, ctx->remote_ip6[0], ctx->remote_ip6[1], ctx->remote_ip6[2],
		       ctx->remote_ip6[3]);
	}
	bind_connection(&key, (void *)ctx->sk, DW_HOOK_CGROUP, netns);
	return ALLOW;
}

static __always_inline bool datagram_key(struct bpf_sock_addr *ctx, struct bpf_sock *sk,
					 struct dw_flow_key *key)
{
	if (!sk || bpf_get_netns_cookie(ctx) != netns_cookie)
		return false;
	key->protocol = ctx->protocol;
	key->local_port = sk->src_port;
	key->remote_port = bpf_ntohs(ctx->user_port);
	return true;
}

/* Unconnected datagrams only: the kernel does not ask for connected sockets. The rules in sender.h see all of them
 * leave, so these are taken off once our table is in place: each datagram would lock its socket once more for them,
 * and write a binding. */
SEC("cgroup/sendmsg4")
int cgroup_sendmsg4(struct bpf_sock_addr *ctx)
{
	struct bpf_sock *sk = ctx->sk;
	struct dw_flow_key key = {};

	if (!datagram_key(ctx, sk, &key))
		return ALLOW;
	set_v4(key.local, ctx->msg_src_ip4);
	set_v4(key.remote, ctx->user_ip4);
	settle_remote(&key, true);
	bind_current(&key, (void *)sk, DW_HOOK_CGROUP);
	return ALLOW;
}

SEC("cgroup/sendmsg6")
int cgroup_sendmsg6(struct bpf_sock_addr *ctx)
{
	struct bpf_sock *sk = ctx->sk;
	struct dw_flow_key key = {};

	if (!datagram_key(ctx, sk, &key))
		return ALLOW;
	set_v6(key.local, ctx->msg_src_ip6[0], ctx->msg_src_ip6[1], ctx->msg_src_ip6[2],
	       ctx->msg_src_ip6[3]);
	set_v6(key.remote, ctx->user_ip6[0], ctx->user_ip6[1], ctx->user_ip6[2], ctx->user_ip6[3]);
	settle_remote(&key, false);
	bind_current(&key, (void *)sk, DW_HOOK_CGROUP);
	return ALLOW;
}

SEC("cgroup/post_bind4")
int cgroup_post_bind4(struct bpf_sock *ctx)
{
	if (bpf_get_netns_cookie(ctx) == netns_cookie)
		hold(bpf_get_socket_cookie(ctx), (void *)ctx, DW_HOOK_CGROUP);
	return ALLOW;
}

SEC("cgroup/post_bind6")
int cgroup_post_bind6(struct bpf_sock *ctx)
{
	if (bpf_get_netns_cookie(ctx) == netns_cookie)
		hold(bpf_get_socket_cookie(ctx), (void *)ctx, DW_HOOK_CGROUP);
	return ALLOW;
}

/* A process that takes datagrams from a socket is its receiver, whoever bound it. */
SEC("cgroup/recvmsg4")
int cgroup_recvmsg4(struct bpf_sock_addr *ctx)
{
	if (bpf_get_netns_cookie(ctx) == netns_cookie)
		hold(bpf_get_socket_cookie(ctx), (void *)ctx->sk, DW_HOOK_CGROUP);
	return ALLOW;
}

SEC("cgroup/recvmsg6")
int cgroup_recvmsg6(struct bpf_sock_addr *ctx)
{
	if (bpf_get_netns_cookie(ctx) == netns_cookie)
		hold(bpf_get_socket_cookie(ctx), (void *)ctx->sk, DW_HOOK_CGROUP);
	return ALLOW;
}

/* Bindings stay, since a packet of the closed socket may still wait for its verdict. */
SEC("cgroup/sock_release")
int cgroup_sock_release(struct bpf_sock *ctx)
{
	dw_u64 cookie = READ(sock, (void *)ctx, __sk_common.skc_cookie.counter);

	if (!cookie || bpf_get_netns_cookie(ctx) != netns_cookie) /* nobody asked for its cookie */
		return ALLOW;
	bpf_map_delete_elem(&holders, &cookie);
	return ALLOW;
}

#endif

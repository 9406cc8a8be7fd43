/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The sockets that were open before the hooks were: one walk over all open files at start. */
#ifndef DOORWARD_SOCKET_SCAN_H
#define DOORWARD_SOCKET_SCAN_H

#include "bind.h"

static __always_inline bool may_receive(struct sock *sk, dw_u8 protocol)
{
	if (protocol == IPPROTO_TCP)
		return BPF_CORE_READ(sk, __sk_common.skc_state) == TCP_LISTEN;
	return protocol == IPPROTO_UDP || protocol == IPPROTO_UDPLITE;
}

/* A socket that several processes hold goes to the first one of them. What a hook has written meanwhile is better
 * knowledge, and stays as well. */
SEC("iter/task_file")
int scan_sockets(struct bpf_iter__task_file *ctx)
{
	struct task_struct *task = ctx->task;
	struct file *file = ctx->file;
	struct dw_flow_key key;
	struct dw_binding binding;
	struct socket *socket;
	unsigned short family;
	struct sock *sk;
	dw_u64 cookie;

	if (!task || !file)
		return 0;
	socket = bpf_sock_from_file(file);
	if (!socket)
		return 0;
	sk = socket->sk; /* not read through a helper: the cookie needs a pointer that is trusted */
	if (!sk)
		return 0;
	family = BPF_CORE_READ(sk, __sk_common.skc_family);
	if ((family != AF_INET && family != AF_INET6) || !our_namespace(sk))
		return 0;
	key_of_sock(sk, BPF_CORE_READ(sk, sk_protocol), &key);
	if (!key.local_port)
		return 0;
	describe(&binding, task, sk, DW_HOOK_SCAN);
	remember_process(task, &binding.who, false);
	if (!is_zero_v4(key.remote))
		write_found(&key, &binding);
	if (may_receive(sk, key.protocol)) {
		cookie = bpf_get_socket_cookie(sk);
		if (bpf_map_update_elem(&holders, &cookie, &binding, BPF_NOEXIST) == -E2BIG)
			count_failure(DW_FAIL_HOLDERS);
	}
	return 0;
}

#endif

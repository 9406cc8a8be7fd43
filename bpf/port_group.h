/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Who else may be given what arrives at a port? Run by the daemon, for a socket that the kernel's own look-up has
 * found: of a group (SO_REUSEPORT) the kernel takes the member that a hash says, and the look-up says the same,
 * unless a member had it choose by a filter (SO_ATTACH_REUSEPORT_CBPF) or by processor (SO_INCOMING_CPU). */
#ifndef DOORWARD_PORT_GROUP_H
#define DOORWARD_PORT_GROUP_H

#include "bind.h"

/* Since Linux 6.2. */
static __always_inline bool chosen_by_processor(struct sock_reuseport *group)
{
	return bpf_core_field_exists(group->incoming_cpu) && BPF_CORE_READ(group, incoming_cpu);
}

/* Question and answer: the daemon has this mapped, and asks from one thread at a time. */
struct dw_port_group port_group_asked;

SEC("syscall")
int port_group(void *ctx)
{
	struct dw_port_group *asked = &port_group_asked;
	struct sock *sk = (void *)asked->sock;
	struct sock_reuseport *group;
	struct sock **members;
	dw_u32 count;

	asked->count = 0;
	/* It may be gone, and its memory another's. */
	if (!sk || (dw_u64)BPF_CORE_READ(sk, __sk_common.skc_cookie.counter) != asked->cookie)
		return 0;
	group = BPF_CORE_READ(sk, sk_reuseport_cb);
	if (!group || !(BPF_CORE_READ(group, prog) || chosen_by_processor(group)))
		return 0;
	members = (void *)group + bpf_core_field_offset(group->socks);
	count = BPF_CORE_READ(group, num_socks);
	for (dw_u32 index = 0; index < DW_GROUP_MAX; index++) {
		struct sock *member = 0;

		if (index >= count)
			break;
		bpf_probe_read_kernel(&member, sizeof(member), members + index);
		asked->members[index] = member ? BPF_CORE_READ(member, __sk_common.skc_cookie.counter) : 0;
	}
	asked->count = count;
	return 0;
}

#endif

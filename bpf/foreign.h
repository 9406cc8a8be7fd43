/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What leaves the sockets of other network namespaces: datagrams of all kinds, as they are on the wire
 * behind that namespace's own netfilter. TCP is bound by the hooks on connect. */
#ifndef DOORWARD_FOREIGN_H
#define DOORWARD_FOREIGN_H

#include "sender.h"

/* Ports in host order, or an echo request's identifier, as the daemon reads a packet. */
static __always_inline void ports_of_packet(struct __sk_buff *skb, struct dw_flow_key *key)
{
	dw_u32 transport = skb->protocol == bpf_htons(0x0800) ? 0 : 40;
	dw_u8 first = 0;

	switch (key->protocol) {
	case IPPROTO_UDP:
	case IPPROTO_UDPLITE:
		key->local_port = bpf_ntohs(key->local_port);
		key->remote_port = bpf_ntohs(key->remote_port);
		return;
	case IPPROTO_ICMP:
	case IPPROTO_ICMPV6:
		if (transport == 0) {
			if (!load(skb, 0, &first, 1))
				return;
			transport = (first & 15) * 4;
		}
		load(skb, transport, &first, 1);
		key->remote_port = 0;
		key->local_port = first == 8 || first == 128 ? bpf_ntohs(key->local_port) : 0;
		return;
	default:
		key->local_port = 0;
		key->remote_port = 0;
	}
}

SEC("cgroup_skb/egress")
int foreign_egress(struct __sk_buff *skb)
{
	struct sock *sk = socket_of(skb);
	struct dw_flow_key key;
	dw_u64 netns;

	if (!sk)
		return ALLOW;
	netns = netns_of(sk);
	if (netns == netns_cookie || !sender_key(skb, &key))
		return ALLOW;
	if (key.protocol == IPPROTO_TCP || kind_of_sender((void *)skb, sk, &key) != SENDER_CURRENT)
		return ALLOW;
	ports_of_packet(skb, &key);
	bind_foreign_flow(&key, sk, DW_HOOK_CGROUP, netns);
	return ALLOW;
}

#endif

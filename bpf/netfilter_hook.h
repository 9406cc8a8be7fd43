/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A BPF program on netfilter's own LOCAL_OUT hook, just before our table: where the kernel has this
 * kind of program, it sees what no cgroup hook sees — datagrams of connected sockets, ping and raw
 * sockets — with the tuple as it really is, raw headers included, in the sender's context. */
#ifndef DOORWARD_NETFILTER_HOOK_H
#define DOORWARD_NETFILTER_HOOK_H

#include "bind.h"

enum { NF_ACCEPT_PACKET = 1 };

struct ports {
	dw_u16 source, destination;
};
struct icmp_start {
	dw_u8 type, code;
	dw_u16 checksum, id;
};

static __always_inline bool take_ports(struct dw_flow_key *key, void *transport)
{
	struct ports ports;
	struct icmp_start icmp;

	switch (key->protocol) {
	case IPPROTO_ICMP:
	case IPPROTO_ICMPV6:
		if (bpf_probe_read_kernel(&icmp, sizeof(icmp), transport))
			return false;
		if (icmp.type == ICMP_ECHO || icmp.type == ICMPV6_ECHO_REQUEST)
			key->local_port = bpf_ntohs(icmp.id);
		return true;
	case IPPROTO_TCP:
	case IPPROTO_UDP:
	case IPPROTO_UDPLITE:
		if (bpf_probe_read_kernel(&ports, sizeof(ports), transport))
			return false;
		key->local_port = bpf_ntohs(ports.source);
		key->remote_port = bpf_ntohs(ports.destination);
		return true;
	}
	return true;
}

static __always_inline bool key_of_packet(struct sk_buff *skb, struct dw_flow_key *key)
{
	unsigned char *network = BPF_CORE_READ(skb, head) + BPF_CORE_READ(skb, network_header);
	dw_u8 header[40];

	__builtin_memset(key, 0, sizeof(*key));
	if (bpf_probe_read_kernel(header, 20, network))
		return false;
	if (header[0] >> 4 == 4) {
		dw_u32 address;

		key->protocol = header[9];
		__builtin_memcpy(&address, header + 12, 4);
		set_v4(key->local, address);
		__builtin_memcpy(&address, header + 16, 4);
		set_v4(key->remote, address);
		return take_ports(key, network + (header[0] & 15) * 4);
	}
	if (bpf_probe_read_kernel(header, 40, network))
		return false;
	key->protocol = header[6];
	__builtin_memcpy(key->local, header + 8, 16);
	__builtin_memcpy(key->remote, header + 24, 16);
	network += 40;
	if (key->protocol == IPPROTO_HOPOPTS) { /* multicast listener reports carry it, little else */
		if (bpf_probe_read_kernel(header, 2, network))
			return false;
		key->protocol = header[0];
		network += (header[1] + 1) * 8;
	}
	return take_ports(key, network);
}

SEC("netfilter")
int netfilter_local_out(struct bpf_nf_ctx *ctx)
{
	struct sk_buff *skb = ctx->skb;
	struct sock *sk = BPF_CORE_READ(skb, sk);
	struct dw_flow_key key;
	struct dw_binding binding;

	/* TCP is sent from timers and on arrival of packets too, where `current` is anybody. Its
	 * connects are bound elsewhere. A raw socket's packets always come from its sender. */
	if (!sk || (BPF_CORE_READ(sk, sk_protocol) == IPPROTO_TCP &&
		    BPF_CORE_READ(sk, sk_type) != SOCK_RAW))
		return NF_ACCEPT_PACKET;
	if (!key_of_packet(skb, &key))
		return NF_ACCEPT_PACKET;
	if (BPF_CORE_READ(sk, sk_socket, file)) {
		binding_of_current(&binding, sk, DW_HOOK_NETFILTER);
	} else { /* a socket without a file is the kernel's own: ICMP errors, WireGuard, NFS */
		__builtin_memset(&binding, 0, sizeof(binding));
		binding.seen_ns = bpf_ktime_get_ns();
		binding.hook = DW_HOOK_NETFILTER;
		binding.flags = DW_FROM_KERNEL;
	}
	write_binding(&key, &binding);
	return NF_ACCEPT_PACKET;
}

#endif

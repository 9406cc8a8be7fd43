/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What a packet says of its sender: the tuple as it will be on the wire, and whether that is the running process,
 * a connection's maker, the kernel, or not to be told. */
#ifndef DOORWARD_SENDER_KIND_H
#define DOORWARD_SENDER_KIND_H

#include "bind.h"
#include "read.h"

static __always_inline bool load(struct __sk_buff *skb, dw_u32 offset, void *to, dw_u32 length)
{
	return bpf_skb_load_bytes_relative(skb, offset, to, length, BPF_HDR_START_NET) == 0;
}

/* Must agree with sender_key() in fwd/senders.cpp, which makes the same of the queued bytes. The
 * ports are what the four bytes after the IP header say, in network order, whatever the protocol; of
 * ICMP the identifier. Behind IPv6 extension headers they mean nothing and only tell packets apart. */
static __always_inline bool sender_key(struct __sk_buff *skb, struct dw_flow_key *key)
{
	dw_u8 header[40];
	dw_u32 transport;
	bool whole;

	__builtin_memset(key, 0, sizeof(*key));
	whole = load(skb, 0, header, 28);
	if (!whole && !load(skb, 0, header, 20))
		return false;
	if (header[0] >> 4 == 4) {
		key->protocol = header[9];
		set_v4(key->local, *(dw_u32 *)(header + 12));
		set_v4(key->remote, *(dw_u32 *)(header + 16));
		transport = (header[0] & 15) * 4;
		/* Nearly every packet: one call is enough. */
		if (whole && transport == 20 && key->protocol != IPPROTO_ICMP) {
			__builtin_memcpy(&key->local_port, header + 20, 4);
			return true;
		}
	} else {
		if (!load(skb, 0, header, 40))
			return false;
		key->protocol = header[6];
		__builtin_memcpy(key->local, header + 8, 16);
		__builtin_memcpy(key->remote, header + 24, 16);
		transport = 40;
	}
	/* Nothing behind the header: a raw socket may send that. */
	if (key->protocol == IPPROTO_ICMP || key->protocol == IPPROTO_ICMPV6)
		load(skb, transport + 4, &key->local_port, 2);
	else
		load(skb, transport, &key->local_port, 4);
	return true;
}

enum sender_kind {
	SENDER_UNSEEN, /* sent from a context that tells nothing */
	SENDER_KERNEL,
	SENDER_CURRENT, /* the process that runs now */
	SENDER_CONNECTED, /* who the hooks on connect have bound to the tuple */
};

/* It came through a device, or IPsec has been at it. What a socket sends has seen neither, whatever a raw
 * one writes into its header, and whatever has become of a socket's port since. */
static __always_inline bool made_of_another(struct sk_buff *packet)
{
	if (BPF_CORE_READ(packet, dev))
		return true;
	if (BPF_CORE_READ(packet, protocol) == bpf_htons(ETH_P_IP))
		return BPF_CORE_READ((struct inet_skb_parm *)packet->cb, flags) & IPSKB_XFRM_TRANSFORMED;
	return BPF_CORE_READ((struct inet6_skb_parm *)packet->cb, flags) & IP6SKB_XFRM_TRANSFORMED;
}

static __always_inline bool behind_extensions(struct dw_flow_key *key)
{
	return key->protocol == IPPROTO_HOPOPTS || key->protocol == IPPROTO_ROUTING ||
	       key->protocol == IPPROTO_FRAGMENT || key->protocol == IPPROTO_DSTOPTS;
}

static __always_inline bool as_the_socket_sends(struct sock *sk, dw_u8 protocol, struct dw_flow_key *key)
{
	if (READ(sock, sk, sk_type) == SOCK_RAW)
		return protocol == key->protocol || protocol == IPPROTO_RAW;
	if (behind_extensions(key))
		return true;
	if (protocol != key->protocol)
		return false;
	return (protocol != IPPROTO_UDP && protocol != IPPROTO_UDPLITE) ||
	       bpf_ntohs(key->local_port) == READ(sock, sk, __sk_common.skc_num);
}

/* Packets that the kernel wraps around others (tunnels, IPsec) still point to the inner socket. */
static __always_inline bool wrapped(struct sk_buff *packet, struct sock *sk, dw_u8 protocol,
				    struct dw_flow_key *key)
{
	return !as_the_socket_sends(sk, protocol, key) && made_of_another(packet);
}

static __always_inline bool is_datagram(dw_u8 protocol, struct sock *sk)
{
	return protocol == IPPROTO_UDP || protocol == IPPROTO_UDPLITE || protocol == IPPROTO_ICMP ||
	       protocol == IPPROTO_ICMPV6 || READ(sock, sk, sk_type) == SOCK_RAW;
}

static __always_inline enum sender_kind kind_of_sender(struct sk_buff *packet, struct sock *sk,
						       struct dw_flow_key *key)
{
	struct task_struct *task = (void *)bpf_get_current_task_btf();
	unsigned char state;
	dw_u8 protocol;

	if (!sk)
		return SENDER_KERNEL;
	state = READ(sock, sk, __sk_common.skc_state);
	if (state == TCP_TIME_WAIT || state == TCP_NEW_SYN_RECV)
		return SENDER_UNSEEN; /* these are no whole sockets */
	protocol = READ(sock, sk, sk_protocol);
	if (protocol == IPPROTO_TCP && key->protocol == IPPROTO_TCP &&
	    READ(sock, sk, __sk_common.skc_num) == bpf_ntohs(key->local_port))
		return SENDER_CONNECTED;
	if (wrapped(packet, sk, protocol, key))
		return SENDER_KERNEL;
	/* Some of the kernel's own send what a program says, in its call (AF_RXRPC): whose, they don't tell. */
	if (READ_BIT(sock, sk, sk_kern_sock))
		return protocol != IPPROTO_UDP || (task->flags & PF_KTHREAD) ? SENDER_KERNEL
												: SENDER_UNSEEN;
	/* Datagrams leave in their sender's context. All else may also be sent by timers and arriving
	 * packets, which leave a socket alone while a process is in a call on it. */
	if (!is_datagram(protocol, sk) && !READ(sock, sk, sk_lock.owned))
		return SENDER_UNSEEN;
	return task->flags & PF_KTHREAD ? SENDER_KERNEL : SENDER_CURRENT;
}

#endif

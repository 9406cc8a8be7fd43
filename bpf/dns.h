/* SPDX-License-Identifier: GPL-2.0-or-later */
/* DNS as it passes the sockets of this namespace: the queries that leave and the answers that
 * arrive, copied for the daemon. Attached to the root of cgroup v2.
 *
 * A query is seen behind netfilter, so only one that really leaves is; an answer before its socket
 * gets it, so the copy is there before the program can use what it says. */
#ifndef DOORWARD_DNS_H
#define DOORWARD_DNS_H

#include <bpf/bpf_endian.h>

#include "bind.h"

/* Addresses that are asked by default or by configuration: only these are believed, so only these
 * are worth a copy. 16 bytes as everywhere. */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, DW_RESOLVERS_MAX);
	__type(key, struct dw_address);
	__type(value, dw_u8);
} resolvers SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, DW_DNS_RING_BYTES);
} dns_packets SEC(".maps");

struct dns_view {
	struct dw_address resolver;
	dw_u32 length; /* of the packet, from its IP header */
	bool tcp;
};

enum { DNS_PORT = 53, TCP_FLAG_SYN = 2, IP_AND_UDP = 28 /* bytes of headers, at least */ };

/* Headers in the linear part, without IPv6 extension headers: all that DNS ever is. */
static __always_inline unsigned char *find_transport(struct __sk_buff *skb, bool ingress,
						     struct dns_view *view)
{
	unsigned char *data = (void *)(long)skb->data;
	unsigned char *end = (void *)(long)skb->data_end;
	dw_u32 offset = 40;
	dw_u8 protocol;

	if (skb->protocol == bpf_htons(0x0800)) {
		if (data + 20 > end)
			return 0;
		offset = (data[0] & 15) * 4;
		protocol = data[9];
		set_v4(view->resolver.bytes, *(dw_u32 *)(data + (ingress ? 12 : 16)));
	} else {
		if (data + 40 > end)
			return 0;
		protocol = data[6];
		__builtin_memcpy(view->resolver.bytes, data + (ingress ? 8 : 24), 16);
	}
	view->tcp = protocol == IPPROTO_TCP;
	if (!view->tcp && protocol != IPPROTO_UDP)
		return 0;
	if (data + offset + 8 > end)
		return 0;
	view->length = skb->len;
	return data + offset;
}

/* A segment without data tells nothing. */
static __always_inline bool carries_data(struct __sk_buff *skb, unsigned char *tcp,
					 struct dns_view *view)
{
	unsigned char *data = (void *)(long)skb->data;
	unsigned char *end = (void *)(long)skb->data_end;

	if (tcp + 20 > end || (tcp[13] & TCP_FLAG_SYN))
		return false;
	return view->length > (dw_u32)(tcp - data) + (tcp[12] >> 4) * 4;
}

static __always_inline bool socket_is_ours(struct __sk_buff *ctx)
{
	struct sk_buff *skb = (void *)ctx; /* the same object; only probe reads go through it */
	struct sock *sk = BPF_CORE_READ(skb, sk);

	return sk && our_namespace(sk);
}

/* `room` is a constant, a power of two. The barriers keep the bounds on the register that is used,
 * where Linux 6.1's verifier looks for them. */
static __always_inline void submit_dns(struct __sk_buff *skb, struct dw_dns_packet *record,
				       dw_u32 length, dw_u32 room, bool ingress)
{
	record->socket = bpf_get_socket_cookie(skb);
	record->length = length;
	record->inbound = ingress;
	record->captured = 0;
	__builtin_memset(record->pad, 0, sizeof(record->pad));
	if (length > room - 1)
		length = room - 1;
	barrier_var(length);
	length &= room - 1;
	barrier_var(length);
	if (length >= IP_AND_UDP && !bpf_skb_load_bytes(skb, 0, record->bytes, length))
		record->captured = length;
	/* Nobody is woken: who needs a name looks. */
	bpf_ringbuf_submit(record, BPF_RB_NO_WAKEUP);
}

/* Two sizes, since most messages are small and the kernel wants to know the size beforehand. */
static __always_inline void copy_packet(struct __sk_buff *skb, dw_u32 length, bool ingress)
{
	struct dw_dns_packet *record;

	if (length < DW_DNS_SMALL) {
		record = bpf_ringbuf_reserve(&dns_packets, sizeof(*record) + DW_DNS_SMALL, 0);
		if (record)
			submit_dns(skb, record, length, DW_DNS_SMALL, ingress);
	} else {
		record = bpf_ringbuf_reserve(&dns_packets, sizeof(*record) + DW_DNS_LARGE, 0);
		if (record)
			submit_dns(skb, record, length, DW_DNS_LARGE, ingress);
	}
	if (!record)
		count_failure(DW_FAIL_DNS_RING);
}

static __always_inline int copy_dns(struct __sk_buff *skb, bool ingress)
{
	struct dns_view view = {};
	unsigned char *transport = find_transport(skb, ingress, &view);

	if (!transport || *(dw_u16 *)(transport + (ingress ? 0 : 2)) != bpf_htons(DNS_PORT))
		return ALLOW;
	if (view.tcp && !carries_data(skb, transport, &view))
		return ALLOW;
	if (!socket_is_ours(skb))
		return ALLOW;
	if (bpf_map_lookup_elem(&resolvers, &view.resolver))
		copy_packet(skb, view.length, ingress);
	else
		count_failure(ingress ? DW_FAIL_DNS_STRANGER : DW_FAIL_DNS_ELSEWHERE);
	return ALLOW;
}

SEC("cgroup_skb/egress")
int dns_egress(struct __sk_buff *skb)
{
	return copy_dns(skb, false);
}

SEC("cgroup_skb/ingress")
int dns_ingress(struct __sk_buff *skb)
{
	return copy_dns(skb, true);
}

#endif

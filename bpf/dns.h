/* SPDX-License-Identifier: GPL-2.0-or-later */
/* DNS as it passes this namespace: the queries that leave and the answers that arrive, copied for the daemon.
 * Asked by rules of our table (xt_bpf) about packets of port 53 alone, so that no other packet pays for it.
 *
 * A query is seen once it has been accepted, an answer before its socket gets it: the copy is there before the
 * program can use what it says. Where other rules translate addresses, the query is seen before and the answer as it
 * came in: such answers fit no query and name nothing. */
#ifndef DOORWARD_DNS_H
#define DOORWARD_DNS_H

#include "sender_kind.h"

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
	dw_u32 transport; /* where its header begins */
	bool tcp;
	bool empty; /* of data */
};

enum { TCP_FLAG_SYN = 2, IP_AND_PORTS = 28 /* bytes of headers, at least */ };

/* Without IPv6 extension headers: all that DNS ever is. */
static __always_inline bool find_transport(struct __sk_buff *skb, bool inbound, struct dns_view *view)
{
	dw_u8 header[40], protocol;

	if (!load(skb, 0, header, 20))
		return false;
	if (header[0] >> 4 == 4) {
		view->transport = (header[0] & 15) * 4;
		protocol = header[9];
		set_v4(view->resolver.bytes, *(dw_u32 *)(header + (inbound ? 12 : 16)));
	} else {
		if (!load(skb, 0, header, 40))
			return false;
		view->transport = 40;
		protocol = header[6];
		__builtin_memcpy(view->resolver.bytes, header + (inbound ? 8 : 24), 16);
	}
	view->tcp = protocol == IPPROTO_TCP;
	return view->tcp || protocol == IPPROTO_UDP;
}

/* A segment tells something if it begins the connection or carries data. Not load(): headers of a packet that came in
 * need not be in the linear part. */
static __always_inline bool tells(struct __sk_buff *skb, struct dns_view *view)
{
	dw_u8 tcp[20];

	if (bpf_skb_load_bytes(skb, view->transport, tcp, sizeof(tcp)))
		return false;
	view->empty = skb->len <= view->transport + (tcp[12] >> 4) * 4;
	return (tcp[13] & TCP_FLAG_SYN) || !view->empty;
}

/* `room` is a constant, a power of two. The barriers keep the bounds on the register that is used,
 * where Linux 6.1's verifier looks for them. */
static __always_inline void submit_dns(struct __sk_buff *skb, struct dw_dns_packet *record,
				       dw_u32 length, dw_u32 room, bool inbound)
{
	record->length = length;
	record->inbound = inbound;
	record->captured = 0;
	__builtin_memset(record->pad, 0, sizeof(record->pad));
	if (length > room - 1)
		length = room - 1;
	barrier_var(length);
	length &= room - 1;
	barrier_var(length);
	/* Not load(): what TCP sends is not in the linear part. In netfilter a packet begins with its IP header. */
	if (length >= IP_AND_PORTS && !bpf_skb_load_bytes(skb, 0, record->bytes, length))
		record->captured = length;
	/* Nobody is woken: who needs a name looks. */
	bpf_ringbuf_submit(record, BPF_RB_NO_WAKEUP);
}

/* Two sizes, since most messages are small and the kernel wants to know the size beforehand. */
static __always_inline void copy_packet(struct __sk_buff *skb, dw_u32 length, bool inbound)
{
	struct dw_dns_packet *record;

	if (length < DW_DNS_SMALL) {
		record = bpf_ringbuf_reserve(&dns_packets, sizeof(*record) + DW_DNS_SMALL, 0);
		if (record)
			submit_dns(skb, record, length, DW_DNS_SMALL, inbound);
	} else {
		record = bpf_ringbuf_reserve(&dns_packets, sizeof(*record) + DW_DNS_LARGE, 0);
		if (record)
			submit_dns(skb, record, length, DW_DNS_LARGE, inbound);
	}
	if (!record)
		count_failure(DW_FAIL_DNS_RING);
}

/* Says nothing about the packet: always 0. */
static __always_inline int copy_dns(struct __sk_buff *skb, bool inbound)
{
	struct dns_view view = {};

	if (!find_transport(skb, inbound, &view) || (view.tcp && !tells(skb, &view)))
		return 0;
	if (bpf_map_lookup_elem(&resolvers, &view.resolver))
		copy_packet(skb, skb->len, inbound);
	else if (!view.empty)
		count_failure(inbound ? DW_FAIL_DNS_STRANGER : DW_FAIL_DNS_ELSEWHERE);
	return 0;
}

SEC("socket")
int dns_query(struct __sk_buff *skb)
{
	return copy_dns(skb, false);
}

SEC("socket")
int dns_answer(struct __sk_buff *skb)
{
	return copy_dns(skb, true);
}

#endif

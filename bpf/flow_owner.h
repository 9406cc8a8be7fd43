/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Is the socket that sends on a flow still the one that sent before? Asked by a rule of our
 * table (xt_bpf) for every datagram and every SYN.
 *
 * conntrack knows a flow by its tuple only, and keeps it for a while after the sender has closed its
 * socket: whoever gets the port next would inherit the verdict. A socket's cookie is never reused. */
#ifndef DOORWARD_FLOW_OWNER_H
#define DOORWARD_FLOW_OWNER_H

#include "bind.h"

struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 65536);
	__type(key, struct dw_flow_key);
	__type(value, dw_u64);
} owners SEC(".maps");

static __always_inline bool load(struct __sk_buff *skb, dw_u32 offset, void *to, dw_u32 length)
{
	return bpf_skb_load_bytes_relative(skb, offset, to, length, BPF_HDR_START_NET) == 0;
}

/* The ports are what the four bytes after the IP header say, whatever the protocol: an ICMP echo's
 * identifier is in the second four. Behind IPv6 extension headers they mean nothing, and the key
 * then is the pair of addresses: more questions to the daemon, never fewer. */
static __always_inline bool sender_key(struct __sk_buff *skb, struct dw_flow_key *key)
{
	dw_u8 header[40];
	dw_u32 transport;

	__builtin_memset(key, 0, sizeof(*key));
	if (!load(skb, 0, header, 20))
		return false;
	if (header[0] >> 4 == 4) {
		key->protocol = header[9];
		__builtin_memcpy(key->local + 12, header + 12, 4);
		__builtin_memcpy(key->remote + 12, header + 16, 4);
		transport = (header[0] & 15) * 4;
	} else {
		if (!load(skb, 0, header, 40))
			return false;
		key->protocol = header[6];
		__builtin_memcpy(key->local, header + 8, 16);
		__builtin_memcpy(key->remote, header + 24, 16);
		transport = 40;
	}
	if (key->protocol == IPPROTO_ICMP || key->protocol == IPPROTO_ICMPV6)
		return load(skb, transport + 4, &key->local_port, 2);
	return load(skb, transport, &key->local_port, 4);
}

/* 1: the same socket as before. 0: another, which is the owner from now on. */
SEC("socket")
int flow_owner(struct __sk_buff *skb)
{
	dw_u64 cookie = bpf_get_socket_cookie(skb);
	struct dw_flow_key key;
	dw_u64 *owner;

	if (!sender_key(skb, &key))
		return 0;
	owner = bpf_map_lookup_elem(&owners, &key);
	if (owner && *owner == cookie)
		return 1;
	if (bpf_map_update_elem(&owners, &key, &cookie, BPF_ANY))
		count_failure(DW_FAIL_OWNERS);
	return 0;
}

#endif

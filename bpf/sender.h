/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Whose packet is this one? Asked by rules of our table (xt_bpf), with the packet at hand as it will
 * be on the wire, in the context of whoever sends it.
 *
 * A tuple alone does not tell: a port changes hands while a packet waits for its verdict, raw
 * sockets write any tuple, a socket is shared by processes, and conntrack keeps a flow's verdict
 * when its socket is closed. So each (socket cookie, process) that sends on a tuple takes one of a
 * few slots there, and the slot's number goes to the daemon in the packet's mark. */
#ifndef DOORWARD_SENDER_H
#define DOORWARD_SENDER_H

#include "sender_kind.h"

struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 65536);
	__type(key, struct dw_flow_key);
	__type(value, struct dw_senders);
} senders SEC(".maps");

static const struct dw_senders no_senders;

/* Who is bound to the packet's tuple, by the key as the hooks write it, with the ports in host order. */
static __always_inline bool binding_of_packet(struct dw_flow_key *packet, struct dw_binding *bound)
{
	struct dw_flow_key key = *packet;

	key.local_port = bpf_ntohs(packet->local_port);
	key.remote_port = bpf_ntohs(packet->remote_port);
	if (read_binding(&key, bound))
		return true;
	if (key.protocol == IPPROTO_TCP)
		return false;
	__builtin_memset(key.local, 0, 16);
	return read_binding(&key, bound);
}

/* The same, if it is this socket's. Not inlined, for the sake of the stack. */
static __noinline int binding_of_socket(struct dw_flow_key *packet, struct sock *sk, struct dw_binding *bound)
{
	return binding_of_packet(packet, bound) && bound->sock == (dw_u64)sk;
}

/* The connections below a program's MPTCP socket are the kernel's own sockets. */
static __always_inline bool of_mptcp(struct sock *sk)
{
	struct tcp_sock *tcp = (void *)sk;

	return bpf_core_field_exists(tcp->is_mptcp) && BPF_CORE_READ_BITFIELD_PROBED(tcp, is_mptcp);
}

/* `bound`: `out` holds the socket's binding of this tuple. */
static __always_inline bool describe_sender(struct sock *sk, enum sender_kind kind, bool bound,
					    struct dw_binding *out)
{
	struct dw_process_key who = out->who;
	dw_u64 seen_ns = out->seen_ns;
	dw_u8 hook = out->hook;

	if (kind == SENDER_CONNECTED && bound)
		return true;
	__builtin_memset(out, 0, sizeof(*out));
	if (kind == SENDER_KERNEL) {
		out->seen_ns = bpf_ktime_get_ns();
		out->hook = DW_HOOK_NETFILTER;
		out->flags = DW_FROM_KERNEL;
		return true;
	}
	if (kind == SENDER_CONNECTED) {
		/* Sent again, whoever is in a call on the socket need not be who connected it, nor is it the
		 * kernel because the socket is (AF_SMC). */
		if (BPF_CORE_READ((struct tcp_sock *)sk, total_retrans))
			return false;
		if (BPF_CORE_READ_BITFIELD_PROBED(sk, sk_kern_sock) && !of_mptcp(sk)) {
			out->flags = DW_FROM_KERNEL;
			return true;
		}
		if (!READ(sock, sk, sk_lock.owned))
			return false;
	}
	binding_of_current(out, sk, DW_HOOK_NETFILTER);
	/* Else it was seen in an earlier call, or before the daemon was there. */
	if (bound && hook != DW_HOOK_NETFILTER && hook != DW_HOOK_SCAN &&
	    out->seen_ns - seen_ns < CALL_LASTS_NS && same_process(&who, &out->who)) {
		out->seen_ns = seen_ns;
		out->hook = hook;
	}
	return true;
}

/* `version` and `version_end` bracket the writing: the daemon reads while this is written.
 * The barrier, as others below, makes clang compare exactly this variable: the verifier follows neither
 * remainders nor a difference that was compared before it was taken. */
static __always_inline dw_u32 take_slot(struct dw_senders *all, dw_u64 cookie, struct dw_binding *from)
{
	dw_u32 number = __sync_fetch_and_add(&all->taken, 1);
	dw_u32 index = number % DW_SENDER_SLOTS;
	struct dw_sender *slot;

	barrier_var(index);
	if (index >= DW_SENDER_SLOTS)
		return 0;
	slot = &all->slot[index];
	__sync_lock_test_and_set(&slot->version, 0);
	__sync_lock_test_and_set(&slot->version_end, 0);
	slot->who = from->who;
	slot->cookie = cookie;
	slot->before_ns = slot->sent_ns;
	slot->sent_ns = bpf_ktime_get_ns();
	slot->seen_ns = from->seen_ns;
	slot->cgroup_id = from->cgroup_id;
	slot->uid = from->uid;
	slot->gid = from->gid;
	slot->hook = from->hook;
	slot->flags = from->flags;
	__sync_lock_test_and_set(&slot->version_end, number + 1);
	__sync_lock_test_and_set(&slot->version, number + 1);
	return index + 1;
}

/* A process as far as it parts slots: false if the socket alone is known. `binding`: the socket's, or null. */
static __always_inline bool sending_process(enum sender_kind kind, struct dw_binding *binding,
					    struct dw_process_key *who)
{
	__builtin_memset(who, 0, sizeof(*who));
	if (kind == SENDER_CURRENT)
		process_key_of((void *)bpf_get_current_task(), who);
	if (kind == SENDER_CURRENT || kind == SENDER_KERNEL)
		return true;
	/* A socket may be connected anew, by whoever has it by then. */
	if (kind != SENDER_CONNECTED || !binding)
		return false;
	*who = binding->who;
	return true;
}

/* `any`: the latest of the socket's. */
static __always_inline dw_u32 find_slot(struct dw_senders *all, dw_u64 cookie, bool any,
					struct dw_process_key *who)
{
	dw_u32 found = 0, newest = 0;

	for (dw_u32 i = 0; i < DW_SENDER_SLOTS; i++) {
		struct dw_sender *slot = &all->slot[i];

		if (slot->version <= newest || slot->cookie != cookie || !(any || same_process(&slot->who, who)))
			continue;
		newest = slot->version;
		found = i + 1;
	}
	return found;
}

static __always_inline struct sock *socket_of(struct __sk_buff *skb)
{
	return READ(sk_buff, (void *)skb, sk); /* the same object */
}

/* The slot of this packet's sender, 1 to DW_SENDER_SLOTS; taken now if it has none. 0: not known. */
static __noinline dw_u32 slot_of(struct __sk_buff *skb, struct dw_flow_key *key)
{
	dw_u64 cookie = bpf_get_socket_cookie(skb);
	struct sock *sk = socket_of(skb);
	struct dw_binding sender = {};
	struct dw_process_key who;
	struct dw_senders *all;
	enum sender_kind kind;
	bool any, bound;
	dw_u32 slot;

	if (!key)
		return 0;
	kind = kind_of_sender((void *)skb, sk, key);
	bound = kind != SENDER_KERNEL && binding_of_socket(key, sk, &sender);
	any = !sending_process(kind, bound ? &sender : 0, &who);
	all = bpf_map_lookup_elem(&senders, key);
	if (all) {
		slot = find_slot(all, cookie, any, &who);
		if (slot)
			return slot;
	}
	if (kind == SENDER_UNSEEN || !describe_sender(sk, kind, bound, &sender))
		return 0;
	if (!all) {
		bpf_map_update_elem(&senders, key, &no_senders, BPF_NOEXIST);
		all = bpf_map_lookup_elem(&senders, key);
	}
	if (!all) {
		count_failure(DW_FAIL_SENDERS);
		return 0;
	}
	return take_slot(all, cookie, &sender);
}

/* A connection whose verdict was known (verdicts.h): its first packet has passed on its tuple, and took nobody's slot.
 * Named by the moment at which the socket was bound to the tuple, which no other connect has. Of two in one place the
 * later one stays, and the other's packets are asked about. */
struct dw_known_syn {
	dw_u64 cookie;
	dw_u64 bound_ns;
};

enum { KNOWN_SYNS_BITS = 13 };

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1 << KNOWN_SYNS_BITS);
	__type(key, dw_u32);
	__type(value, struct dw_known_syn);
} known_syns SEC(".maps");

static __always_inline struct dw_known_syn *known_syn_of(dw_u64 cookie)
{
	dw_u32 index = cookie & ((1 << KNOWN_SYNS_BITS) - 1);

	return bpf_map_lookup_elem(&known_syns, &index);
}

/* A SYN that a timer sends again, of a connection whose first one passed, its verdict known: the flow's mark says so.
 * That the socket was bound to the tuple is not enough: its first packet may have gone elsewhere, by source routing.
 * A function of its own, since it and slot_of() would not share the stack. */
static __noinline bool sent_again(struct __sk_buff *skb, struct dw_flow_key *key)
{
	dw_u64 cookie = bpf_get_socket_cookie(skb);
	struct dw_known_syn *known;
	struct sock *sk = socket_of(skb);
	struct dw_binding bound;
	struct dw_senders *all;

	if (!key)
		return false;
	all = bpf_map_lookup_elem(&senders, key);
	if (key->protocol != IPPROTO_TCP || (all && all->owner))
		return false;
	if (kind_of_sender((void *)skb, sk, key) != SENDER_CONNECTED || READ(sock, sk, sk_lock.owned))
		return false;
	if (!binding_of_socket(key, sk, &bound))
		return false;
	known = known_syn_of(cookie);
	return known && known->cookie == cookie && known->bound_ns == bound.sent_ns;
}

/* Of a packet that opens a connection. 1: sent by the one who sent on this flow before. 0: by another, who
 * is the owner from now on; and behind extension headers, where many flows have one key. */
SEC("socket")
int same_sender(struct __sk_buff *skb)
{
	struct dw_flow_key key;
	struct dw_senders *all;
	dw_u32 slot;

	if (!sender_key(skb, &key))
		return 0;
	if (sent_again(skb, &key))
		return 1;
	slot = slot_of(skb, &key);
	all = bpf_map_lookup_elem(&senders, &key);
	if (!all)
		return 0;
	if (slot && all->owner == slot)
		return !behind_extensions(&key);
	__sync_lock_test_and_set(&all->owner, slot);
	return 0;
}

/* No hook on the calls that send datagrams binds them, once our table is in place. */
const volatile bool datagrams_are_bound_here = false;

/* A datagram that is asked about, or whose verdict was known, and now and then one that was granted. Turns the key of
 * the packet into that of a binding: there is no room on the stack for both. Not for what the kernel sends for itself,
 * which is not the running process's, nor for raw sockets: they write any ports, those of another's socket too. */
static __noinline int bind_datagram(struct __sk_buff *skb, struct dw_flow_key *key)
{
	struct sock *sk = socket_of(skb);
	struct dw_binding binding;

	if (!key || !sk || (key->protocol != IPPROTO_UDP && key->protocol != IPPROTO_UDPLITE) ||
	    READ(sock, sk, sk_type) == SOCK_RAW)
		return 0;
	key->local_port = bpf_ntohs(key->local_port);
	key->remote_port = bpf_ntohs(key->remote_port);
	binding_of_current(&binding, sk, DW_HOOK_NETFILTER);
	return write_binding(key, &binding);
}

static __always_inline dw_u32 bit_of_slot(struct __sk_buff *skb, dw_u32 bit)
{
	struct dw_flow_key key;

	return sender_key(skb, &key) ? slot_of(skb, &key) >> bit & 1 : 0;
}

/* Whether it is `who` that runs now, and has had a debugger, which its slot may be older than. */
static __always_inline bool by_traced(struct dw_process_key *who)
{
	struct dw_process_key now;
	struct dw_process *program;

	process_key_of_current(&now);
	if (!same_process(&now, who))
		return false;
	program = bpf_map_lookup_elem(&programs, &now);
	return current_is_traced(program ? program->flags : 0);
}

/* The bits of the slot's number, one rule each. The packet will be queued. */
SEC("socket")
int slot_bit0(struct __sk_buff *skb)
{
	struct dw_flow_key key;
	struct dw_senders *all;
	dw_u32 slot, index;

	if (!sender_key(skb, &key))
		return 0;
	slot = slot_of(skb, &key);
	all = bpf_map_lookup_elem(&senders, &key);
	index = slot - 1;
	barrier_var(index);
	if (all && index < DW_SENDER_SLOTS) {
		all->slot[index].sent_ns = bpf_ktime_get_ns();
		if (by_traced(&all->slot[index].who))
			all->slot[index].flags |= DW_BY_TRACED;
		if (key.protocol != IPPROTO_TCP) /* a connection's has been said by same_sender() */
			__sync_lock_test_and_set(&all->owner, slot);
	}
	if (datagrams_are_bound_here && kind_of_sender((void *)skb, socket_of(skb), &key) != SENDER_KERNEL)
		bind_datagram(skb, &key);
	return slot & 1;
}

SEC("socket")
int slot_bit1(struct __sk_buff *skb)
{
	return bit_of_slot(skb, 1);
}

/* Where a packet's mark has its sender's slot. */
const volatile dw_u32 slot_shift = 0;

/* A slot in which nobody is any more. */
static __always_inline void forget_slot(struct dw_senders *all, dw_u32 slot)
{
	dw_u32 index = slot - 1;

	barrier_var(index);
	if (index < DW_SENDER_SLOTS)
		__sync_lock_test_and_set(&all->slot[index].version, 0);
}

/* The last to be asked. If the sender has lost its slot since the others were, their bits and this one are a number of
 * somebody else's: whose, nobody is to be told. */
SEC("socket")
int slot_bit2(struct __sk_buff *skb)
{
	dw_u32 slot, said = skb->mark >> slot_shift & 3;
	struct dw_flow_key key;
	struct dw_senders *all;

	if (!sender_key(skb, &key))
		return 0;
	slot = slot_of(skb, &key);
	if ((slot & 3) != said) {
		all = bpf_map_lookup_elem(&senders, &key);
		if (all)
			forget_slot(all, said | (slot & 4));
	}
	return slot >> 2 & 1;
}

/* 0 if the connection has gone to another sender since the packet was sent. Asked before and after its flow
 * is marked: before, so that a verdict on the former owner's packet does not open it; after, since the flow
 * may go to another just then, whose own first packet has taken the mark off already. Whoever takes the
 * flow says so before it takes the mark off; the fence keeps our mark and our look in their order. */
SEC("socket")
int still_owner(struct __sk_buff *skb)
{
	struct dw_flow_key key;
	struct dw_senders *all;
	dw_u32 owner, slot = skb->mark >> slot_shift & 7;
	dw_u64 fence = 0;

	__sync_fetch_and_add(&fence, 1);
	if (!sender_key(skb, &key))
		return 0;
	all = bpf_map_lookup_elem(&senders, &key);
	if (!all) /* displaced since: nobody can tell */
		return !slot;
	owner = all->owner;
	if (owner == 0)
		return 1;
	if (slot && owner != slot)
		return 0;
	owner -= 1;
	barrier_var(owner);
	/* The slot may be another's by now. */
	return owner < DW_SENDER_SLOTS && all->slot[owner].cookie == bpf_get_socket_cookie(skb);
}

#endif

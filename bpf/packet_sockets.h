/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Packet sockets (AF_PACKET) write frames past netfilter and past every cgroup hook. What sees them
 * is the egress side of clsact on each device, and, for those that skip it, the socket option with
 * which they ask for that. Loaded only if the configuration asks. */
#ifndef DOORWARD_PACKET_SOCKETS_H
#define DOORWARD_PACKET_SOCKETS_H

#include "sender.h"

enum {
	TC_PASS_ON = -1, /* TC_ACT_UNSPEC: the next filter decides, or none */
	TC_DROP = 2,     /* TC_ACT_SHOT: the sender gets ENOBUFS */
	REFUSE = 0,      /* of a cgroup hook: EPERM */
	SEARCHED_FILES = 4096,
	SHOWN_VALUE = 4096,
};

/* Set by the daemon while it runs, with its mode. */
volatile dw_u64 refuse_packet_sockets = 0;

struct dw_packet_socket_counts packet_socket_counts;

/* Who sends, until the daemon takes the entry out. */
struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, DW_PACKET_SENDERS);
	__type(key, struct dw_packet_sender_key);
	__type(value, struct dw_packet_sender);
} packet_senders SEC(".maps");

struct file_search {
	struct file **files;
	struct file *wanted;
	bool found;
};

static long compare_file(dw_u32 index, struct file_search *search)
{
	struct file *file = 0;

	bpf_probe_read_kernel(&file, sizeof(file), search->files + index);
	search->found = file == search->wanted;
	return search->found;
}

/* A frame that waited in the queue of a device above (VLAN, bond) comes by in anybody's context.
 * Whoever does not have the socket open is not its sender. */
static __noinline bool current_has_open(struct sock *sk)
{
	struct task_struct *task = (void *)bpf_get_current_task();
	struct file_search search = {};
	dw_u32 count;

	if (BPF_CORE_READ(task, flags) & PF_KTHREAD)
		return false;
	search.wanted = BPF_CORE_READ(sk, sk_socket, file);
	search.files = BPF_CORE_READ(task, files, fdt, fd);
	count = BPF_CORE_READ(task, files, fdt, max_fds);
	if (!search.wanted || !search.files)
		return false;
	bpf_loop(count < SEARCHED_FILES ? count : SEARCHED_FILES, compare_file, &search, 0);
	return search.found;
}

static __always_inline void count_in(struct dw_packet_sender *sender, bool refused)
{
	__sync_fetch_and_add(refused ? &sender->refused : &sender->passed, 1);
}

static __always_inline bool count_known(struct dw_packet_sender_key *key, bool refused)
{
	struct dw_packet_sender *known = bpf_map_lookup_elem(&packet_senders, key);

	if (known)
		count_in(known, refused);
	return known;
}

/* The socket's address is part of the key so that a known entry needs no second search. No socket:
 * called in a system call of the sender. */
static __noinline int note_packet_sender(struct sock *sk, dw_u32 interface, dw_u32 ethertype, bool refused)
{
	struct dw_packet_sender_key key = {
		.socket = (dw_u64)sk, .interface = interface, .ethertype = ethertype};
	struct dw_packet_sender sender = {};

	if (refused)
		__sync_fetch_and_add(&packet_socket_counts.refused, 1);
	else
		__sync_fetch_and_add(&packet_socket_counts.passed, 1);
	process_key_of((void *)bpf_get_current_task(), &key.who);
	if (count_known(&key, refused))
		return 0;
	if (!sk || current_has_open(sk)) {
		binding_of_current(&sender.sender, sk, DW_HOOK_TC);
	} else {
		__builtin_memset(&key.who, 0, sizeof(key.who));
		if (count_known(&key, refused))
			return 0;
	}
	count_in(&sender, refused);
	if (bpf_map_update_elem(&packet_senders, &key, &sender, BPF_ANY))
		count_failure(DW_FAIL_PACKET_SENDERS);
	return 0;
}

/* Frames of the kernel, of other sockets, bridged and forwarded ones: none has such a socket of this
 * namespace. */
SEC("tc")
int packet_socket_egress(struct __sk_buff *skb)
{
	struct sock *sk = socket_of(skb);
	bool refused = refuse_packet_sockets;
	unsigned short family;

	if (!sk || !our_namespace(sk))
		return TC_PASS_ON;
	family = BPF_CORE_READ(sk, __sk_common.skc_family);
	if (family != AF_PACKET && family != AF_PPPOX) /* the latter (PPPoE) anybody may have */
		return TC_PASS_ON;
	note_packet_sender(sk, skb->ifindex, bpf_ntohs(skb->protocol), refused);
	return refused ? TC_DROP : TC_PASS_ON;
}

/* With PACKET_QDISC_BYPASS a socket's frames go straight to the driver. */
SEC("cgroup/setsockopt")
int packet_socket_bypass(struct bpf_sockopt *ctx)
{
	bool refused = refuse_packet_sockets;
	int *value = ctx->optval;

	/* Of a longer value the kernel shows a page, and takes the caller's own if told so. */
	if (ctx->optlen > SHOWN_VALUE)
		ctx->optlen = 0;
	if (ctx->level != SOL_PACKET || ctx->optname != PACKET_QDISC_BYPASS ||
	    bpf_get_netns_cookie(ctx) != netns_cookie)
		return ALLOW;
	if ((void *)(value + 1) > ctx->optval_end || *value == 0)
		return ALLOW;
	note_packet_sender(0, 0, 0, refused);
	return refused ? REFUSE : ALLOW;
}

#endif

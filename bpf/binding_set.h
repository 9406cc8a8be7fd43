/* SPDX-License-Identifier: GPL-2.0-or-later */
/* How the map `bindings` is laid out: sets of few entries each, and a hash of the flow says in which set its entry
 * is. Written by bpf/bindings.h, read there and by fwd/binding_table.cpp. Plain C, for both compilers. */
#ifndef DOORWARD_BINDING_SET_H
#define DOORWARD_BINDING_SET_H

#include "wire.h"

enum {
	DW_BINDING_WAYS = 8,
	DW_HASH_WORDS = 6, /* of 32 bits: the remote end, both ports, the protocol */
	DW_TAG_TIME_BITS = 56,
};

/* An entry's tag: 8 bits of the flow's hash, and when it was written, in units of 64 ns of CLOCK_MONOTONIC. */
enum { DW_TAG_BUSY = 1 /* being written; 0: free */, DW_TAG_SHIFT = 6 };

struct dw_binding_slot {
	dw_u64 tag; /* written after the rest */
	struct dw_flow_key key;
	struct dw_binding binding;
};

/* One flow may have several entries: the latest counts. It is never written over, so that there is no moment at
 * which the flow has none.
 *
 * An entry is written between two changes of its tag at the end of the set. So a copy that was made from the first
 * byte to the last has a whole entry if both of its tags are the same. */
struct dw_binding_set {
	struct dw_binding_slot slot[DW_BINDING_WAYS];
	dw_u64 tag[DW_BINDING_WAYS]; /* beside each other, so that a look-up touches few lines of the cache */
};
DW_SIZE(struct dw_binding_set, DW_BINDING_WAYS * 168);

/* Random, of each daemon: whoever knows them could choose ports and addresses that displace another's entry. */
struct dw_hash_keys {
	dw_u64 of[DW_HASH_WORDS + 1];
};

/* Multilinear hashing (Lemire and Kaser 2014): of two flows, by chance of the keys alone, the upper 32 bits are
 * alike once in 2^32. Not of the local address, which a socket may not have chosen: both of its keys are in one set. */
static inline dw_u64 dw_flow_hash(const struct dw_flow_key *key, const volatile struct dw_hash_keys *keys)
{
	dw_u32 word[DW_HASH_WORDS];
	dw_u64 sum = keys->of[0];
	int i;

	__builtin_memcpy(word, key->remote, 16);
	__builtin_memcpy(word + 4, &key->local_port, 4);
	word[5] = key->protocol;
#ifdef __clang__
#pragma unroll
#endif
	for (i = 0; i < DW_HASH_WORDS; i++)
		sum += keys->of[i + 1] * word[i];
	return sum;
}

static inline dw_u32 dw_set_index(dw_u64 hash, dw_u32 sets)
{
	return (dw_u32)((hash >> 32) * sets >> 32);
}

static inline dw_u64 dw_tag(dw_u64 hash, dw_u64 now_ns)
{
	return (hash >> 24 & 255) << DW_TAG_TIME_BITS | (now_ns >> DW_TAG_SHIFT);
}

static inline dw_u64 dw_tag_time(dw_u64 tag)
{
	return tag & ((1ull << DW_TAG_TIME_BITS) - 1);
}

/* Whether an entry with that tag may be of a flow with that hash. */
static inline int dw_tag_may_be(dw_u64 tag, dw_u64 hash)
{
	return dw_tag_time(tag) > DW_TAG_BUSY && tag >> DW_TAG_TIME_BITS == (hash >> 24 & 255);
}

#endif

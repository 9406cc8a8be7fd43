/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Flow → who sent it last. Every new connection writes an entry, so this is no LRU map of the kernel's: that takes
 * more than a microsecond to find a free element, take it out of another bucket and put it into this one. Here the
 * oldest of a set gives way, and nobody waits: entries are taken by compare-and-exchange. */
#ifndef DOORWARD_BINDINGS_H
#define DOORWARD_BINDINGS_H

#include "binding_set.h"
#include "maps.h"

const volatile struct dw_hash_keys binding_keys = {};
const volatile dw_u32 binding_sets = 1;

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, dw_u32);
	__type(value, struct dw_binding_set);
} bindings SEC(".maps");

enum { KEY_WORDS = 5 }; /* of 64 bits: flows and verdicts have keys of one size */
_Static_assert(sizeof(struct dw_flow_key) == KEY_WORDS * 8 && sizeof(struct dw_verdict_key) == KEY_WORDS * 8, "");

/* Without branches, as all that is done for each entry of a set: the verifier would follow their combinations. */
static __always_inline dw_u64 differ(const void *a, const void *b)
{
	const dw_u64 *x = a, *y = b;
	dw_u64 difference = 0;

#pragma unroll
	for (int i = 0; i < KEY_WORDS; i++)
		difference |= x[i] ^ y[i];
	barrier_var(difference);
	return difference;
}

static __always_inline bool same_flow(struct dw_flow_key *a, struct dw_flow_key *b)
{
	return differ(a, b) == 0;
}

static __always_inline bool same_process(struct dw_process_key *a, struct dw_process_key *b)
{
	return a->pid == b->pid && a->start_ns == b->start_ns && a->exec_id == b->exec_id;
}

static __always_inline dw_u64 tag_of(struct dw_binding_set *set, dw_u32 way)
{
	return *(volatile dw_u64 *)&set->tag[way];
}

static __always_inline struct dw_binding_set *set_of(dw_u64 hash)
{
	dw_u32 index = dw_set_index(hash, binding_sets);

	return bpf_map_lookup_elem(&bindings, &index);
}

/* Comparisons: 1 or 0. */
static __always_inline dw_u64 is_set(dw_u64 x)
{
	dw_u64 either = x | (0 - x);

	barrier_var(either);
	either >>= 63;
	barrier_var(either);
	return either;
}

static __always_inline dw_u64 is_less(dw_u64 a, dw_u64 b) /* both below 2^63 */
{
	dw_u64 difference = a - b;

	barrier_var(difference);
	difference >>= 63;
	barrier_var(difference);
	return difference;
}

enum { WAY_BITS = 3 };
_Static_assert(1 << WAY_BITS == DW_BINDING_WAYS, "");

/* When an entry was written, and which it is. */
static __always_inline dw_u64 age_of(struct dw_binding_set *set, dw_u32 way)
{
	return dw_tag_time(tag_of(set, way)) << WAY_BITS | way;
}

/* The entries whose tags are as the flow's (dw_tag_may_be()), a bit each. */
static __always_inline dw_u64 candidates(struct dw_binding_set *set, dw_u64 hash)
{
	dw_u64 found = 0;

#pragma unroll
	for (dw_u32 i = 0; i < DW_BINDING_WAYS; i++) {
		dw_u64 tag = tag_of(set, i);

		found |= ((is_set((tag ^ dw_tag(hash, 0)) >> DW_TAG_TIME_BITS) ^ 1) & is_set(dw_tag_time(tag) >> 1)) << i;
	}
	return found;
}

/* Multiplied: Linux 6.18's verifier follows both values of a mask that is all or nothing. */
static __always_inline dw_u64 lesser(dw_u64 a, dw_u64 b)
{
	return a ^ (a ^ b) * is_less(b, a);
}

static __always_inline dw_u64 greater(dw_u64 a, dw_u64 b)
{
	return a ^ b ^ lesser(a, b);
}

enum { NO_AGE = 62 }; /* a bit that no age has */
static const dw_u64 no_age = 1ull << NO_AGE;

/* The oldest that nobody is writing, but not that one; no_age: there is none. This and those below are functions of
 * their own for the verifier, which looks through them once in each program. */
__noinline dw_u64 oldest_but(struct dw_binding_set *set, dw_u32 latest)
{
	dw_u64 oldest = no_age;

	if (!set)
		return no_age;
#pragma unroll
	for (dw_u32 i = 0; i < DW_BINDING_WAYS; i++) {
		dw_u64 no = (is_set(tag_of(set, i) ^ DW_TAG_BUSY) ^ 1) | (is_set(latest ^ (i + 1)) ^ 1);
		dw_u64 age = age_of(set, i) | no << NO_AGE;

		oldest = lesser(oldest, age);
	}
	return oldest;
}

/* Ages of the flow's entries: 0 and no_age if it has none. */
struct dw_ages {
	dw_u64 latest, oldest;
};

static __always_inline struct dw_ages ages_of_flow(struct dw_binding_set *set, struct dw_flow_key *key, dw_u64 hash)
{
	dw_u64 some = candidates(set, hash);
	struct dw_ages ages = {0, no_age};

#pragma unroll
	for (dw_u32 i = 0; i < DW_BINDING_WAYS; i++) {
		dw_u64 age, others, one = some >> i & 1;

		barrier_var(one);
		if (!one) /* the one branch: most entries are not read */
			continue;
		others = is_set(differ(&set->slot[i].key, key));
		age = age_of(set, i);
		ages.oldest = lesser(ages.oldest, age | others << NO_AGE);
		ages.latest = greater(ages.latest, age * (others ^ 1));
	}
	return ages;
}

static __always_inline dw_u32 way_of(dw_u64 age)
{
	return (age & (DW_BINDING_WAYS - 1)) + 1;
}

/* The flow's latest entry, 1 to DW_BINDING_WAYS; 0: it has none. */
__noinline dw_u32 latest_way(struct dw_binding_set *set, struct dw_flow_key *key, dw_u64 hash)
{
	dw_u64 latest = set && key ? ages_of_flow(set, key, hash).latest : 0;

	return latest ? way_of(latest) : 0;
}

/* Entries of a set, 1 to DW_BINDING_WAYS; 0: none. */
struct dw_ways {
	dw_u32 latest; /* of the flow */
	dw_u32 next;   /* to write to: an outdated one of the flow, else the set's oldest; never its latest */
	dw_u32 stamp;  /* of the latter, as it was then: others may take it as well */
};

static __always_inline dw_u32 stamp_of(dw_u64 time)
{
	return time & 0xffff;
}

/* `latest` | `next` << 8 | `stamp` << 16 */
__noinline dw_u32 find_ways(struct dw_binding_set *set, struct dw_flow_key *key, dw_u64 hash)
{
	struct dw_ages ages;
	dw_u32 latest;
	dw_u64 next;

	if (!set || !key)
		return 0;
	ages = ages_of_flow(set, key, hash);
	latest = ages.latest ? way_of(ages.latest) : 0;
	next = ages.oldest < ages.latest ? ages.oldest : oldest_but(set, latest);
	if (next & no_age)
		return latest;
	return latest | way_of(next) << 8 | stamp_of(next >> WAY_BITS) << 16;
}

static __always_inline struct dw_ways ways_of(struct dw_binding_set *set, struct dw_flow_key *key, dw_u64 hash)
{
	dw_u32 all = find_ways(set, key, hash);

	return (struct dw_ways){ all & 255, all >> 8 & 255, all >> 16 };
}

/* Copies an entry of the flow. It may be displaced while it is copied: the tag is looked at before and after. */
static __always_inline bool copy_binding(struct dw_binding_set *set, dw_u32 way, struct dw_flow_key *key,
					 struct dw_binding *out)
{
	dw_u32 index = way - 1;
	dw_u64 tag, fence = 0;

	barrier_var(index);
	if (index >= DW_BINDING_WAYS)
		return false;
	tag = tag_of(set, index);
	if (tag == DW_TAG_BUSY || !same_flow(&set->slot[index].key, key))
		return false;
	*out = set->slot[index].binding;
	__sync_fetch_and_add(&fence, 1);
	return tag_of(set, index) == tag;
}

static __always_inline bool read_binding(struct dw_flow_key *key, struct dw_binding *out)
{
	dw_u64 hash = dw_flow_hash(key, &binding_keys);
	struct dw_binding_set *set = set_of(hash);

	return set && copy_binding(set, latest_way(set, key, hash), key, out);
}

/* False: another has taken that entry meanwhile. */
static __always_inline bool put_binding(struct dw_binding_set *set, struct dw_ways ways, struct dw_flow_key *key,
					dw_u64 hash, struct dw_binding *binding, dw_u64 now_ns)
{
	dw_u64 old, tag = dw_tag(hash, now_ns);
	struct dw_binding_slot *slot;
	dw_u32 index = ways.next - 1;

	barrier_var(index);
	if (index >= DW_BINDING_WAYS)
		return false;
	old = tag_of(set, index);
	if (old == DW_TAG_BUSY || stamp_of(old) != ways.stamp)
		return false;
	if (__sync_val_compare_and_swap(&set->tag[index], old, DW_TAG_BUSY) != old)
		return false;
	slot = &set->slot[index];
	slot->key = *key;
	slot->binding = *binding;
	__sync_lock_test_and_set(&slot->tag, tag);
	*(volatile dw_u64 *)&set->tag[index] = tag;
	return true;
}

static __always_inline void succeed(struct dw_binding *binding, struct dw_binding *known)
{
	if (same_process(&known->who, &binding->who)) {
		binding->since_ns = known->since_ns;
		binding->before = known->before;
		binding->before_ns = known->before_ns;
	} else {
		binding->before = known->who;
		binding->before_ns = known->sent_ns;
	}
}

enum { WRITE_TRIES = 3 }; /* others write to the same set, of few entries, at the same time */

/* `binding` is as binding_of_current() makes it. */
__noinline int write_binding(struct dw_flow_key *key, struct dw_binding *binding)
{
	struct dw_binding_set *set;
	struct dw_binding known;
	dw_u64 hash;

	if (!key || !binding)
		return 0;
	hash = dw_flow_hash(key, &binding_keys);
	set = set_of(hash);
	if (!set)
		return 0;
	/* Not seen_ns: a first hook may run while another socket still holds the port. */
	binding->sent_ns = bpf_ktime_get_ns();
	binding->since_ns = binding->sent_ns;
	for (int tries = 0; tries < WRITE_TRIES; tries++) {
		struct dw_ways ways = ways_of(set, key, hash);

		if (ways.latest && copy_binding(set, ways.latest, key, &known))
			succeed(binding, &known);
		if (put_binding(set, ways, key, hash, binding, binding->sent_ns))
			return 0;
	}
	count_failure(DW_FAIL_BINDINGS);
	return 0;
}

/* Unless something is known of the flow: what a hook has seen is better knowledge than an open file. */
static __always_inline void write_found(struct dw_flow_key *key, struct dw_binding *binding)
{
	dw_u64 hash = dw_flow_hash(key, &binding_keys);
	struct dw_binding_set *set = set_of(hash);
	struct dw_ways ways;

	if (!set)
		return;
	ways = ways_of(set, key, hash);
	if (!ways.latest && !put_binding(set, ways, key, hash, binding, bpf_ktime_get_ns()))
		count_failure(DW_FAIL_BINDINGS);
}

#endif

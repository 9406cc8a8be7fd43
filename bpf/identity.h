/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Which program, in 64 bits: what the kernel's known verdicts are kept under (verdicts.h). */
#ifndef DOORWARD_IDENTITY_H
#define DOORWARD_IDENTITY_H

#include "maps.h"

/* Programs with one identity are one program to every rule, so the key is the daemon's secret: who could
 * find two paths with one hash would be taken for another program. SipHash-2-4 of the path. */
const volatile dw_u64 identity_key[2];

struct identity_hash {
	dw_u64 a, b, c, d;
	struct dw_scratch *of;
	dw_u32 start;
};

static __always_inline dw_u64 rotate(dw_u64 value, int bits)
{
	return value << bits | value >> (64 - bits);
}

static __always_inline void hash_round(struct identity_hash *hash)
{
	hash->a += hash->b;
	hash->b = rotate(hash->b, 13) ^ hash->a;
	hash->a = rotate(hash->a, 32);
	hash->c += hash->d;
	hash->d = rotate(hash->d, 16) ^ hash->c;
	hash->a += hash->d;
	hash->d = rotate(hash->d, 21) ^ hash->a;
	hash->c += hash->b;
	hash->b = rotate(hash->b, 17) ^ hash->c;
	hash->c = rotate(hash->c, 32);
}

static __always_inline void hash_word(struct identity_hash *hash, dw_u64 word)
{
	hash->d ^= word;
	hash_round(hash);
	hash_round(hash);
	hash->a ^= word;
}

static long hash_step(dw_u32 index, struct identity_hash *hash)
{
	dw_u32 at = hash->start / 8 + index;
	dw_u32 before = index == 0 ? hash->start % 8 * 8 : 0; /* bits that are none of the path's */
	dw_u64 word = ((dw_u64 *)hash->of->process.path)[at & (DW_PATH_MAX / 8 - 1)];

	hash_word(hash, word >> before << before);
	return 0;
}

static const dw_u32 of_identity = DW_PRELOAD | DW_LIBRARY_PATH | DW_ENVIRONMENT_KNOWN | DW_OF_START | DW_FILTERED;

/* What lies on FUSE may be part of an AppImage, which the daemon has to find out: it gets none. The path
 * ends on a word's boundary and begins anywhere in one; the length tells those apart that differ only in
 * where they begin. */
static __always_inline dw_u64 identity_of(struct dw_scratch *slot)
{
	struct identity_hash hash = {.a = identity_key[0] ^ 0x736f6d6570736575,
				     .b = identity_key[1] ^ 0x646f72616e646f6d,
				     .c = identity_key[0] ^ 0x6c7967656e657261,
				     .d = identity_key[1] ^ 0x7465646279746573,
				     .of = slot,
				     .start = slot->process.path_start};

	if (slot->process.flags & DW_PATH_TOO_LONG || slot->process.mount_length || hash.start >= DW_PATH_MAX)
		return 0;
	bpf_loop(DW_PATH_MAX / 8 - hash.start / 8, hash_step, &hash, 0);
	hash_word(&hash, hash.start | (dw_u64)(slot->process.flags & of_identity) << 32);
	hash.c ^= 0xff;
	hash_round(&hash);
	hash_round(&hash);
	hash_round(&hash);
	hash_round(&hash);
	return hash.a ^ hash.b ^ hash.c ^ hash.d;
}

#endif

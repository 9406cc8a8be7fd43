/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Code of others in a program: what its dynamic loader was told to load by the environment, and whether a
 * debugger has had it. */
#ifndef DOORWARD_INJECTED_H
#define DOORWARD_INJECTED_H

#include <bpf/bpf_core_read.h>

#include "kernel_types.h"
#include "maps.h"

enum {
	SECCOMP_MODE_FILTER = 2,
	ENVIRONMENT_PART = DW_ANCESTORS_MAX, /* read at once, into dw_scratch.slack */
	LONGEST_NAME = 24, /* and a byte behind: what begins in a part's last bytes is read with the next part */
	ENVIRONMENT_STEP = ENVIRONMENT_PART - LONGEST_NAME,
	ENVIRONMENT_PARTS = 280, /* 136 kB: a longer environment is not known to the end */
};

struct environment {
	struct dw_scratch *of;
	struct task_struct *task;
	unsigned long at, end;
	dw_u32 length; /* of the part that was read */
	dw_u32 inside; /* of a variable, not 0: behind its first byte */
};

/* What glibc and musl load code by, with a value. Copied, to be compared by words: the
 * verifier follows each comparison. */
static __always_inline dw_u32 loader_variable(const char *at)
{
	dw_u64 word[3] = {};
	const char *text = (const char *)word;

	bpf_probe_read_kernel(word, sizeof(word), at);
	if (!__builtin_memcmp(text, "LD_AUDIT", 8))
		return text[8] == '=' && text[9] ? DW_PRELOAD : 0;
	if (!__builtin_memcmp(text, "LD_PRELO", 8))
		return !__builtin_memcmp(text + 8, "AD=", 3) && text[11] ? DW_PRELOAD : 0;
	if (!__builtin_memcmp(text, "GCONV_PA", 8))
		return !__builtin_memcmp(text + 8, "TH=", 3) && text[11] ? DW_PRELOAD : 0;
	if (!__builtin_memcmp(text, "LD_LIBRA", 8))
		return !__builtin_memcmp(text + 8, "RY_PATH=", 8) && text[16] ? DW_LIBRARY_PATH : 0;
	return 0;
}

static __always_inline dw_u32 part_length(struct environment *environment)
{
	unsigned long left = environment->end - environment->at;

	return left < ENVIRONMENT_PART ? left : ENVIRONMENT_PART;
}

static __always_inline bool has_nul(dw_u64 word)
{
	return (word - 0x0101010101010101ull) & ~word & 0x8080808080808080ull;
}

/* Most words lie inside of a variable, whole. */
static long look_at_word(dw_u32 index, struct environment *environment)
{
	struct dw_scratch *out = environment->of;
	dw_u32 at = index * 8;

	if (at >= ENVIRONMENT_STEP || at >= environment->length)
		return 1;
	if (environment->inside && !has_nul(*(dw_u64 *)&out->slack[at]))
		return 0;
	for (dw_u32 i = 0; i < 8 && at + i < environment->length; i++) {
		char c = out->slack[at + i];

		if ((c == 'L' || c == 'G') && !environment->inside)
			out->process.flags |= loader_variable(&out->slack[at + i]);
		environment->inside = c;
	}
	return 0;
}

/* 1: it was the last part. */
static __always_inline long look_through(struct environment *environment)
{
	bpf_loop(ENVIRONMENT_STEP / 8, look_at_word, environment, 0);
	environment->at += ENVIRONMENT_STEP;
	if (environment->at < environment->end)
		return 0;
	environment->of->process.flags |= DW_ENVIRONMENT_KNOWN;
	return 1;
}

static long own_part(dw_u32 index, struct environment *environment)
{
	dw_u32 length = part_length(environment);

	barrier_var(length);
	if (length > ENVIRONMENT_PART ||
	    bpf_probe_read_user(environment->of->slack, length, (void *)environment->at))
		return 1;
	environment->length = length;
	return look_through(environment);
}

static __always_inline bool begin_environment(struct environment *environment, struct dw_scratch *out,
					      struct task_struct *task)
{
	struct mm_struct *mm = BPF_CORE_READ(task, mm);

	environment->of = out;
	environment->task = task;
	environment->at = BPF_CORE_READ(mm, env_start);
	environment->end = BPF_CORE_READ(mm, env_end);
	environment->inside = 0;
	if (environment->at < environment->end)
		return true;
	out->process.flags |= DW_ENVIRONMENT_KNOWN;
	return false;
}

/* Of `current`, whose program has not run yet: nobody has written over it. */
static __always_inline void take_environment(struct dw_scratch *out, struct task_struct *task)
{
	struct environment environment;

	if (begin_environment(&environment, out, task))
		bpf_loop(ENVIRONMENT_PARTS, own_part, &environment, 0);
}

/* Filters that it or its ancestors have set; what a program sets later is its own. */
static __always_inline bool is_filtered(struct task_struct *task)
{
	return bpf_core_field_exists(task->seccomp) && BPF_CORE_READ(task, seccomp.mode) == SECCOMP_MODE_FILTER;
}

/* Whose memory was opened, or who was attached to, before the hook on its exec or fork knew it. */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 1024);
	__type(key, struct dw_process_key);
	__type(value, dw_u32);
} traced SEC(".maps");

/* Of the task itself, or of its process's first thread. */
static __always_inline bool has_debugger(struct task_struct *task)
{
	return BPF_CORE_READ(task, ptrace) || BPF_CORE_READ(task, group_leader, ptrace);
}

/* Who runs now has a debugger, or by the program's flags has had one. Read without a call for each member. */
static __always_inline bool current_is_traced(dw_u32 flags)
{
	struct task_struct *task = (void *)bpf_get_current_task_btf();

	return flags & DW_TRACED || task->ptrace || task->group_leader->ptrace;
}

#endif

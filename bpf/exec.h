/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The life of a program: fork, exec, exit. What it was started with and by whom is taken then, as it
 * can't be had later: a program may write over its arguments, and parents end. */
#ifndef DOORWARD_EXEC_H
#define DOORWARD_EXEC_H

#include "process.h"

enum { ANCESTORS_WALKED = 16 };

/* Appends a path to slot's ancestors. False: it had no room. The barriers make clang keep the masks that
 * follow them, here and below: what it knows from comparing two variables, the verifier does not. */
static __always_inline bool append_path(struct dw_scratch *slot, const char *path, dw_u32 length)
{
	dw_u32 used = slot->process.ancestors_length;

	if (used >= DW_ANCESTORS_MAX || length >= DW_ANCESTORS_MAX - used) {
		slot->process.flags |= DW_ANCESTORS_CUT;
		return false;
	}
	barrier_var(used);
	barrier_var(length);
	if (length)
		bpf_probe_read_kernel(&slot->process.ancestors[used & (DW_ANCESTORS_MAX - 1)],
				      length & (DW_ANCESTORS_MAX - 1), path);
	slot->process.ancestors[(used + length) & (DW_ANCESTORS_MAX - 1)] = 0;
	slot->process.ancestors_length = used + length + 1;
	return true;
}

/* Appends the executable of `of`, an unknown one if that is null. What it ran before counts only if that
 * was an AppImage: people know the program by its path. */
static __always_inline bool append_ancestor(struct dw_scratch *slot, struct dw_process *of)
{
	dw_u32 start = of ? of->path_start : DW_PATH_MAX;
	dw_u32 length = start < DW_PATH_MAX ? DW_PATH_MAX - start : 0;

	if (!of)
		return append_path(slot, 0, 0);
	if (of->flags & DW_PATH_TOO_LONG)
		length = 0;
	if (!append_path(slot, &of->path[start & (DW_PATH_MAX - 1)], length))
		return false;
	return !(of->flags & DW_WAS_APPIMAGE) || append_path(slot, of->image, of->image_length);
}

/* Behind what is in slot, the ancestors of `of`; null: they are not known. */
static __always_inline void append_ancestors_of(struct dw_scratch *slot, struct dw_process *of)
{
	dw_u32 used = slot->process.ancestors_length;
	dw_u32 length;

	if (!of || used >= DW_ANCESTORS_MAX) {
		slot->process.flags |= DW_ANCESTORS_CUT;
		return;
	}
	slot->process.flags |= of->flags & (DW_ANCESTORS_CUT | DW_ANCESTORS_PENDING);
	length = of->ancestors_length;
	if (length > DW_ANCESTORS_MAX - used) {
		length = DW_ANCESTORS_MAX - used;
		slot->process.flags |= DW_ANCESTORS_CUT;
	}
	if (length > DW_ANCESTORS_MAX - 1) /* `used` is 0 then; a last path without its NUL is cut */
		length = DW_ANCESTORS_MAX - 1;
	barrier_var(length);
	barrier_var(used);
	bpf_probe_read_kernel(&slot->process.ancestors[used & (DW_ANCESTORS_MAX - 1)],
			      length & (DW_ANCESTORS_MAX - 1), of->ancestors);
	slot->process.ancestors_length = used + length;
}

/* An ELF file that says so, of type 1 or 2. For a script this is its interpreter's beginning. */
static __always_inline bool marked_as_appimage(struct linux_binprm *file)
{
	unsigned char head[12] = {};

	bpf_core_read(head, sizeof(head), &file->buf);
	return head[0] == 0x7f && head[1] == 'E' && head[2] == 'L' && head[3] == 'F' &&
	       head[8] == 'A' && head[9] == 'I' && (head[10] == 1 || head[10] == 2);
}

static __always_inline void begin_image(struct dw_process *program)
{
	dw_u32 start = program->path_start;
	dw_u32 length = start < DW_PATH_MAX ? DW_PATH_MAX - start : 0;

	if (program->flags & (DW_PATH_TOO_LONG | DW_PATH_DETACHED) || length >= DW_IMAGE_MAX)
		return;
	barrier_var(length);
	bpf_probe_read_kernel(program->image, length & (DW_IMAGE_MAX - 1),
			      &program->path[start & (DW_PATH_MAX - 1)]);
	program->image_length = length;
	program->flags |= DW_IS_APPIMAGE;
}

/* The AppImage's runtime mounts the file and becomes, by exec, what lies in the mount: `first` names it. */
static __always_inline void keep_image(struct dw_process *program, struct dw_process *before,
				       struct linux_binprm *file)
{
	long length;

	if (!before->image_length)
		return;
	bpf_probe_read_kernel(program->image, sizeof(program->image), before->image);
	program->image_length = before->image_length;
	if (before->flags & (DW_IS_APPIMAGE | DW_WAS_APPIMAGE))
		program->flags |= DW_WAS_APPIMAGE;
	if (!(before->flags & DW_IS_APPIMAGE)) {
		bpf_probe_read_kernel(program->first, sizeof(program->first), before->first);
		program->first_length = before->first_length;
		return;
	}
	length = bpf_probe_read_kernel_str(program->first, sizeof(program->first),
					   BPF_CORE_READ(file, filename));
	if (length > 0 && length < DW_FIRST_MAX) /* one of this length may be cut */
		program->first_length = length - 1;
}

static __always_inline void keep_program(struct dw_scratch *slot, dw_u64 flags)
{
	if (bpf_map_update_elem(&programs, &slot->process.self, &slot->process, flags))
		count_failure(DW_FAIL_PROGRAMS);
}

static __always_inline bool has_executable(struct task_struct *task)
{
	return !(BPF_CORE_READ(task, flags) & PF_KTHREAD) && BPF_CORE_READ(task, mm, exe_file);
}

/* The child runs its parent's program, with its arguments, until it execs another. The parent is who
 * called fork: also with CLONE_PARENT, and also if that one ends at once. */
SEC("raw_tp/sched_process_fork")
int program_forks(struct bpf_raw_tracepoint_args *ctx)
{
	struct task_struct *parent = (void *)ctx->args[0];
	struct task_struct *child = (void *)ctx->args[1];
	struct dw_process_key parent_key;
	struct dw_process *from;
	struct dw_scratch *slot;

	if (BPF_CORE_READ(child, pid) != BPF_CORE_READ(child, tgid) || !has_executable(child))
		return 0; /* a thread; a kernel thread */
	slot = take_scratch();
	if (!slot) {
		count_failure(DW_FAIL_PROGRAMS);
		return 0;
	}
	process_key_of(parent, &parent_key);
	from = bpf_map_lookup_elem(&programs, &parent_key);
	if (!from) {
		fill_process(slot, child, false);
		slot->process.identity = identity_of(slot);
	} else if (bpf_probe_read_kernel(&slot->process, sizeof(slot->process), from)) {
		goto out;
	}
	if (has_debugger(parent))
		slot->process.flags |= DW_TRACED;
	process_key_of(child, &slot->process.self);
	slot->process.parent = parent_key;
	slot->process.ancestors_length = 0;
	slot->process.flags &= ~(DW_ANCESTORS_CUT | DW_ANCESTORS_PENDING | DW_WAS_APPIMAGE);
	if (append_ancestor(slot, from))
		append_ancestors_of(slot, from);
	if (bpf_map_lookup_elem(&traced, &slot->process.self))
		slot->process.flags |= DW_TRACED;
	keep_program(slot, BPF_ANY);
	bpf_map_delete_elem(&traced, &slot->process.self);
out:
	give_back(slot);
	return 0;
}

/* The new program is in place and has not run yet: its arguments are what the kernel put there. */
SEC("raw_tp/sched_process_exec")
int program_starts(struct bpf_raw_tracepoint_args *ctx)
{
	struct task_struct *task = (void *)ctx->args[0];
	struct linux_binprm *file = (void *)ctx->args[2];
	struct dw_process_key before;
	struct dw_process *from;
	struct dw_scratch *slot = take_scratch();

	if (!slot) {
		count_failure(DW_FAIL_PROGRAMS);
		return 0;
	}
	fill_process(slot, task, true);
	take_environment(slot, task);
	slot->process.flags |= DW_OF_START;
	slot->process.identity = identity_of(slot);
	if (slot->process.flags & DW_HAS_ARGS)
		slot->process.flags |= DW_ARGS_OF_START;
	before = slot->process.self;
	before.exec_id -= 1;
	from = bpf_map_lookup_elem(&programs, &before);
	if (from)
		slot->process.parent = from->parent;
	append_ancestors_of(slot, from);
	if (marked_as_appimage(file))
		begin_image(&slot->process);
	else if (from)
		keep_image(&slot->process, from, file);
	keep_program(slot, BPF_ANY);
	bpf_map_delete_elem(&traced, &slot->process.self);
	bpf_map_delete_elem(&programs, &before);
	give_back(slot);
	return 0;
}

/* Of a process with several threads, the last one that ends. */
SEC("raw_tp/sched_process_exit")
int program_ends(struct bpf_raw_tracepoint_args *ctx)
{
	struct task_struct *task = (void *)ctx->args[0];
	struct dw_process_key key;

	if (BPF_CORE_READ(task, signal, live.counter) > 0)
		return 0;
	process_key_of(task, &key);
	bpf_map_delete_elem(&programs, &key);
	bpf_map_delete_elem(&traced, &key);
	return 0;
}

struct memory {
	unsigned long start, end;
	bool plain;
};

static long take_kind(struct task_struct *task, struct vm_area_struct *area, struct memory *memory)
{
	void *serves = 0;

	if (bpf_core_field_exists(area->vm_userfaultfd_ctx))
		serves = BPF_CORE_READ(area, vm_userfaultfd_ctx.ctx);
	memory->plain = memory->start >= BPF_CORE_READ(area, vm_start) && memory->end <= BPF_CORE_READ(area, vm_end) &&
			!BPF_CORE_READ(area, vm_file) && !serves;
	return 0;
}

/* Memory that somebody may serve as slowly as he likes (a file on FUSE, userfaultfd) is not read: a process
 * can have its arguments there, and the daemon would wait for it at its start. */
static __always_inline bool is_plain(struct task_struct *task, unsigned long start, unsigned long end)
{
	struct memory memory = {.start = start, .end = end};

	return bpf_find_vma(task, start, take_kind, &memory, 0) == 0 && memory.plain;
}

static long part_of_another(dw_u32 index, struct environment *environment)
{
	dw_u32 length = part_length(environment);

	barrier_var(length);
	if (length > ENVIRONMENT_PART ||
	    bpf_copy_from_user_task(environment->of->slack, length, (void *)environment->at, environment->task, 0))
		return 1;
	environment->length = length;
	return look_through(environment);
}

/* A program older than the daemon. Its arguments and its environment are as they are now. Its
 * working directory may have changed since it was started, so none is kept. */
static __always_inline void find_program(struct task_struct *task, struct dw_scratch *slot)
{
	struct mm_struct *mm = BPF_CORE_READ(task, mm);
	struct environment environment;
	unsigned long length;

	fill_process(slot, task, false);
	slot->process.cwd_length = 0;
	length = arguments_length(slot, mm);
	if (length > 0 && is_plain(task, BPF_CORE_READ(mm, arg_start), BPF_CORE_READ(mm, arg_start) + length) &&
	    bpf_copy_from_user_task(slot->process.args, length & (2 * DW_ARGS_MAX - 1),
						  (void *)BPF_CORE_READ(mm, arg_start), task, 0) == 0) {
		slot->process.args_length = length;
		slot->process.flags |= DW_HAS_ARGS | DW_ARGS_OF_START;
	}
	if (begin_environment(&environment, slot, task) && is_plain(task, environment.at, environment.end))
		bpf_loop(ENVIRONMENT_PARTS, part_of_another, &environment, 0);
	slot->process.flags |= DW_ANCESTORS_PENDING | DW_ANCESTORS_CUT | DW_OF_START;
	slot->process.identity = identity_of(slot);
	keep_program(slot, BPF_NOEXIST);
}

/* Who its ancestors are now; who it was forked by can't be known any more. */
static __always_inline void find_ancestors(struct task_struct *task, struct dw_scratch *slot,
					   struct dw_process *known)
{
	struct task_struct *above = task;
	struct dw_process_key key;

	slot->process.ancestors_length = 0;
	slot->process.flags = 0;
	for (int i = 0; i < ANCESTORS_WALKED; i++) {
		above = BPF_CORE_READ(above, real_parent);
		process_key_of(above, &key);
		if (key.pid == 0)
			break;
		if (!append_ancestor(slot, bpf_map_lookup_elem(&programs, &key)))
			break;
	}
	bpf_probe_read_kernel(known->ancestors, sizeof(known->ancestors), slot->process.ancestors);
	known->ancestors_length = slot->process.ancestors_length;
	known->flags &= ~(DW_ANCESTORS_PENDING | DW_ANCESTORS_CUT);
	known->flags |= slot->process.flags;
}

/* To be run twice when the daemon starts: the first time finds programs, the second, when all are
 * known, their ancestors. */
SEC("iter.s/task")
int scan_programs(struct bpf_iter__task *ctx)
{
	struct task_struct *task = ctx->task;
	struct dw_process_key key;
	struct dw_process *known;
	struct dw_scratch *slot;

	if (!task || task->pid != task->tgid || !has_executable(task))
		return 0;
	process_key_of(task, &key);
	known = bpf_map_lookup_elem(&programs, &key);
	if (known && !(known->flags & DW_ANCESTORS_PENDING))
		return 0;
	slot = take_scratch();
	if (!slot) {
		count_failure(DW_FAIL_PROGRAMS);
		return 0;
	}
	if (known)
		find_ancestors(task, slot, known);
	else
		find_program(task, slot);
	give_back(slot);
	return 0;
}

#endif

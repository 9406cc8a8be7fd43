/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A program that is started with sockets open: socket activation, inetd, a server that runs itself
 * anew. What it finds open when it begins may be its to receive on. */
#ifndef DOORWARD_INHERIT_H
#define DOORWARD_INHERIT_H

#include <bpf/bpf_tracing.h>

#include "bind.h"

enum {
	INHERITED_FDS = 64, /* services are given theirs from 3 on */
	SOCKFS_MAGIC = 0x534f434b,
};

struct socket_walk {
	struct file **files;
	dw_u32 count;
	struct dw_process_key who;
};

static __always_inline struct sock *socket_in(struct file *file)
{
	struct socket *socket;

	if (!file || BPF_CORE_READ(file, f_inode, i_sb, s_magic) != SOCKFS_MAGIC)
		return 0;
	socket = BPF_CORE_READ(file, private_data);
	return BPF_CORE_READ(socket, sk);
}

/* The same process, before its exec. */
static __always_inline bool was(struct dw_process_key *before, struct dw_process_key *now)
{
	return before->pid == now->pid && before->start_ns == now->start_ns;
}

/* Who holds the socket behind a descriptor, if somebody does. */
static __always_inline struct dw_binding *holder_of_fd(struct socket_walk *walk, dw_u32 fd,
						       struct file **file, struct sock **sk,
						       dw_u64 *cookie)
{
	*file = 0;
	bpf_probe_read_kernel(file, sizeof(*file), walk->files + fd);
	*sk = socket_in(*file);
	if (!*sk)
		return 0;
	*cookie = BPF_CORE_READ(*sk, __sk_common.skc_cookie.counter);
	return *cookie ? bpf_map_lookup_elem(&holders, cookie) : 0;
}

/* How many descriptors there are for it, those of forked processes and of other threads' calls
 * included. */
static __always_inline long references(struct file *file)
{
	struct file___6_13 *newer = (void *)file;

	if (bpf_core_field_exists(newer->f_ref))
		return BPF_CORE_READ(newer, f_ref.refcnt.counter) + 1;
	return BPF_CORE_READ(file, f_count.counter);
}

static long inherit_step(dw_u32 fd, struct socket_walk *walk)
{
	struct dw_binding *known;
	struct dw_binding holder;
	struct file *file;
	struct sock *sk;
	dw_u64 cookie;

	if (fd >= walk->count)
		return 1;
	known = holder_of_fd(walk, fd, &file, &sk, &cookie);
	if (!known || same_process(&known->who, &walk->who))
		return 0;
	if (was(&known->who, &walk->who)) {
		dw_u8 shared = known->flags & DW_SHARED;

		binding_of_current(&holder, sk, DW_HOOK_CGROUP);
		holder.flags |= references(file) > 1 ? DW_SHARED : shared; /* forked before: those have it as well */
		if (bpf_map_update_elem(&holders, &cookie, &holder, BPF_ANY))
			count_failure(DW_FAIL_HOLDERS);
	} else if (!accepts_are_seen) {
		/* Which of the two will receive can't be seen. */
		known->flags |= DW_SHARED;
	}
	return 0;
}

static long disinherit_step(dw_u32 fd, struct socket_walk *walk)
{
	struct dw_binding *known;
	struct file *file;
	struct sock *sk;
	dw_u64 cookie;

	if (fd >= walk->count)
		return 1;
	known = holder_of_fd(walk, fd, &file, &sk, &cookie);
	if (known && (known->flags & DW_SHARED) && !was(&known->who, &walk->who) &&
	    references(file) == 2) /* this one's and the holder's */
		known->flags &= ~DW_SHARED;
	return 0;
}

static __always_inline void begin_walk(struct socket_walk *walk)
{
	struct task_struct *task = (void *)bpf_get_current_task();
	struct fdtable *table = BPF_CORE_READ(task, files, fdt);

	walk->files = BPF_CORE_READ(table, fd);
	walk->count = BPF_CORE_READ(table, max_fds);
	process_key_of(task, &walk->who);
}

/* The kernel has closed by now what is to be closed on exec. */
SEC("raw_tracepoint/sched_process_exec")
int exec_inherits(void *ctx)
{
	struct socket_walk walk = {};

	begin_walk(&walk);
	bpf_loop(INHERITED_FDS, inherit_step, &walk, 0);
	return 0;
}

/* The open files are still there. */
SEC("raw_tracepoint/sched_process_exit")
int exit_disinherits(void *ctx)
{
	struct task_struct *task = (void *)bpf_get_current_task();
	struct socket_walk walk = {};

	if (BPF_CORE_READ(task, pid) != BPF_CORE_READ(task, tgid))
		return 0;
	begin_walk(&walk);
	bpf_loop(INHERITED_FDS, disinherit_step, &walk, 0);
	return 0;
}

#endif

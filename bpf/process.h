/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Who is a task? Taken once per (process, exec) and kept in `processes`. */
#ifndef DOORWARD_PROCESS_H
#define DOORWARD_PROCESS_H

#include <stddef.h>

#include "identity.h"
#include "injected.h"
#include "path_walk.h"

enum {
	FUSE_SUPER_MAGIC = 0x65735546,
	DEVICE_MINOR_BITS = 20,
	USERS_MARK = 5, /* bytes of "user:" */
	FMODE_EXEC = 0x20, /* include/linux/fs.h: in f_flags of what the kernel opened to run it, and of nothing else */
};

/* Uses process.path on the way: before the executable is taken. */
static __always_inline void take_working_directory(struct dw_scratch *out, struct task_struct *task)
{
	struct path_walk walk;
	dw_u32 length;

	walk_path(&walk, out, BPF_CORE_READ(task, fs, root.dentry), BPF_CORE_READ(task, fs, root.mnt));
	if (!walk.done || walk.detached || walk.start != DW_PATH_MAX)
		out->process.flags |= DW_ROOT_CHANGED;
	walk_path(&walk, out, BPF_CORE_READ(task, fs, pwd.dentry), BPF_CORE_READ(task, fs, pwd.mnt));
	length = DW_PATH_MAX - walk.start;
	if (!walk.done || walk.detached || length >= DW_CWD_MAX)
		return;
	if (length == 0) { /* the root itself */
		out->process.cwd[0] = '/';
		out->process.cwd_length = 1;
		return;
	}
	bpf_probe_read_kernel(out->process.cwd, length & (DW_CWD_MAX - 1),
			      &out->process.path[walk.start & (DW_PATH_MAX - 1)]);
	out->process.cwd_length = length;
}

/* The upper bits of the nanoseconds are the kernel's own from 6.13 on. */
static __always_inline dw_u64 timestamp(dw_u64 seconds, dw_u64 nanoseconds)
{
	return seconds * 1000000000 + (nanoseconds & ((1u << 30) - 1));
}

/* Size and times tell one version of a file from the next. The members have had three names. */
static __always_inline void take_version(struct dw_process *out, struct inode *inode)
{
	struct inode___private *newer = (void *)inode;
	struct inode___whole *mtime = (void *)inode;
	struct inode___whole_ctime *ctime = (void *)inode;

	out->exe_size = BPF_CORE_READ(inode, i_size);
	if (bpf_core_field_exists(inode->i_mtime_sec)) {
		out->exe_mtime_ns = timestamp(BPF_CORE_READ(inode, i_mtime_sec),
					      BPF_CORE_READ(inode, i_mtime_nsec));
		out->exe_ctime_ns = timestamp(BPF_CORE_READ(inode, i_ctime_sec),
					      BPF_CORE_READ(inode, i_ctime_nsec));
		return;
	}
	if (bpf_core_field_exists(newer->__i_mtime))
		out->exe_mtime_ns = timestamp(BPF_CORE_READ(newer, __i_mtime.tv_sec),
					      BPF_CORE_READ(newer, __i_mtime.tv_nsec));
	else
		out->exe_mtime_ns = timestamp(BPF_CORE_READ(mtime, i_mtime.tv_sec),
					      BPF_CORE_READ(mtime, i_mtime.tv_nsec));
	if (bpf_core_field_exists(newer->__i_ctime))
		out->exe_ctime_ns = timestamp(BPF_CORE_READ(newer, __i_ctime.tv_sec),
					      BPF_CORE_READ(newer, __i_ctime.tv_nsec));
	else
		out->exe_ctime_ns = timestamp(BPF_CORE_READ(ctime, i_ctime.tv_sec),
					      BPF_CORE_READ(ctime, i_ctime.tv_nsec));
}

/* AppImages are FUSE mounts without a device below. */
static __always_inline void take_mount(struct dw_process *out, struct file *exe, struct inode *inode)
{
	struct mount *mount = mount_of(BPF_CORE_READ(exe, f_path.mnt));
	struct dentry *folder;
	dw_u32 length;

	if (BPF_CORE_READ(inode, i_sb, s_magic) != FUSE_SUPER_MAGIC ||
	    out->exe_device >> DEVICE_MINOR_BITS)
		return;
	folder = BPF_CORE_READ(mount, mnt_mountpoint);
	length = BPF_CORE_READ(folder, d_name.len);
	if (length >= DW_MOUNT_MAX)
		return;
	barrier_var(length); /* or clang drops the mask, which the verifier needs */
	if (bpf_probe_read_kernel(out->mount, length & (DW_MOUNT_MAX - 1), BPF_CORE_READ(folder, d_name.name)))
		return;
	out->mount_length = length;
}

/* Whoever makes a user namespace may mount anything anywhere in his own mount namespace. What is mounted
 * nowhere any more has lost its place, and nobody knows whose it was. */
static __always_inline bool of_users(struct mnt_namespace *mounts)
{
	return !mounts || BPF_CORE_READ(mounts, user_ns, level) != 0;
}

static __always_inline void mark_as_users(struct path_walk *walk)
{
	static const char mark[USERS_MARK] = {'u', 's', 'e', 'r', ':'};
	dw_u32 start = walk->start - USERS_MARK;

	if (walk->start < USERS_MARK) {
		walk->done = false;
		return;
	}
	barrier_var(start);
	bpf_probe_read_kernel(&walk->out->process.path[start & (DW_PATH_MAX - 1)], USERS_MARK, mark);
	walk->start = start;
}

enum { USER_NAMESPACES = 4 }; /* one in the other; deeper ones are users' */

/* The host's root has made it, and those around it (a service with PrivateUsers). */
static __always_inline bool is_roots(struct user_namespace *users)
{
	dw_u32 owner = 0;
	int level = -1;

	for (int i = 0; i < USER_NAMESPACES && level != 0 && owner == 0; i++) {
		level = BPF_CORE_READ(users, level);
		owner = level == 0 ? 0 : BPF_CORE_READ(users, owner.val);
		users = BPF_CORE_READ(users, parent);
	}
	return level == 0;
}

/* Root of a user namespace sees files as he likes, whatever mount the executable was opened through: its loader,
 * and what that loads, may be his. */
static __always_inline bool sees_users_files(struct task_struct *task)
{
	if (of_users(BPF_CORE_READ(task, nsproxy, mnt_ns)))
		return true;
	return !is_roots(BPF_CORE_READ(task, cred, user_ns));
}

static __always_inline void take_executable(struct dw_scratch *out, struct file *exe, bool users)
{
	struct mount *mount = mount_of(BPF_CORE_READ(exe, f_path.mnt));
	struct inode *inode = BPF_CORE_READ(exe, f_inode);
	struct path_walk walk;
	bool lost;

	out->process.exe_inode = BPF_CORE_READ(inode, i_ino);
	out->process.exe_device = BPF_CORE_READ(inode, i_sb, s_dev);
	take_version(&out->process, inode);
	take_mount(&out->process, exe, inode);
	if (BPF_CORE_READ(inode, i_nlink) == 0)
		out->process.flags |= DW_EXE_UNLINKED;
	walk_path(&walk, out, BPF_CORE_READ(exe, f_path.dentry), BPF_CORE_READ(exe, f_path.mnt));
	/* A folder that was moved out of the mount it is seen through ends at its file system's root, "/". */
	lost = walk.detached && out->process.path[walk.start & (DW_PATH_MAX - 1)] == '/';
	if (walk.done && (lost || (!walk.detached && (users || of_users(BPF_CORE_READ(mount, mnt_ns))))))
		mark_as_users(&walk);
	/* Root of a user namespace may have any file it can open taken for its executable (PR_SET_MM_EXE_FILE). */
	if (!(BPF_CORE_READ(exe, f_flags) & FMODE_EXEC))
		walk.done = false;
	out->process.path_start = walk.start;
	if (walk.detached)
		out->process.flags |= DW_PATH_DETACHED;
	if (!walk.done)
		out->process.flags |= DW_PATH_TOO_LONG;
}

/* The arguments lie in the process's own memory, so only `current` can be asked. A page that is
 * swapped out can't be read from here; the daemon then asks /proc. */
static __always_inline unsigned long arguments_length(struct dw_scratch *out, struct mm_struct *mm)
{
	unsigned long length = BPF_CORE_READ(mm, arg_end) - BPF_CORE_READ(mm, arg_start);

	if (length <= DW_ARGS_MAX)
		return length;
	out->process.flags |= DW_ARGS_CUT;
	return DW_ARGS_MAX;
}

static __always_inline void take_arguments(struct dw_scratch *out, struct mm_struct *mm)
{
	unsigned long start = BPF_CORE_READ(mm, arg_start);
	unsigned long length = arguments_length(out, mm);

	if (length == 0)
		return;
	if (bpf_probe_read_user(out->process.args, length & (2 * DW_ARGS_MAX - 1), (void *)start))
		return;
	out->process.args_length = length;
	out->process.flags |= DW_HAS_ARGS;
}

static __always_inline void process_key_of(struct task_struct *task, struct dw_process_key *key)
{
	key->pid = BPF_CORE_READ(task, tgid);
	key->start_ns = BPF_CORE_READ(task, group_leader, start_boottime);
	key->exec_id = BPF_CORE_READ(task, self_exec_id);
	key->pad = 0;
}

/* The same of who runs now. Its members are read without a call for each: this is asked often. */
static __always_inline void process_key_of_current(struct dw_process_key *key)
{
	struct task_struct *task = (void *)bpf_get_current_task_btf();

	key->pid = task->tgid;
	key->start_ns = task->group_leader->start_boottime;
	key->exec_id = task->self_exec_id;
	key->pad = 0;
}

static __always_inline void fill_process(struct dw_scratch *out, struct task_struct *task, bool own)
{
	struct mm_struct *mm = BPF_CORE_READ(task, mm);

	__builtin_memset(&out->process, 0, offsetof(struct dw_process, cwd));
	process_key_of(task, &out->process.self);
	process_key_of(BPF_CORE_READ(task, real_parent), &out->process.parent);
	out->process.mount_ns = BPF_CORE_READ(task, nsproxy, mnt_ns, ns.inum);
	if (of_users(BPF_CORE_READ(task, nsproxy, mnt_ns)))
		out->process.flags |= DW_USERS_MOUNTS;
	BPF_CORE_READ_INTO(&out->process.comm, task, group_leader, comm);
	take_working_directory(out, task);
	take_executable(out, BPF_CORE_READ(mm, exe_file), sees_users_files(task));
	if (has_debugger(task) || bpf_map_lookup_elem(&traced, &out->process.self))
		out->process.flags |= DW_TRACED;
	if (is_filtered(task))
		out->process.flags |= DW_FILTERED;
	if (own)
		take_arguments(out, mm);
}

/* Puts `task` into `processes` unless it is there. `own`: task is `current`. Returns its flags. Not inlined:
 * every hook calls it. */
static __noinline int remember_process(struct task_struct *task, struct dw_process_key *key, bool own)
{
	struct dw_process *known = bpf_map_lookup_elem(&processes, key);
	struct dw_process *running;
	struct dw_scratch *slot;
	int flags;

	if (known && (!own || (known->flags & DW_HAS_ARGS)))
		return known->flags;
	/* Of another task the entry could be reused while it is copied. */
	running = own ? bpf_map_lookup_elem(&programs, key) : 0;
	if (running) {
		if (bpf_map_update_elem(&processes, key, running, BPF_ANY))
			count_failure(DW_FAIL_PROCESSES);
		return running->flags;
	}
	if (!BPF_CORE_READ(task, mm, exe_file))
		return 0;
	slot = take_scratch();
	if (!slot) {
		count_failure(DW_FAIL_PROCESSES);
		return 0;
	}
	fill_process(slot, task, own);
	slot->process.flags |= DW_ANCESTORS_CUT;
	slot->process.identity = identity_of(slot);
	flags = slot->process.flags;
	if (bpf_map_update_elem(&processes, key, &slot->process, BPF_ANY))
		count_failure(DW_FAIL_PROCESSES);
	give_back(slot);
	return flags;
}

#endif

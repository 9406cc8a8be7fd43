/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Who is a task? Taken once per (process, exec) and kept in `processes`. */
#ifndef DOORWARD_PROCESS_H
#define DOORWARD_PROCESS_H

#include <bpf/bpf_core_read.h>

#include <stddef.h>

#include "injected.h"

enum {
	PATH_STEPS = 160, /* directories plus mounts between a file and the root */
	FUSE_SUPER_MAGIC = 0x65735546,
	DEVICE_MINOR_BITS = 20,
	USERS_MARK = 5, /* bytes of "user:" */
	FMODE_EXEC = 0x20, /* include/linux/fs.h: in f_flags of what the kernel opened to run it, and of nothing else */
};

struct path_walk {
	struct dentry *dentry;
	struct mount *mount;
	struct dw_scratch *out;
	dw_u32 start;
	bool done, detached;
};

static __always_inline struct mount *mount_of(struct vfsmount *vfs)
{
	return (void *)vfs - bpf_core_field_offset(struct mount, mnt);
}

/* Writes one name and the slash before it in front of what is there. */
static __always_inline bool prepend(struct path_walk *walk, struct dentry *dentry, bool slash)
{
	dw_u32 length = BPF_CORE_READ(dentry, d_name.len);
	dw_u32 start = walk->start;

	if (length > 255 || length + 1 > start)
		return false;
	start -= length;
	/* The masks repeat what is known, for the verifier: start < DW_PATH_MAX, length < 256. */
	bpf_probe_read_kernel(&walk->out->process.path[start & (DW_PATH_MAX - 1)], length & 255,
			      BPF_CORE_READ(dentry, d_name.name));
	if (slash) {
		start -= 1;
		walk->out->process.path[start & (DW_PATH_MAX - 1)] = '/';
	}
	walk->start = start;
	return true;
}

static long path_step(dw_u32 index, struct path_walk *walk)
{
	struct dentry *dentry = walk->dentry;
	struct mount *mount = walk->mount;
	struct dentry *parent = BPF_CORE_READ(dentry, d_parent);

	if (dentry == BPF_CORE_READ(mount, mnt.mnt_root)) {
		struct mount *above = BPF_CORE_READ(mount, mnt_parent);

		if (above == mount) { /* the root of the mount tree */
			walk->done = true;
			return 1;
		}
		walk->dentry = BPF_CORE_READ(mount, mnt_mountpoint);
		walk->mount = above;
		return 0;
	}
	if (dentry == parent) { /* a root that is mounted nowhere: memfd */
		walk->detached = true;
		walk->done = prepend(walk, dentry, false);
		return 1;
	}
	if (!prepend(walk, dentry, true))
		return 1;
	walk->dentry = parent;
	return 0;
}

/* Writes the path into process.path, from `start` on. */
static __always_inline void walk_path(struct path_walk *walk, struct dw_scratch *out,
				      struct dentry *dentry, struct vfsmount *mnt)
{
	__builtin_memset(walk, 0, sizeof(*walk));
	walk->dentry = dentry;
	walk->mount = mount_of(mnt);
	walk->out = out;
	walk->start = DW_PATH_MAX;
	bpf_loop(PATH_STEPS, path_step, walk, 0);
}

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

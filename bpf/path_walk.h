/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A file's path, from its name up to the root of the mounts that it is seen through. */
#ifndef DOORWARD_PATH_WALK_H
#define DOORWARD_PATH_WALK_H

#include <bpf/bpf_core_read.h>

#include "kernel_types.h"
#include "maps.h"

enum { PATH_STEPS = 160 /* directories plus mounts between a file and the root */ };

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

#endif

/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Members of the kernel's objects that are asked for with every packet. Linux 6.2 and newer read them as C does, by
 * a pointer that bpf_rdonly_cast() has given a type; elsewhere each takes a call of bpf_probe_read_kernel(). Both
 * give 0 where there is nothing to be read.
 *
 * The programs are compiled both ways, and the daemon takes those that the kernel can run. One object with a weak
 * symbol would not do: where the kernel has it not, libbpf looks through all modules, which CAP_BPF does not allow. */
#ifndef DOORWARD_READ_H
#define DOORWARD_READ_H

#include "kernel_types.h"

#include <bpf/bpf_core_read.h>
#include <bpf/bpf_helpers.h>

#ifdef DW_PLAIN_READS

#define READ(type, object, member) BPF_CORE_READ((struct type *)(object), member)
#define READ_BIT(type, object, member) BPF_CORE_READ_BITFIELD_PROBED((struct type *)(object), member)

#else

extern void *bpf_rdonly_cast(const void *object, unsigned int type) __ksym;

#define CAST(type, object) ((struct type *)bpf_rdonly_cast(object, bpf_core_type_id_kernel(struct type)))
#define READ(type, object, member) (CAST(type, object)->member)
#define READ_BIT(type, object, member) BPF_CORE_READ_BITFIELD(CAST(type, object), member)

#endif

#endif

/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the kernel side writes and the daemon reads: keys and values of the BPF maps.
 *
 * Addresses: 16 bytes, network order, IPv4 as ::ffff:a.b.c.d; all zero where the socket had not
 * chosen one yet. Ports: host byte order. Plain C, so that both compilers lay it out alike. */
#ifndef DOORWARD_WIRE_H
#define DOORWARD_WIRE_H

#ifdef __cplusplus
#include <cstdint>
typedef std::uint8_t dw_u8;
typedef std::uint16_t dw_u16;
typedef std::uint32_t dw_u32;
typedef std::uint64_t dw_u64;
#define DW_SIZE(type, size) static_assert(sizeof(type) == (size))
#else
typedef unsigned char dw_u8;
typedef unsigned short dw_u16;
typedef unsigned int dw_u32;
typedef unsigned long long dw_u64;
#define DW_SIZE(type, size) _Static_assert(sizeof(type) == (size), #type)
#endif

enum {
	DW_PATH_MAX = 1024, /* an executable with a longer path stays nameless: see DW_PATH_TOO_LONG */
	DW_ARGS_MAX = 512,
	DW_CWD_MAX = 256,
	DW_ANCESTORS_MAX = 512,
	DW_IMAGE_MAX = 256,
	DW_FIRST_MAX = 128,
	DW_MOUNT_MAX = 64,
	DW_COMM_MAX = 16,
};

/* A flow as the sending socket knew it. ICMP: local_port is the echo identifier, 0 for a raw
 * socket, whose packets choose their own. */
struct dw_flow_key {
	dw_u8 local[16];
	dw_u8 remote[16];
	dw_u16 local_port;
	dw_u16 remote_port;
	dw_u8 protocol;
	dw_u8 pad[3];
};
#ifdef __cplusplus
inline bool operator==(const dw_flow_key& a, const dw_flow_key& b) {
	return __builtin_memcmp(&a, &b, sizeof(a)) == 0;
}
#endif
DW_SIZE(struct dw_flow_key, 40);

/* One program run by one process. The pid alone is reused, and (pid, start) goes on through exec:
 * exec_id (task_struct.self_exec_id) counts those. */
struct dw_process_key {
	dw_u64 start_ns; /* group leader's start, CLOCK_BOOTTIME */
	dw_u64 exec_id;
	dw_u32 pid; /* tgid in the initial pid namespace */
	dw_u32 pad;
};
DW_SIZE(struct dw_process_key, 24);

enum dw_hook {
	DW_HOOK_KPROBE = 1,
	DW_HOOK_CGROUP = 2,
	DW_HOOK_NETFILTER = 3, /* no hook on the call itself: the packet was seen leaving */
	DW_HOOK_SCAN = 4, /* found by walking the open files when the daemon started */
	DW_HOOK_TC = 5,   /* a packet socket's frame was seen on its way into a device */
	DW_HOOK_FENTRY = 6, /* where kprobes would be */
};

enum dw_binding_flags {
	DW_FROM_KERNEL = 1, /* a kernel thread or a kernel socket: `who` names no program */
	DW_SHARED = 2,      /* a holder: another program has the socket too, and may be who receives */
	DW_BY_TRACED = 4,   /* `who` is DW_TRACED, or had a debugger at the time */
};

/* Who sent, as of the moment of sending. A port can change hands while a packet of the one before
 * still waits for its verdict: `before` is who had the same tuple until `since_ns`. */
struct dw_binding {
	struct dw_process_key who;
	struct dw_process_key before; /* pid 0: nobody */
	dw_u64 before_ns; /* sent_ns of `before` */
	dw_u64 since_ns;  /* CLOCK_MONOTONIC, when `who` first sent, its port chosen */
	dw_u64 sent_ns;   /* the same, of the latest time */
	dw_u64 seen_ns; /* CLOCK_MONOTONIC, when the first hook of the call ran */
	dw_u64 cgroup_id;
	dw_u64 sock; /* address of the kernel's struct sock: an opaque identity */
	dw_u32 uid;  /* real uid and gid */
	dw_u32 gid;
	dw_u8 hook;  /* enum dw_hook */
	dw_u8 flags; /* enum dw_binding_flags */
	dw_u8 pad[6];
};
DW_SIZE(struct dw_binding, 112);

/* Who sends in other network namespaces of this host, for what passes through this one. */
struct dw_foreign {
	struct dw_binding binding;
	dw_u64 netns_cookie; /* 0: two namespaces have used the tuple, and it may be either's */
};
DW_SIZE(struct dw_foreign, 120);

/* Who has sent on a tuple lately, by the tuple as the packets have it: the key is a dw_flow_key with
 * ports in network order. A packet's mark names its slot, 1 to DW_SENDER_SLOTS. */
enum { DW_SENDER_SLOTS = 7 };

struct dw_sender {
	dw_u32 version; /* how many times any slot here had been taken; 0: free, or being written */
	dw_u32 uid;
	struct dw_process_key who;
	dw_u64 cookie;   /* SO_COOKIE of the socket, never reused; 0: no socket */
	dw_u64 sent_ns;  /* CLOCK_MONOTONIC, when it last had a packet queued */
	dw_u64 before_ns; /* the same of who had the slot before; 0: nobody had */
	dw_u64 seen_ns;
	dw_u64 cgroup_id;
	dw_u32 gid;
	dw_u8 hook;  /* enum dw_hook */
	dw_u8 flags; /* enum dw_binding_flags */
	dw_u8 pad[2];
	dw_u32 version_end; /* unlike `version`: torn while it was read */
	dw_u32 pad_end;
};
DW_SIZE(struct dw_sender, 88);

struct dw_senders {
	struct dw_sender slot[DW_SENDER_SLOTS];
	dw_u32 taken; /* slots are taken in turn */
	dw_u32 owner; /* slot of the latest sender; 0: nobody */
};
DW_SIZE(struct dw_senders, 7 * 88 + 8);

/* A sender of datagrams and where it sends to; ports in network order. */
struct dw_grant {
	struct dw_flow_key flow;
	dw_u64 cookie; /* as in dw_sender */
	struct dw_process_key who; /* all zero: the kernel */
};
DW_SIZE(struct dw_grant, 72);

struct dw_granted {
	dw_u64 generation; /* in which the sender was accepted */
	dw_u64 bound_ns; /* coarse CLOCK_MONOTONIC, when the flow was last bound to it meanwhile; 0: not yet */
};
DW_SIZE(struct dw_granted, 16);

struct dw_grant_state {
	dw_u64 generation; /* whose grants count; 0: none */
};

/* What a verdict depends on at most, if the kernel is to give it again. Ports in host byte order. */
struct dw_verdict_key {
	dw_u64 identity; /* dw_process.identity */
	dw_u8 remote[16];
	dw_u32 uid; /* real uid and gid */
	dw_u32 gid;
	dw_u16 remote_port;
	dw_u8 protocol;
	dw_u8 pad[5];
};
DW_SIZE(struct dw_verdict_key, 40);

enum dw_verdict {
	DW_VERDICT_ACCEPT = 1,
	DW_VERDICT_DENY = 2,
	DW_VERDICT_BITS = 2,
};

/* The daemon writes all but `count` and `by_others`, and the state last. */
struct dw_verdict_slot {
	struct dw_verdict_key key;
	dw_u64 state; /* generation << DW_VERDICT_BITS | enum dw_verdict; 0: not in use */
	dw_u64 count; /* how many times it was given; never goes down */
	struct dw_process_key who; /* whose flow the daemon decided */
	dw_u64 cgroup_id; /* of that process then */
	dw_u64 by_others; /* 1: it was given to another process too, or to the same in another control group */
};
DW_SIZE(struct dw_verdict_slot, 96);

struct dw_verdict_state {
	dw_u64 generation; /* 0: none counts */
	dw_u64 until_ns;   /* CLOCK_MONOTONIC */
	dw_u64 denials;    /* how many verdicts are denials; written before the first of them counts */
};
DW_SIZE(struct dw_verdict_state, 24);

/* Who sends on packet sockets. `who` is zero if that could not be told. */
enum { DW_PACKET_SENDERS = 1024 };

struct dw_packet_sender_key {
	struct dw_process_key who;
	dw_u64 socket;    /* opaque */
	dw_u32 interface; /* index; 0: it asked for PACKET_QDISC_BYPASS */
	dw_u32 ethertype; /* host order, as the sender said */
};
DW_SIZE(struct dw_packet_sender_key, 40);

/* Frames since the daemon last looked. */
struct dw_packet_sender {
	struct dw_binding sender;
	dw_u64 passed;
	dw_u64 refused;
};
DW_SIZE(struct dw_packet_sender, 128);

/* A question: who else may be given what arrives for a socket. */
enum { DW_GROUP_MAX = 64 };

struct dw_port_group {
	dw_u64 sock;   /* dw_binding.sock of who holds it */
	dw_u64 cookie; /* of the socket */
	/* The answer: how many members the group has, of which the kernel's look-up can't tell one; 0: it can. */
	dw_u32 count;
	dw_u32 pad;
	dw_u64 members[DW_GROUP_MAX]; /* their cookies; 0: none knows it */
};
DW_SIZE(struct dw_port_group, 24 + 8 * DW_GROUP_MAX);

/* Since the start, entries that found no room included. */
struct dw_packet_socket_counts {
	dw_u64 passed;
	dw_u64 refused;
};
DW_SIZE(struct dw_packet_socket_counts, 16);

enum dw_process_flags {
	DW_PATH_TOO_LONG = 1, /* longer than DW_PATH_MAX or nested too deep: path is not usable */
	DW_PATH_DETACHED = 2, /* no mount: memfd and the like. `path` is a label without a slash */
	DW_EXE_UNLINKED = 4,  /* the file had no name left */
	DW_HAS_ARGS = 8,
	DW_ARGS_CUT = 16,
	/* args are those that the program was started with: taken at its exec, or, of a program older
	 * than the daemon, when that started. */
	DW_ARGS_OF_START = 32,
	DW_ROOT_CHANGED = 64, /* chroot: a path in args begins at another root than `path` does */
	DW_ANCESTORS_CUT = 128, /* there were more than are known */
	DW_ANCESTORS_PENDING = 256, /* the walk at the daemon's start has not been here yet */
	DW_IS_APPIMAGE = 512, /* the executable is marked as an AppImage: `image` is its path */
	DW_WAS_APPIMAGE = 1024, /* this very process ran `image` before it became what it is by exec */
	DW_USERS_MOUNTS = 2048, /* a user namespace owns its mounts: a path in args is as it likes */
	/* In the environment that the program was started with; of one older than the daemon, when that started. */
	DW_PRELOAD = 4096, /* LD_PRELOAD, LD_AUDIT or GCONV_PATH, not empty */
	DW_LIBRARY_PATH = 8192, /* LD_LIBRARY_PATH, not empty */
	DW_ENVIRONMENT_KNOWN = 16384, /* if not, the two above may be missing */
	DW_TRACED = 32768, /* a debugger has had the process, or somebody has had its memory or descriptors open */
	DW_OF_START = 65536, /* taken at its exec, or, of a program older than the daemon, when that started */
	DW_FILTERED = 131072, /* had a seccomp filter then, which can answer its loader's calls */
};

/* What is kept of a process. The path is built from its end, so it stands at path[path_start] up to
 * path[DW_PATH_MAX]; it goes through all mounts up to the root of the mount tree, whatever chroot or
 * namespace the process sees. "user:" stands in front where anybody could have made that tree. */
struct dw_process {
	struct dw_process_key self; /* a copy taken while the entry was reused shows by it */
	struct dw_process_key parent; /* who forked it */
	/* keyed hash of all that rules look at of what runs: path, DW_PRELOAD and the like; 0: there is none */
	dw_u64 identity;
	dw_u64 exe_inode;
	dw_u64 exe_device; /* s_dev in the kernel's own encoding */
	dw_u64 exe_size;
	dw_u64 exe_mtime_ns; /* since the epoch; of the file as it was when the hook ran */
	dw_u64 exe_ctime_ns;
	dw_u32 mount_ns;
	dw_u32 flags; /* enum dw_process_flags */
	dw_u32 path_start;
	dw_u32 args_length; /* bytes in args, arguments separated by NUL */
	dw_u32 cwd_length; /* bytes in cwd; 0: not known */
	dw_u32 ancestors_length;
	/* Bytes; 0: none, or too long to be kept. */
	dw_u32 mount_length;
	dw_u32 image_length;
	dw_u32 first_length;
	dw_u32 pad;
	char comm[DW_COMM_MAX];
	char args[DW_ARGS_MAX];
	char cwd[DW_CWD_MAX]; /* working directory at exec, as `path` is made */
	/* If the executable lies on a FUSE mount: the name of the folder that this is mounted on. */
	char mount[DW_MOUNT_MAX];
	/* The AppImage that the process, or whoever forked it, ran before; as `path` is made. */
	char image[DW_IMAGE_MAX];
	char first[DW_FIRST_MAX]; /* what that called exec for: the name as it was given */
	char path[DW_PATH_MAX];
	/* Paths of executables, each with a NUL behind it: who forked this process, who forked that
	 * one, … as of then. An empty path is one that isn't known; a last one without NUL is cut. */
	char ancestors[DW_ANCESTORS_MAX];
};
DW_SIZE(struct dw_process, 152 + DW_ARGS_MAX + DW_CWD_MAX + DW_MOUNT_MAX + DW_IMAGE_MAX + DW_FIRST_MAX +
				   DW_PATH_MAX + DW_ANCESTORS_MAX);

enum {
	DW_RESOLVERS_MAX = 64,
	DW_DNS_RING_BYTES = 1 << 20,
	DW_DNS_SMALL = 512, /* packets shorter than this take little of the ring */
	DW_DNS_LARGE = 4096, /* what is not shorter is cut */
};

struct dw_address {
	dw_u8 bytes[16];
};
DW_SIZE(struct dw_address, 16);

/* A packet from or to a resolver, as the ring carries it. */
struct dw_dns_packet {
	dw_u32 length;	 /* of the packet, from its IP header */
	dw_u16 captured; /* bytes of it that follow */
	dw_u8 inbound;
	dw_u8 pad[1];
#ifdef __cplusplus
	/* bytes follow */
#else
	dw_u8 bytes[];
#endif
};
DW_SIZE(struct dw_dns_packet, 8);

/* Index into the failures map: updates that the kernel refused, per map; DNS that was not copied. */
enum dw_failure {
	DW_FAIL_BINDINGS,
	DW_FAIL_PROCESSES,
	DW_FAIL_HOLDERS,
	DW_FAIL_SENDERS,
	DW_FAIL_DNS_RING,      /* the ring was full */
	DW_FAIL_DNS_ELSEWHERE, /* a query to none of the resolvers */
	DW_FAIL_DNS_STRANGER,  /* an answer from none of them */
	DW_FAIL_FOREIGN,
	DW_FAIL_PROGRAMS,
	DW_FAIL_PACKET_SENDERS,
	DW_FAIL_GRANTS,
	DW_FAILURES,
};

#endif

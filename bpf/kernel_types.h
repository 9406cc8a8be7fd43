/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The few kernel types that the programs look into, with only the members they read. CO-RE finds
 * the real offsets at load time, so the order and the gaps here mean nothing. */
#ifndef DOORWARD_KERNEL_TYPES_H
#define DOORWARD_KERNEL_TYPES_H

#include <linux/bpf.h>
#include <stdbool.h>

#pragma clang attribute push(__attribute__((preserve_access_index)), apply_to = record)

typedef struct {
	long long counter;
} atomic64_t;
typedef atomic64_t atomic_long_t;

struct ns_common {
	unsigned int inum;
};
typedef struct {
	unsigned int val;
} kuid_t;
struct user_namespace {
	int level; /* 0: the host's own */
	kuid_t owner;
	struct user_namespace *parent;
};
struct mnt_namespace {
	struct ns_common ns;
	struct user_namespace *user_ns;
};
struct nsproxy {
	struct mnt_namespace *mnt_ns;
};
struct net {
	__u64 net_cookie;
};
typedef struct {
	struct net *net;
} possible_net_t;

struct qstr {
	unsigned int len;
	const unsigned char *name;
};
struct super_block {
	unsigned int s_dev;
	unsigned long s_magic;
};
struct timespec64 {
	__s64 tv_sec;
	long tv_nsec;
};
struct inode {
	unsigned long i_ino;
	unsigned int i_nlink;
	__s64 i_size;
	__s64 i_mtime_sec, i_ctime_sec; /* 6.11 and newer */
	__u32 i_mtime_nsec, i_ctime_nsec;
	struct super_block *i_sb;
};
struct inode___whole { /* up to 6.6 */
	struct timespec64 i_mtime;
};
struct inode___whole_ctime { /* up to 6.5 */
	struct timespec64 i_ctime;
};
struct inode___private { /* from 6.6 and 6.7 on */
	struct timespec64 __i_mtime, __i_ctime;
};
struct dentry {
	struct dentry *d_parent;
	struct qstr d_name;
	struct inode *d_inode;
};
struct vfsmount {
	struct dentry *mnt_root;
};
struct mount {
	struct mount *mnt_parent;
	struct dentry *mnt_mountpoint;
	struct mnt_namespace *mnt_ns;
	struct vfsmount mnt;
};
struct path {
	struct vfsmount *mnt;
	struct dentry *dentry;
};
struct file {
	unsigned int f_flags;
	struct path f_path;
	struct inode *f_inode;
	void *private_data;
	atomic_long_t f_count;
};
/* Since Linux 6.13; counts from 0 for one reference. */
typedef struct {
	atomic_long_t refcnt;
} file_ref_t;
struct file___6_13 {
	file_ref_t f_ref;
};
struct fdtable {
	unsigned int max_fds;
	struct file **fd;
};
struct files_struct {
	struct fdtable *fdt;
};
struct mm_struct {
	struct file *exe_file;
	unsigned long arg_start, arg_end, env_start, env_end;
};

struct vm_userfaultfd_ctx {
	void *ctx;
};
struct vm_area_struct {
	unsigned long vm_start, vm_end;
	struct file *vm_file;
	struct vm_userfaultfd_ctx vm_userfaultfd_ctx;
};

struct linux_binprm {
	const char *filename;
	char buf[256];
};

struct kernfs_node {
	__u64 id;
};
struct cgroup {
	struct kernfs_node *kn;
};
struct css_set {
	struct cgroup *dfl_cgrp;
};
typedef struct {
	unsigned int val;
} kgid_t;
struct cred {
	kuid_t uid;
	kgid_t gid;
	struct user_namespace *user_ns;
};
struct seccomp {
	int mode;
};
typedef struct {
	int counter;
} atomic_t;
struct signal_struct {
	atomic_t live;
};
struct fs_struct {
	struct path root, pwd;
};
struct task_struct {
	unsigned int flags, ptrace;
	int pid, tgid;
	__u64 self_exec_id;
	__u64 start_boottime;
	struct task_struct *group_leader, *real_parent;
	struct mm_struct *mm;
	struct nsproxy *nsproxy;
	struct files_struct *files;
	struct css_set *cgroups;
	const struct cred *cred;
	struct seccomp seccomp;
	struct signal_struct *signal;
	struct fs_struct *fs;
	char comm[16];
};

struct in6_addr {
	__u8 bytes[16];
};
struct sock_common {
	atomic64_t skc_cookie;
	unsigned int skc_daddr, skc_rcv_saddr;
	unsigned short skc_dport, skc_num, skc_family;
	volatile unsigned char skc_state;
	possible_net_t skc_net;
	struct in6_addr skc_v6_daddr, skc_v6_rcv_saddr;
};
typedef struct {
	int owned;
} socket_lock_t;
struct bpf_prog;
struct sock_reuseport {
	unsigned short num_socks;
	unsigned short incoming_cpu;
	struct bpf_prog *prog;
	struct sock *socks[];
};
struct sock {
	struct sock_common __sk_common;
	socket_lock_t sk_lock;
	unsigned char sk_kern_sock : 1;
	unsigned short sk_type, sk_protocol;
	struct socket *sk_socket;
	struct sock_reuseport *sk_reuseport_cb;
};
struct inet_sock {
	struct sock sk;
};
struct inet_connection_sock {
	struct inet_sock icsk_inet;
};
struct tcp_sock {
	struct inet_connection_sock inet_conn;
	bool is_mptcp;
	unsigned int total_retrans;
};
struct socket {
	struct file *file;
	struct sock *sk;
};
struct msghdr {
	void *msg_name;
	int msg_namelen;
	unsigned long msg_controllen;
};
struct net_device;
struct sk_buff {
	struct net_device *dev;
	struct sock *sk;
	unsigned short protocol;
	char cb[48];
};
/* What is in sk_buff.cb within the IP layers. */
struct inet_skb_parm {
	unsigned short flags;
};
struct inet6_skb_parm {
	unsigned short flags;
};
struct seq_file;
struct bpf_iter_meta {
	struct seq_file *seq;
};
struct bpf_iter__task {
	struct bpf_iter_meta *meta;
	struct task_struct *task;
};
struct bpf_iter__task_file {
	struct bpf_iter_meta *meta;
	struct task_struct *task;
	unsigned int fd;
	struct file *file;
};

#pragma clang attribute pop

/* On the stack of the caller, not read through CO-RE: user-space ABI. */
struct dw_sockaddr_in {
	__u16 family, port;
	__u32 address;
};
struct dw_sockaddr_in6 {
	__u16 family, port;
	__u32 flowinfo;
	__u8 address[16];
};

enum {
	E2BIG = 7,
	AF_INET = 2,
	AF_INET6 = 10,
	AF_PACKET = 17,
	AF_PPPOX = 24,
	SOL_PACKET = 263,
	PACKET_QDISC_BYPASS = 20,
	ETH_P_IP = 0x0800,
	IPSKB_XFRM_TRANSFORMED = 4, /* include/net/ip.h */
	IP6SKB_XFRM_TRANSFORMED = 1, /* include/linux/ipv6.h */
	SOCK_RAW = 3,
	TCP_TIME_WAIT = 6,
	TCP_LISTEN = 10,
	TCP_NEW_SYN_RECV = 12,
	IPPROTO_HOPOPTS = 0,
	IPPROTO_ICMP = 1,
	IPPROTO_TCP = 6,
	IPPROTO_UDP = 17,
	IPPROTO_ROUTING = 43,
	IPPROTO_FRAGMENT = 44,
	IPPROTO_AH = 51,
	IPPROTO_ICMPV6 = 58,
	IPPROTO_DSTOPTS = 60,
	IPPROTO_UDPLITE = 136,
	IPPROTO_RAW = 255,
	PF_KTHREAD = 0x00200000,
};

#endif

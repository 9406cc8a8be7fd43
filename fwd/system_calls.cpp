// SPDX-License-Identifier: GPL-2.0-or-later
#include "fwd/system_calls.hpp"

#include <linux/bpf.h>
#include <linux/fsverity.h>
#include <linux/nsfs.h>
#include <linux/perf_event.h>
#include <linux/sockios.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>

namespace doorward {
namespace {

constexpr std::uint64_t all_bits = ~std::uint64_t{0};
constexpr std::uint64_t low_half = 0xffffffff;  // int arguments: the kernel ignores the rest

constexpr CallRule with(const char* name, int argument, std::uint64_t value,
                        std::uint64_t mask = low_half) {
    return {name, argument, mask, value};
}

constexpr CallRule allowed[] = {
    // Maps that are there already. Nothing is loaded or attached any more.
    with("bpf", 0, BPF_MAP_LOOKUP_ELEM), with("bpf", 0, BPF_MAP_UPDATE_ELEM),
    with("bpf", 0, BPF_MAP_DELETE_ELEM), with("bpf", 0, BPF_MAP_GET_NEXT_KEY),
    with("bpf", 0, BPF_MAP_LOOKUP_AND_DELETE_ELEM), with("bpf", 0, BPF_MAP_LOOKUP_BATCH),
    with("bpf", 0, BPF_MAP_LOOKUP_AND_DELETE_BATCH), with("bpf", 0, BPF_OBJ_GET_INFO_BY_FD),
    with("bpf", 0, BPF_PROG_TEST_RUN),  // of port_group, which is asked so

    // The queue, netlink, the control socket, the service manager, name services.
    with("socket", 0, AF_NETLINK), with("socket", 0, AF_UNIX),
    {"recvmsg"}, {"sendmsg"}, {"recvfrom"}, {"sendto"}, {"recvmmsg"}, {"sendmmsg"}, {"bind"},
    {"listen"}, {"connect"}, {"accept4"}, {"shutdown"}, {"getsockname"}, {"getpeername"},
    {"getsockopt"}, {"setsockopt"},

    {"poll"}, {"ppoll"}, {"select"}, {"pselect6"}, {"epoll_create1"}, {"epoll_ctl"}, {"epoll_wait"}, {"epoll_pwait"},
    {"epoll_pwait2"}, {"eventfd2"}, {"signalfd4"}, {"timerfd_create"}, {"timerfd_settime"},
    {"pidfd_open"},

    {"read"}, {"write"}, {"readv"}, {"writev"}, {"pread64"}, {"pwrite64"}, {"lseek"}, {"close"},
    {"close_range"}, {"fcntl"},
    {"open"}, {"openat"}, {"openat2"}, {"stat"}, {"lstat"}, {"fstat"}, {"newfstatat"}, {"statx"},
    {"statfs"}, {"fstatfs"}, {"access"}, {"faccessat"}, {"faccessat2"}, {"readlink"},
    {"readlinkat"}, {"getdents64"}, {"getcwd"}, {"open_by_handle_at"}, {"name_to_handle_at"},
    // Rule files, the audit log, the socket's own file.
    {"rename"}, {"renameat"}, {"renameat2"}, {"unlink"}, {"unlinkat"}, {"mkdir"}, {"mkdirat"},
    {"rmdir"}, {"chmod"}, {"fchmod"}, {"fchmodat"}, {"fchown"}, {"ftruncate"}, {"fallocate"},
    {"fsync"}, {"fdatasync"}, {"flock"}, {"fadvise64"}, {"utimensat"}, {"umask"},
    // A kprobe goes. Of a mount namespace, its user namespace; of a file, its digest; names of devices, terminals.
    with("ioctl", 1, PERF_EVENT_IOC_DISABLE), with("ioctl", 1, NS_GET_USERNS), with("ioctl", 1, FS_IOC_MEASURE_VERITY),
    with("ioctl", 1, SIOCGIFNAME), with("ioctl", 1, SIOCGIFINDEX), with("ioctl", 1, TCGETS),
    with("ioctl", 1, FIONREAD), with("ioctl", 1, FIONBIO),

    // Memory that is code comes from files only: name services are loaded as they are asked.
    with("mmap", 2, 0, PROT_EXEC), with("mmap", 2, PROT_EXEC, PROT_EXEC | PROT_WRITE),
    with("mprotect", 2, 0, PROT_EXEC),
    {"munmap"}, {"mremap"}, {"madvise"}, {"brk"},

    with("clone", 0, CLONE_THREAD, CLONE_THREAD),
    {"futex"}, {"set_robust_list"}, {"rseq"}, {"set_tid_address"}, {"sched_yield"},
    {"sched_getaffinity"}, {"getcpu"}, {"membarrier"}, {"exit"}, {"exit_group"}, {"restart_syscall"},
    {"rt_sigaction"}, {"rt_sigprocmask"}, {"rt_sigreturn"}, {"rt_sigtimedwait"}, {"sigaltstack"},

    {"clock_gettime"}, {"clock_getres"}, {"clock_nanosleep"}, {"nanosleep"}, {"gettimeofday"},
    {"time"}, {"getrandom"}, {"uname"}, {"sysinfo"}, {"getrusage"}, with("prlimit64", 2, 0, all_bits),
    {"getrlimit"}, with("prctl", 0, PR_SET_NAME), with("prctl", 0, PR_GET_NAME),
    with("prctl", 0, PR_SET_VMA), with("prctl", 0, PR_CAPBSET_READ),
    with("prctl", 0, PR_GET_NO_NEW_PRIVS), {"capget"},
    {"getpid"}, {"gettid"}, {"getppid"}, {"getuid"}, {"geteuid"}, {"getgid"}, {"getegid"},
    {"getgroups"}, {"getresuid"}, {"getresgid"},
};

constexpr CallRule deadly[] = {
    // Another program.
    {"execve"}, {"execveat"}, {"fork"}, {"vfork"}, with("clone", 0, 0, CLONE_THREAD),
    // Another process's memory and descriptors.
    {"ptrace"}, {"process_vm_readv"}, {"process_vm_writev"}, {"pidfd_getfd"},
    // Other mounts, namespaces, users and capabilities.
    {"mount"}, {"umount2"}, {"move_mount"}, {"open_tree"}, {"fsopen"}, {"fsconfig"}, {"fsmount"},
    {"fspick"}, {"mount_setattr"}, {"pivot_root"}, {"chroot"}, {"setns"}, {"unshare"},
    {"setuid"}, {"setgid"}, {"setreuid"}, {"setregid"}, {"setresuid"}, {"setresgid"}, {"setfsuid"},
    {"setfsgid"}, {"setgroups"}, {"capset"},
    // The kernel's code, and ways into it that a firewall has no use for.
    {"init_module"}, {"finit_module"}, {"delete_module"}, {"kexec_load"}, {"kexec_file_load"},
    {"reboot"}, {"perf_event_open"}, {"userfaultfd"}, {"io_uring_setup"}, {"io_uring_enter"},
    {"io_uring_register"}, {"keyctl"}, {"add_key"}, {"request_key"}, {"iopl"}, {"ioperm"},
    {"personality"}, {"modify_ldt"}, {"swapon"}, {"swapoff"}, {"acct"}, {"quotactl"},
    with("bpf", 0, BPF_PROG_LOAD), with("bpf", 0, BPF_MAP_CREATE),
};

}  // namespace

std::span<const CallRule> allowed_calls() { return allowed; }

std::span<const CallRule> deadly_calls() { return deadly; }

}  // namespace doorward

// SPDX-License-Identifier: GPL-2.0-or-later
#include "fwd/netfilter_link.hpp"

#include <cstdint>

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <linux/bpf.h>
#include <linux/netfilter.h>
#include <sys/syscall.h>

namespace doorward {
namespace {

// From Linux 6.4's uapi; the build machine's headers may be older than the kernel it runs on.
constexpr std::uint32_t prog_type_number = 32;
constexpr std::uint32_t attach_type_number = 45;
bpf_prog_type prog_type(std::uint32_t number) { return static_cast<bpf_prog_type>(number); }
bpf_attach_type attach_type(std::uint32_t number) { return static_cast<bpf_attach_type>(number); }

struct LinkCreate {
    std::uint32_t program_fd;
    std::uint32_t target_fd;
    std::uint32_t attach_type;
    std::uint32_t flags;
    std::uint32_t family;
    std::uint32_t hook;
    std::int32_t priority;
    std::uint32_t netfilter_flags;
};

}  // namespace

void declare_netfilter_program(bpf_program* program) {
    bpf_program__set_type(program, prog_type(prog_type_number));
    bpf_program__set_expected_attach_type(program, attach_type(attach_type_number));
}

bool netfilter_programs_supported() {
    const bpf_insn accept[] = {
        {.code = BPF_ALU64 | BPF_MOV | BPF_K, .dst_reg = 0, .src_reg = 0, .off = 0, .imm = 1},
        {.code = BPF_JMP | BPF_EXIT, .dst_reg = 0, .src_reg = 0, .off = 0, .imm = 0},
    };
    LIBBPF_OPTS(bpf_prog_load_opts, options, .expected_attach_type = attach_type(attach_type_number));
    const Fd program(bpf_prog_load(prog_type(prog_type_number), "probe", "GPL", accept, 2, &options));
    return program.get() >= 0;
}

Result<Fd> attach_netfilter(int program_fd, int family, int priority) {
    LinkCreate attributes{};
    attributes.program_fd = static_cast<std::uint32_t>(program_fd);
    attributes.attach_type = attach_type_number;
    attributes.family = static_cast<std::uint32_t>(family);
    attributes.hook = NF_INET_LOCAL_OUT;
    attributes.priority = priority;
    const long link = ::syscall(__NR_bpf, BPF_LINK_CREATE, &attributes, sizeof(attributes));
    if (link < 0) return sys_fail("attach a BPF program to netfilter's LOCAL_OUT hook");
    return Fd(static_cast<int>(link));
}

}  // namespace doorward

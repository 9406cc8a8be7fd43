// SPDX-License-Identifier: GPL-2.0-or-later
#include "fwd/hook_trial.hpp"

#include <filesystem>
#include <iterator>

#include <bpf/bpf.h>

#include "fwd/handle.hpp"
#include "fwd/hook_table.hpp"

namespace doorward {
namespace {

constexpr bpf_insn do_nothing[] = {
    {.code = BPF_ALU64 | BPF_MOV | BPF_K, .dst_reg = BPF_REG_0, .src_reg = 0, .off = 0, .imm = 0},
    {.code = BPF_JMP | BPF_EXIT, .dst_reg = 0, .src_reg = 0, .off = 0, .imm = 0},
};

// Functions of modules, and those that the compiler has inlined, are for kprobes.
Result<void> try_fentry(const KernelFunctions& kernel) {
    int type = 0;
    for (const std::string& function : called_functions()) {
        type = kernel.find(function.c_str());
        if (type < 0) return sys_fail("find " + function + " in the kernel's BTF", -type);
    }
    bpf_prog_load_opts options{};
    options.sz = sizeof(options);
    options.expected_attach_type = BPF_TRACE_FENTRY;
    options.attach_btf_id = static_cast<std::uint32_t>(type);
    const Fd program(bpf_prog_load(BPF_PROG_TYPE_TRACING, "doorward_trial", "GPL", do_nothing,
                                   std::size(do_nothing), &options));
    if (!program) return sys_fail("load a program for fentry", errno);
    const Fd link(bpf_raw_tracepoint_open(nullptr, program.get()));
    if (!link) return sys_fail("attach fentry", errno);
    return {};
}

// What libbpf attaches by: the perf unit for kprobes, or the events of the time before it.
Result<void> try_kprobes() {
    for (const char* path : {"/sys/bus/event_source/devices/kprobe/type", "/sys/kernel/tracing/kprobe_events",
                             "/sys/kernel/debug/tracing/kprobe_events"}) {
        std::error_code error;
        if (std::filesystem::exists(path, error)) return {};
    }
    return fail("this kernel has none");
}

}  // namespace

Result<void> try_hooks(HookChoice set, const KernelFunctions& kernel) {
    if (set == HookChoice::fentry) return try_fentry(kernel);
    if (set == HookChoice::kprobe) return try_kprobes();
    return {};
}

}  // namespace doorward

// SPDX-License-Identifier: GPL-2.0-or-later
#include "fwd/hook_trial.hpp"

#include <filesystem>
#include <iterator>

#include <bpf/bpf.h>
#include <bpf/btf.h>

#include "fwd/handle.hpp"
#include "fwd/hook_table.hpp"

namespace doorward {
namespace {

constexpr bpf_insn do_nothing[] = {
    {.code = BPF_ALU64 | BPF_MOV | BPF_K, .dst_reg = BPF_REG_0, .src_reg = 0, .off = 0, .imm = 0},
    {.code = BPF_JMP | BPF_EXIT, .dst_reg = 0, .src_reg = 0, .off = 0, .imm = 0},
};

using Btf = CHandle<btf, btf__free>;

// Functions of modules, and those that the compiler has inlined, are for kprobes.
Result<void> try_fentry() {
    const Btf kernel(btf__load_vmlinux_btf());
    if (!kernel) return sys_fail("read the kernel's BTF", errno);
    int type = 0;
    for (const std::string& function : called_functions()) {
        type = btf__find_by_name_kind(kernel.get(), function.c_str(), BTF_KIND_FUNC);
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

bool kernel_has_function(const char* name) {
    const Btf kernel(btf__load_vmlinux_btf());
    return kernel && btf__find_by_name_kind(kernel.get(), name, BTF_KIND_FUNC) > 0;
}

Result<void> try_hooks(HookChoice set) {
    if (set == HookChoice::fentry) return try_fentry();
    if (set == HookChoice::kprobe) return try_kprobes();
    return {};
}

}  // namespace doorward

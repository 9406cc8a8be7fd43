// SPDX-License-Identifier: GPL-2.0-or-later
// Any bytes as what the hooks keep of a process: lengths, offsets and texts that a process chose. What comes of it
// is a process whose texts can be what they are taken for, or a reason.
#include <algorithm>
#include <cstring>
#include <memory>

#include "require.hpp"
#include "fwd/process_table.hpp"

using namespace doorward;

namespace {

bool has_nul(const std::string& text) { return text.find('\0') != text.npos; }

void check(const Process& process, const dw_process& record) {
    require(!process.exe.empty() && process.exe.size() <= DW_PATH_MAX);
    require(process.comm.size() <= DW_COMM_MAX && !has_nul(process.comm));
    require(process.command_line.size() <= DW_ARGS_MAX + 8 && !has_nul(process.command_line));
    require(process.appimage.size() <= DW_IMAGE_MAX);
    require(process.ancestors.size() <= DW_ANCESTORS_MAX);
    require(std::ranges::none_of(process.ancestors, has_nul));
    require(process.ancestors.empty() ? process.parent_exe.empty() : process.parent_exe == process.ancestors.front());
    require(!process.ancestors_whole || !process.ancestors.empty());
    require(process.script_inode == 0);  // nobody looks here
    // A path that a user can make for himself is never one of the host's.
    if (record.flags & DW_USERS_MOUNTS) require(!process.script.starts_with('/'));
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const auto record = std::make_unique<dw_process>();
    std::memcpy(record.get(), data, std::min(size, sizeof(dw_process)));
    dw_binding binding{};
    binding.who = record->self;
    binding.cgroup_id = 1;
    const auto table = [&] {
        return ProcessTable(
            [&](const dw_process_key&, dw_process& out) { return std::memcpy(&out, record.get(), sizeof out), true; },
            CgroupNames([](std::uint64_t) { return std::nullopt; }, 4), 4, ScriptFiles("/nowhere", 1));
    };
    ProcessTable first = table();
    const NamedProcess named = first.name(binding);
    require((named.process != nullptr) == (named.unknown == Unknown::none));
    if (!named.process) return 0;
    check(*named.process, *record);
    require(first.name(binding).process == named.process);
    ProcessTable second = table();
    require(*second.name(binding).process == *named.process);
    binding.who.exec_id++;
    require(second.name(binding).unknown == Unknown::process_lost);
    return 0;
}

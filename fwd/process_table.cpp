// SPDX-License-Identifier: GPL-2.0-or-later
#include "fwd/process_table.hpp"

#include <algorithm>
#include <array>
#include <cstring>
#include <string>
#include <string_view>
#include <vector>

#include <bpf/bpf.h>

#include "fwd/bindings.hpp"
#include "fwd/cgroup_mount.hpp"
#include "rules/appimage.hpp"
#include "rules/control_group.hpp"
#include "rules/script.hpp"

namespace doorward {
namespace {

template <std::size_t capacity>
std::string_view kept(const char (&bytes)[capacity], std::uint32_t length) {
    return {bytes, std::min<std::size_t>(length, capacity)};
}

std::string path_of(const dw_process& record) {
    if (record.flags & DW_PATH_TOO_LONG || record.path_start >= DW_PATH_MAX) return {};
    return std::string(record.path + record.path_start, DW_PATH_MAX - record.path_start);
}

std::vector<std::string> ancestors_of(const dw_process& record) {
    std::vector<std::string> ancestors;
    std::string_view rest = kept(record.ancestors, record.ancestors_length);
    // A last one without its NUL is cut short.
    for (std::size_t end; (end = rest.find('\0')) != rest.npos; rest.remove_prefix(end + 1))
        ancestors.emplace_back(rest.substr(0, end));
    return ancestors;
}

std::string script_of(const dw_process& record, const std::string& exe) {
    const StartOfProgram start{
        .exe = exe,
        .arguments = kept(record.args, record.args_length),
        .arguments_known = (record.flags & DW_ARGS_OF_START) != 0,
        .arguments_cut = (record.flags & DW_ARGS_CUT) != 0,
        .working_directory = kept(record.cwd, record.cwd_length),
        .root_changed = (record.flags & DW_ROOT_CHANGED) != 0,
    };
    std::string script = script_path(start);
    return record.flags & DW_USERS_MOUNTS && script.starts_with('/') ? std::string(user_prefix) + script : script;
}

std::string appimage_of(const dw_process& record) {
    if (!is_of_appimage(kept(record.first, record.first_length), kept(record.mount, record.mount_length)))
        return {};
    return std::string(kept(record.image, record.image_length));
}

// NUL-separated arguments → one line, as `ps` shows it.
std::string command_line_of(const dw_process& record) {
    std::string line(kept(record.args, record.args_length));
    while (!line.empty() && line.back() == '\0') line.pop_back();
    std::replace(line.begin(), line.end(), '\0', ' ');
    if (record.flags & DW_ARGS_CUT) line += " …";
    return line;
}

Injections injected_into(const dw_process& record, const dw_binding& sender) {
    Injections injected;
    if (record.flags & DW_PRELOAD) injected.add(Injection::preload);
    if (record.flags & DW_LIBRARY_PATH) injected.add(Injection::library_path);
    if (record.flags & DW_TRACED || sender.flags & DW_BY_TRACED) injected.add(Injection::tracer);
    if (record.flags & DW_FILTERED) injected.add(Injection::filter);
    if (!(record.flags & DW_ENVIRONMENT_KNOWN)) {
        injected.add_unknown(Injection::preload);
        injected.add_unknown(Injection::library_path);
    }
    if (!(record.flags & DW_OF_START)) {
        injected.add_unknown(Injection::tracer);
        injected.add_unknown(Injection::filter);
    }
    injected.unknown &= static_cast<std::uint8_t>(~injected.found);
    return injected;
}

}  // namespace

bool ProcessTable::Key::operator==(const Key& other) const {
    return std::memcmp(this, &other, sizeof(*this)) == 0;
}

ProcessTable::ProcessTable(ProcessMap map, CgroupNames cgroups, std::size_t capacity,
                           ScriptFiles scripts)
    : map_(std::move(map)), cgroups_(std::move(cgroups)), scripts_(std::move(scripts)),
      cache_(capacity) {}

ProcessTable ProcessTable::of_maps(int processes_fd, int programs_fd, std::size_t capacity) {
    const auto map = [](int fd) {
        return [fd](const dw_process_key& key, dw_process& value) { return bpf_map_lookup_elem(fd, &key, &value) == 0; };
    };
    // What runs has all that was taken at its start; the other one may have been taken later.
    return ProcessTable(
        [maps = std::array<ProcessMap, 2>{map(programs_fd), map(processes_fd)}](
            const dw_process_key& key, dw_process& value) { return read_whole(maps, key, value); },
        CgroupNames::of_mount(cgroup2_mount(), capacity), capacity);
}

// A process that ends meanwhile is in the second map: it was put there when it sent.
bool ProcessTable::read_whole(std::span<const ProcessMap> maps, const dw_process_key& key, dw_process& record) {
    const auto has = [&key](const ProcessMap& map, dw_process& value) {
        return map(key, value) && same_process(value.self, key);
    };
    const auto again = std::make_unique<dw_process>();
    constexpr int tries = 3;
    for (int i = 0; i < tries; ++i)
        for (const ProcessMap& map : maps)
            if (has(map, record) && has(map, *again)) return true;
    return false;
}

NamedProcess ProcessTable::name(const dw_binding& binding) {
    if (binding.flags & DW_FROM_KERNEL) return {nullptr, Unknown::kernel};
    const Key key{binding.who, binding.cgroup_id, binding.uid, binding.gid,
                  static_cast<std::uint64_t>(binding.flags & DW_BY_TRACED)};
    if (auto named = known(key)) return *named;
    const std::lock_guard reading(locks_->reading);
    if (auto named = known(key)) return *named;  // another thread has read it meanwhile
    NamedProcess named = read(binding);
    if (!named.process) return named;
    const std::lock_guard lock(locks_->cache);
    cache_.put(key, named);
    return named;
}

std::optional<NamedProcess> ProcessTable::known(const Key& key) {
    const std::lock_guard lock(locks_->cache);
    const NamedProcess* named = cache_.find(key);
    return named ? std::optional(*named) : std::nullopt;
}

std::size_t ProcessTable::size() const {
    const std::lock_guard lock(locks_->cache);
    return cache_.size();
}

NamedProcess ProcessTable::read(const dw_binding& binding) {
    dw_process record{};
    if (!map_(binding.who, record) || !same_process(record.self, binding.who))
        return {nullptr, Unknown::process_lost};
    auto process = std::make_shared<Process>();
    process->exe = path_of(record);
    if (process->exe.empty()) return {nullptr, Unknown::path_unreadable};
    process->pid = binding.who.pid;
    process->start_ns = binding.who.start_ns;
    process->exec_id = binding.who.exec_id;
    process->uid = binding.uid;
    process->gid = binding.gid;
    process->parent_pid = record.parent.pid;
    process->exe_device = record.exe_device;
    process->exe_inode = record.exe_inode;
    process->exe_size = record.exe_size;
    process->exe_mtime_ns = static_cast<std::int64_t>(record.exe_mtime_ns);
    process->exe_ctime_ns = static_cast<std::int64_t>(record.exe_ctime_ns);
    process->cgroup_id = binding.cgroup_id;
    if (const auto group = cgroups_.name(binding.cgroup_id)) process->control_group = *group;
    process->mount_namespace = record.mount_ns;
    process->exe_unlinked = record.flags & DW_EXE_UNLINKED;
    process->appimage = appimage_of(record);
    process->comm.assign(record.comm, ::strnlen(record.comm, DW_COMM_MAX));
    process->command_line = command_line_of(record);
    process->ancestors = ancestors_of(record);
    process->ancestors_whole =
        !(record.flags & (DW_ANCESTORS_CUT | DW_ANCESTORS_PENDING)) &&
        std::ranges::none_of(process->ancestors, &std::string::empty) && !process->ancestors.empty();
    if (!process->ancestors.empty()) process->parent_exe = process->ancestors.front();
    ScriptFile script = scripts_.find(script_of(record, process->exe), record.mount_ns);
    process->script = std::move(script.path);
    process->script_device = script.device;
    process->script_inode = script.inode;
    process->injected = injected_into(record, binding);
    // The kernel's key has nothing of a debugger: verdicts on what it has are not given again, nor to it.
    const bool traced = process->injected.has(Injection::tracer);
    return {std::move(process), Unknown::none, traced ? 0 : record.identity};
}

}  // namespace doorward

// SPDX-License-Identifier: GPL-2.0-or-later
#include "fwd/running_process.hpp"

#include <charconv>
#include <optional>

#include <bpf/bpf.h>
#include <fmt/format.h>
#include <sys/stat.h>

#include "bpf/wire.h"
#include "fwd/cgroup_mount.hpp"
#include "fwd/proc_files.hpp"
#include "fwd/process_table.hpp"

namespace doorward {
namespace {

constexpr std::size_t status_limit = 8192, cgroup_limit = 8192;
// Both maps are bounded far below it; keys that come and go meanwhile may be seen twice.
constexpr std::size_t most_keys = std::size_t{1} << 21;
constexpr int most_execs = 4;  // that it may do while it is looked at

// The program that it runs now: of one process, the last exec.
void find_program(int map, std::uint32_t pid, std::uint64_t start_ticks, std::optional<dw_process_key>& best) {
    dw_process_key key{}, next{};
    const dw_process_key* at = nullptr;
    for (std::size_t seen = 0; seen < most_keys && bpf_map_get_next_key(map, at, &next) == 0; ++seen) {
        key = next;
        at = &key;
        if (key.pid == pid && same_start(key.start_ns, start_ticks) && (!best || best->exec_id < key.exec_id))
            best = key;
    }
}

std::uint64_t cgroup_of(const ProcFolder& folder) {
    const auto path = parse_proc_cgroup(folder.text("cgroup", cgroup_limit));
    const auto mount = cgroup2_mount();
    struct stat info{};
    if (!path || !mount || ::stat((*mount + *path).c_str(), &info) != 0) return 0;
    return info.st_ino;
}

}  // namespace

std::optional<std::uint32_t> status_number(std::string_view status, std::string_view name) {
    for (std::size_t at = 0; at < status.size();) {
        const auto end = std::min(status.find('\n', at), status.size());
        std::string_view line = status.substr(at, end - at);
        at = end + 1;
        if (!line.starts_with(name) || !line.substr(name.size()).starts_with(':')) continue;
        line.remove_prefix(name.size() + 1);
        const auto start = line.find_first_not_of(" \t");
        if (start == line.npos) return std::nullopt;
        line.remove_prefix(start);
        std::uint32_t number = 0;
        const auto [stop, error] = std::from_chars(line.data(), line.data() + line.size(), number);
        if (error != std::errc{}) return std::nullopt;
        return number;
    }
    return std::nullopt;
}

namespace {

struct Maps {
    int processes, programs;
};

// `changed`: it has become another program meanwhile, which takes away what was known of the one before.
Result<NamedProcess> look_once(const ProcFolder& folder, std::uint32_t pid, const Maps& maps, bool& changed) {
    const auto stat = folder.stat();
    const std::string status = folder.text("status", status_limit);
    const auto group = status_number(status, "Tgid"), uid = status_number(status, "Uid"), gid = status_number(status, "Gid");
    if (!stat || !group || !uid || !gid) return fail(fmt::format("process {} has just ended", pid));
    if (*group != pid)
        return fail(fmt::format("{} is a thread of process {}", pid, *group), fmt::format("ask about {}", *group));
    std::optional<dw_process_key> key;
    find_program(maps.programs, pid, stat->start_ticks, key);
    find_program(maps.processes, pid, stat->start_ticks, key);
    if (!key)
        return fail(fmt::format("no hook has seen process {}", pid),
                    "it is a kernel thread, or there were too many processes: see doorward status");
    dw_binding binding{};
    binding.who = *key;
    binding.uid = *uid;
    binding.gid = *gid;
    binding.cgroup_id = cgroup_of(folder);
    auto named = ProcessTable::of_maps(maps.processes, maps.programs, 1).name(binding);
    dw_process kept{};
    changed = bpf_map_lookup_elem(maps.programs, &*key, &kept) != 0;
    return named;
}

}  // namespace

Result<std::shared_ptr<const Process>> running_process(std::uint32_t pid, int processes_fd, int programs_fd) {
    const auto folder = ProcFolder::open("/proc", pid);
    if (!folder) return fail(fmt::format("there is no process {}", pid), "see the numbers with: ps -e");
    bool changed = true;
    NamedProcess named;
    for (int tries = 0; changed && tries < most_execs; ++tries) {
        auto looked = look_once(*folder, pid, {processes_fd, programs_fd}, changed);
        if (!looked) return std::unexpected(looked.error());
        named = std::move(*looked);
    }
    if (named.process) return named.process;
    return fail(fmt::format("process {} is not known: {}", pid, unknown_name(named.unknown)));
}

}  // namespace doorward

// SPDX-License-Identifier: GPL-2.0-or-later
#include "fwd/process_details.hpp"

#include <cerrno>
#include <fstream>
#include <sstream>
#include <vector>

#include <pwd.h>

#include "fwd/cgroup_mount.hpp"

namespace doorward {
namespace {

constexpr std::size_t cgroup_limit = 16384;
constexpr std::size_t passwd_entry_limit = std::size_t{1} << 20;

std::string read_all(const std::string& path) {
    std::ostringstream text;
    text << std::ifstream(path).rdbuf();
    return text.str();
}

// The kernel's mark on the path of a file that has been removed.
std::string without_deleted(std::string path) {
    constexpr std::string_view mark = " (deleted)";
    if (path.ends_with(mark)) path.resize(path.size() - mark.size());
    return path;
}

void fill(std::string& field, const std::string& value) {
    if (field.empty()) field = value;
}

}  // namespace

std::string ProcessDetails::user_name_of(std::uint32_t uid) {
    passwd entry{};
    passwd* found = nullptr;
    std::vector<char> buffer(1024);
    int error = ERANGE;
    while (error == ERANGE && buffer.size() <= passwd_entry_limit) {
        buffer.resize(buffer.size() * 4);
        error = ::getpwuid_r(uid, &entry, buffer.data(), buffer.size(), &found);
    }
    return error == 0 && found != nullptr ? found->pw_name : "";
}

std::size_t ProcessDetails::KeyHash::operator()(const Key& key) const {
    // Start times differ in their low bits, so these alone would do; the rest parts the execs.
    std::uint64_t hash = key.start_ns;
    for (const std::uint64_t part : {std::uint64_t{key.pid}, key.exec_id, key.cgroup_id})
        hash = (hash ^ part) * 0x9e3779b97f4a7c15u;
    return hash ^ hash >> 32;
}

ProcessDetails::ProcessDetails() : ProcessDetails(Options{}) {}

ProcessDetails::ProcessDetails(Options options)
    : options_(std::move(options)),
      cgroups_(CgroupNames::of_mount(find_cgroup2(read_all(options_.proc + "/self/mountinfo")),
                                     options_.processes)),
      processes_(options_.processes), users_(options_.users) {}

void ProcessDetails::complete(AuditRecord& record) {
    if (user_known(record)) fill(record.user, user(record.uid));
    if (record.pid == 0) return;
    const Key key{record.pid, record.start_ns, record.exec_id, record.cgroup_id};
    const Details* details = processes_.find(key);
    if (details == nullptr) details = &processes_.put(key, ask(record));
    fill(record.working_directory, details->working_directory);
    fill(record.parent_exe, details->parent_exe);
    fill(record.unit, details->unit);
    fill(record.slice, details->slice);
    fill(record.container, details->container);
}

ProcessDetails::Details ProcessDetails::ask(const AuditRecord& record) {
    std::optional<ProcFolder> folder = ProcFolder::open(options_.proc, record.pid);
    if (folder) {
        const auto stat = folder->stat();
        if (!stat || !same_start(record.start_ns, stat->start_ticks)) folder.reset();
    }
    Details details;
    const ControlGroup group = control_group(folder, record.cgroup_id);
    if (!group.units.empty()) details.unit = group.units.back();
    if (!group.slices.empty()) details.slice = group.slices.back();
    details.container = group.container;
    if (!folder) return details;
    details.working_directory = folder->link("cwd");
    details.parent_exe = parent_exe(*folder, record);
    return details;
}

// The parent can't have ended, and its number can't have been given to another, while it still is
// the parent; so that is asked after its folder has been opened.
std::string ProcessDetails::parent_exe(const ProcFolder& folder, const AuditRecord& record) const {
    if (record.parent_pid == 0) return {};
    const auto parent = ProcFolder::open(options_.proc, record.parent_pid);
    if (!parent) return {};
    const auto stat = folder.stat();
    if (!stat || stat->parent_pid != record.parent_pid) return {};
    return without_deleted(parent->link("exe"));
}

ControlGroup ProcessDetails::control_group(const std::optional<ProcFolder>& folder,
                                           std::uint64_t cgroup_id) {
    if (const auto group = cgroups_.name(cgroup_id)) return *group;
    if (!folder) return {};
    const auto path = parse_proc_cgroup(folder->text("cgroup", cgroup_limit));
    return path ? parse_control_group(*path) : ControlGroup{};
}

const std::string& ProcessDetails::user(std::uint32_t uid) {
    const auto now = std::chrono::steady_clock::now();
    User* known = users_.find(uid);
    if (known == nullptr || known->expires <= now)
        known = &users_.put(uid, {options_.user_name(uid), now + options_.user_expiry});
    return known->name;
}

}  // namespace doorward

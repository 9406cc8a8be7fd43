// SPDX-License-Identifier: GPL-2.0-or-later
// Binding → process: what the hooks kept of it, read once and remembered.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <span>

#include "bpf/wire.h"
#include "fwd/cgroup_names.hpp"
#include "fwd/lru.hpp"
#include "fwd/script_file.hpp"
#include "rules/flow.hpp"

namespace doorward {

struct NamedProcess {
    std::shared_ptr<const Process> process;  // null if and only if `unknown` is not none
    Unknown unknown = Unknown::none;
    std::uint64_t identity = 0;  // dw_process.identity; 0 as well if verdicts on it are not to be given again
};

// Thread-safe: a process is read once, and is the same object for all who ask; who asks for one that is known does not
// wait for that. Never asks /proc: by then the process may be gone or be another program.
class ProcessTable {
public:
    // What the kernel keeps of a process; false if that is nothing.
    using ProcessMap = std::function<bool(const dw_process_key&, dw_process&)>;

    // `capacity`: of processes, and of cgroups, that are remembered.
    ProcessTable(ProcessMap map, CgroupNames cgroups, std::size_t capacity, ScriptFiles scripts = {});
    // The maps `processes` (of those that sent) and `programs` (of those that run).
    static ProcessTable of_maps(int processes_fd, int programs_fd, std::size_t capacity);

    // What the first of these maps has of a process. The kernel may give an entry to another process while it is
    // copied, so it is looked up again: whose it is then, it was during the copy.
    static bool read_whole(std::span<const ProcessMap> maps, const dw_process_key& key, dw_process& record);

    NamedProcess name(const dw_binding& binding);
    std::size_t size() const;

private:
    struct Key {
        dw_process_key who;
        std::uint64_t cgroup_id;  // a process may change these between two sends
        std::uint32_t uid;
        std::uint32_t gid;
        std::uint64_t flags;
        bool operator==(const Key& other) const;
    };

    // Each where it is, also when the table is moved.
    struct Locks {
        std::mutex cache;
        std::mutex reading;  // taken first
    };

    std::optional<NamedProcess> known(const Key& key);
    NamedProcess read(const dw_binding& binding);

    std::unique_ptr<Locks> locks_ = std::make_unique<Locks>();
    ProcessMap map_;
    CgroupNames cgroups_;
    ScriptFiles scripts_;
    Lru<Key, NamedProcess, HashBytes> cache_;
};

}  // namespace doorward

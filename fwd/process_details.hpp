// SPDX-License-Identifier: GPL-2.0-or-later
// Completes an audit record with what no hook took: names of user and unit, working directory.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>

#include "fwd/audit_record.hpp"
#include "fwd/cgroup_names.hpp"
#include "fwd/lru.hpp"
#include "fwd/proc_files.hpp"

namespace doorward {

// Takes system calls and may wait for a name service: for the audit log's thread, not for the
// packet path. Each process is asked about once. Not thread-safe.
//
// Nothing is ever taken from another process: /proc is believed only where the start time agrees. Nor is anything
// read that lies in a process's own memory (cmdline, environ): it may be a file on FUSE, whose server never answers.
class ProcessDetails {
public:
    struct Options {
        std::string proc = "/proc";
        std::size_t processes = 4096;  // remembered at most
        std::size_t users = 1024;
        std::chrono::seconds user_expiry{60};  // then a user's name is asked for again
        // uid → name; empty if there is none. Replaced in tests.
        std::function<std::string(std::uint32_t)> user_name = user_name_of;
    };

    static std::string user_name_of(std::uint32_t uid);

    ProcessDetails();
    explicit ProcessDetails(Options options);

    // Fills what is empty: user, working_directory, parent_exe, unit, slice,
    // container. Leaves alone what is there, and a record without a process.
    void complete(AuditRecord& record);

private:
    struct Key {
        std::uint32_t pid = 0;
        std::uint64_t start_ns = 0;
        std::uint64_t exec_id = 0;
        std::uint64_t cgroup_id = 0;  // a process can be moved

        bool operator==(const Key&) const = default;
    };
    struct KeyHash {
        std::size_t operator()(const Key& key) const;
    };
    struct Details {
        std::string working_directory;
        std::string parent_exe;
        std::string unit;
        std::string slice;
        std::string container;
    };
    struct User {
        std::string name;
        std::chrono::steady_clock::time_point expires;
    };

    Details ask(const AuditRecord& record);
    std::string parent_exe(const ProcFolder& folder, const AuditRecord& record) const;
    ControlGroup control_group(const std::optional<ProcFolder>& folder, std::uint64_t cgroup_id);
    const std::string& user(std::uint32_t uid);

    Options options_;
    CgroupNames cgroups_;
    Lru<Key, Details, KeyHash> processes_;
    Lru<std::uint32_t, User, std::hash<std::uint32_t>> users_;
};

}  // namespace doorward

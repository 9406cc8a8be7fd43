// SPDX-License-Identifier: GPL-2.0-or-later
// Which BPF program goes where, and what follows if it can't. Plain data.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "fwd/config.hpp"

namespace doorward {

// foreign: cgroup, about other namespaces. verdicts: cgroup, gives known ones. task_iterator: is run twice.
enum class HookKind { fentry, kprobe, cgroup, tracepoint, iterator, task_iterator, foreign, verdicts };

struct Hook {
    std::string_view program;      // name in bpf/
    HookKind kind;
    std::string_view point;        // for people: "kprobe tcp_connect"
    std::string_view consequence;  // empty: the set is no use without it
    bool until_table = false;      // not needed once our table says who sends
};

// The hooks of one set, those shared by all included. Not thread-safe.
std::span<const Hook> hooks_of(HookChoice set);

// The kernel's functions that the fentry set is on.
std::vector<std::string> called_functions();

}  // namespace doorward

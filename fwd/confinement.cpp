// SPDX-License-Identifier: GPL-2.0-or-later
#include "fwd/confinement.hpp"

#include <algorithm>

#include <grp.h>
#include <linux/capability.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "fwd/call_filter.hpp"
#include "fwd/capabilities.hpp"
#include "fwd/handle.hpp"

namespace doorward {
namespace {

struct Need {
    int capability;
    const char* without;
};

constexpr Need needs[] = {
    {CAP_NET_ADMIN, "no queue and no table"},
    {CAP_SYS_PTRACE, "of other users' processes neither the running file nor the working directory is known"},
    {CAP_DAC_READ_SEARCH, "programs that only their owner may read have no digest, control groups no path"},
};

Capabilities needed() {
    Capabilities set = 0;
    for (const Need& need : needs) set |= capabilities({need.capability});
    return set;
}

// Root's own groups stay: what is there keeps its group when it is written anew.
Result<void> join(gid_t group) {
    std::vector<gid_t> groups(65536);
    const int count = ::getgroups(static_cast<int>(groups.size()), groups.data());
    if (count < 0) return sys_fail("look at the groups");
    groups.resize(static_cast<std::size_t>(count));
    if (group == ::getegid() || std::ranges::find(groups, group) != groups.end()) return {};
    // Without the right to it, what the service manager says about groups counts. Where that is not
    // enough, whoever gives a file to the group says so.
    const auto held = held_capabilities();
    if (!held || !(held->effective & capabilities({CAP_SETGID}))) return {};
    groups.push_back(group);
    if (::setgroups(groups.size(), groups.data()) != 0)
        return sys_fail("join the group that may read the audit log");
    return {};
}

}  // namespace

Result<void> confine(std::optional<gid_t> group) {
    if (group)
        if (auto joined = join(*group); !joined) return joined;
    if (auto kept = keep_capabilities(needed()); !kept) return kept;
    if constexpr (filters_calls) return install_call_filter();
    return {};
}

ConfinementStatus confinement_status() {
    ConfinementStatus status;
    if (const auto held = held_capabilities()) {
        status.capabilities = capability_names(held->permitted);
        status.bounding = capability_names(held->bounding);
    }
    status.no_new_privileges = ::prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) == 1;
    status.calls_filtered = filters_calls;
    status.refused_calls = refused_calls();
    return status;
}

std::vector<MissingFeature> missing_confinement() {
    std::vector<MissingFeature> missing;
    if (const auto held = held_capabilities())
        for (const Need& need : needs)
            if (const Capabilities one = capabilities({need.capability}); !(held->effective & one))
                missing.push_back({capability_names(one).front(), need.without});
    if constexpr (!filters_calls)
        missing.push_back({"filter of system calls (this build has a sanitizer)",
                           "whoever takes over the daemon may call what its capabilities allow"});
    return missing;
}

}  // namespace doorward

// SPDX-License-Identifier: GPL-2.0-or-later
// Who is at the other end of a UNIX socket, as the kernel recorded it when the connection was made.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include <sys/types.h>

#include "fwd/control_methods.hpp"
#include "rules/result.hpp"

namespace doorward {

struct Peer {
    uid_t uid = 0;
    gid_t gid = 0;
    pid_t pid = 0;
    std::vector<gid_t> groups;  // supplementary
};

Result<Peer> peer_of(int socket);

struct AccessGroups {
    std::optional<gid_t> read;    // none: only root may ask
    std::optional<gid_t> change;  // none: only root may change
};

// Root may everything. The right to change includes the right to ask.
Access access_of(const Peer& peer, const AccessGroups& groups);

// Nothing if there is no such group.
std::optional<gid_t> find_group(const std::string& name);

}  // namespace doorward

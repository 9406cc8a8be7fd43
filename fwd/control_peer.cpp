// SPDX-License-Identifier: GPL-2.0-or-later
#include "fwd/control_peer.hpp"

#include <algorithm>
#include <cerrno>

#include <grp.h>
#include <sys/socket.h>

#include "fwd/handle.hpp"

namespace doorward {
namespace {

// The kernel's own limit of supplementary groups.
constexpr std::size_t max_groups = 65536;
constexpr std::size_t max_group_entry = 1 << 20;

Result<std::vector<gid_t>> peer_groups(int socket) {
    std::vector<gid_t> groups(64);
    for (;;) {
        auto bytes = static_cast<socklen_t>(groups.size() * sizeof(gid_t));
        if (::getsockopt(socket, SOL_SOCKET, SO_PEERGROUPS, groups.data(), &bytes) == 0) {
            groups.resize(bytes / sizeof(gid_t));
            return groups;
        }
        if (errno != ERANGE || groups.size() >= max_groups)
            return sys_fail("read the groups of the socket's other end");
        groups.resize(max_groups);
    }
}

bool is_member(const Peer& peer, const std::optional<gid_t>& group) {
    return group &&
           (peer.gid == *group || std::ranges::find(peer.groups, *group) != peer.groups.end());
}

}  // namespace

Result<Peer> peer_of(int socket) {
    ucred credentials{};
    socklen_t size = sizeof credentials;
    if (::getsockopt(socket, SOL_SOCKET, SO_PEERCRED, &credentials, &size) != 0)
        return sys_fail("read the credentials of the socket's other end");
    auto groups = peer_groups(socket);
    if (!groups) return std::unexpected(groups.error());
    return Peer{credentials.uid, credentials.gid, credentials.pid, std::move(*groups)};
}

Access access_of(const Peer& peer, const AccessGroups& groups) {
    if (peer.uid == 0 || is_member(peer, groups.change)) return Access::change;
    return is_member(peer, groups.read) ? Access::read : Access::none;
}

std::optional<gid_t> find_group(const std::string& name) {
    std::vector<char> buffer(4096);
    for (;;) {
        group entry{};
        group* found = nullptr;
        const int error = ::getgrnam_r(name.c_str(), &entry, buffer.data(), buffer.size(), &found);
        if (error == ERANGE && buffer.size() < max_group_entry) {
            buffer.resize(buffer.size() * 2);  // a group with many members
            continue;
        }
        if (error != 0 || !found) return std::nullopt;
        return entry.gr_gid;
    }
}

}  // namespace doorward

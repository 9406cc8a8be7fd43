// SPDX-License-Identifier: GPL-2.0-or-later
// What the path of a cgroup says about the processes in it: systemd unit and slices, container.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace doorward {

// In front of every name that the system's own manager, or root's container runtime, did not give:
// a user's manager gives what names its user likes, and so does a service below itself.
inline constexpr std::string_view user_prefix = "user:";

constexpr std::string_view without_user(std::string_view text) {
    return text.starts_with(user_prefix) ? text.substr(user_prefix.size()) : text;
}
// A whole path: of the host's tree, or with user_prefix in front of one that any user could have made.
constexpr bool is_whole_path(std::string_view text) { return without_user(text).starts_with('/'); }

// Lists go from the root of the tree inwards; so the last entry is the closest one.
struct ControlGroup {
    // "ssh.service"; below a user's manager "user@1000.service" and "user:app-mail.scope".
    std::vector<std::string> units;
    std::vector<std::string> slices;  // "user.slice", "user-1000.slice", "user:app.slice"
    // RUNTIME:NAME, as "docker:0123…", "user:podman:0123…", "machine:web"; empty: in none. Of
    // containers in containers it is the outermost: what is inside is up to that one's owner.
    std::string container;
    bool known = false;  // nothing in it means: in none

    bool operator==(const ControlGroup&) const = default;
};

// Of a cgroup v2 path, as the kernel writes it: it begins with a slash, at the root of the tree.
//   /system.slice/ssh.service                   unit ssh.service
//   /system.slice/foo.service/ssh.service       unit foo.service: what is below is its own business
//   /user.slice/user-1000.slice/user@1000.service/app.slice/app-foo.scope
//                                               units user@1000.service, user:app-foo.scope
//   /system.slice/docker-0123….scope            container docker:0123…
// Docker, containerd, CRI-O, Podman, LXC, systemd-nspawn and other machines (machine:), Flatpak
// and Snap are known.
ControlGroup parse_control_group(std::string_view path);

}  // namespace doorward

// SPDX-License-Identifier: GPL-2.0-or-later
#include "fwd/become_user.hpp"

#include <vector>

#include <fcntl.h>
#include <fmt/format.h>
#include <grp.h>
#include <linux/capability.h>
#include <pwd.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>

#include "fwd/handle.hpp"

namespace doorward {
namespace {

struct User {
    uid_t uid = 0;
    gid_t gid = 0;
};

Result<User> find_user(const std::string& name) {
    std::vector<char> buffer(65536);
    passwd entry{};
    passwd* found = nullptr;
    const int error = ::getpwnam_r(name.c_str(), &entry, buffer.data(), buffer.size(), &found);
    if (error != 0) return sys_fail("look up the user " + name, error);
    if (!found) return fail("there is no user " + name, "systemd-sysusers makes it");
    if (entry.pw_uid == 0 || entry.pw_gid == 0)
        return fail(name + " is root, or of root's group", "use a user without rights");
    return User{entry.pw_uid, entry.pw_gid};
}

// One that is there is left as it is: whose it is, is not this program's to decide.
Result<void> make_folder(const std::string& path, const User& user) {
    if (::mkdir(path.c_str(), 0755) != 0) {
        if (errno == EEXIST) return {};
        return sys_fail("make the folder " + path);
    }
    const Fd folder(::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
    if (!folder) return sys_fail("open " + path);
    if (::fchown(folder.get(), user.uid, user.gid) != 0) return sys_fail("give away " + path);
    return {};
}

Result<void> set_ids(const User& user) {
    if (::setgroups(0, nullptr) != 0) return sys_fail("give up root's groups");
    if (::setresgid(user.gid, user.gid, user.gid) != 0) return sys_fail("give up root's group");
    if (::prctl(PR_SET_KEEPCAPS, 0, 0, 0, 0) != 0) return sys_fail("give up capabilities");
    if (::setresuid(user.uid, user.uid, user.uid) != 0) return sys_fail("give up root");
    return {};
}

Result<void> check_no_capabilities() {
    __user_cap_header_struct header{_LINUX_CAPABILITY_VERSION_3, 0};
    __user_cap_data_struct data[_LINUX_CAPABILITY_U32S_3]{};
    if (::syscall(SYS_capget, &header, data) != 0) return sys_fail("look at capabilities");
    for (const auto& part : data)
        if (part.effective != 0 || part.permitted != 0)
            return fail("it still has capabilities", "start it as root, or as a user without them");
    return {};
}

// Not taken on trust: what was given up is tried.
Result<void> check_no_root() {
    uid_t real = 0, effective = 0, saved = 0;
    if (::getresuid(&real, &effective, &saved) != 0) return sys_fail("look at user ids");
    if (real == 0 || effective == 0 || saved == 0 || ::setuid(0) == 0 || ::seteuid(0) == 0)
        return fail("it is root, or can become root again", "");
    return check_no_capabilities();
}

}  // namespace

Result<void> become_user(const std::string& user, const std::string& folder) {
    if (::geteuid() == 0) {
        const auto found = find_user(user);
        if (!found) return std::unexpected(found.error());
        if (auto made = make_folder(folder, *found); !made) return made;
        if (auto set = set_ids(*found); !set) return set;
    }
    if (::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0) return sys_fail("keep from new privileges");
    return check_no_root();
}

}  // namespace doorward

// SPDX-License-Identifier: GPL-2.0-or-later
#include "fwd/unix_listener.hpp"

#include <algorithm>
#include <chrono>
#include <filesystem>
#include <thread>

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

namespace doorward {
namespace {

sockaddr_un address_of(const std::string& path) {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    std::ranges::copy(path, address.sun_path);
    return address;
}

Result<Fd> new_socket() {
    Fd fd(::socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
    if (!fd) return sys_fail("create a UNIX socket");
    return fd;
}

// Two daemons that start at once must not both find the same stale socket and each remove what the
// other has just made. The lock is on the folder, so no lock file is left behind.
Result<Fd> lock_folder(const std::string& folder) {
    // With chmod(), as a service's umask may keep others from reaching the socket in it.
    const bool made = ::mkdir(folder.c_str(), 0755) == 0;
    if ((!made && errno != EEXIST) || (made && ::chmod(folder.c_str(), 0755) != 0))
        return sys_fail("create the folder " + folder + " for the control socket");
    Fd fd(::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    if (!fd) return sys_fail("open " + folder);
    for (int tries = 0; tries < 40; ++tries) {
        if (::flock(fd.get(), LOCK_EX | LOCK_NB) == 0) return fd;
        if (errno != EWOULDBLOCK) return sys_fail("lock " + folder);
        std::this_thread::sleep_for(std::chrono::milliseconds(50));
    }
    return fail("cannot lock " + folder + ": another process keeps it locked",
                "see which with: fuser " + folder);
}

Result<void> remove_stale(const std::string& path) {
    struct stat info{};
    if (::lstat(path.c_str(), &info) != 0) {
        if (errno == ENOENT) return {};
        return sys_fail("look at " + path);
    }
    if (!S_ISSOCK(info.st_mode))
        return fail(path + " is there already and is no socket",
                    "remove it, or choose another path");
    auto probe = new_socket();
    if (!probe) return std::unexpected(probe.error());
    const sockaddr_un address = address_of(path);
    const int connected =
        ::connect(probe->get(), reinterpret_cast<const sockaddr*>(&address), sizeof address);
    // EAGAIN: the listener's backlog is full, so there is one.
    if (connected == 0 || errno == EAGAIN)
        return fail("another daemon listens on " + path,
                    "stop it, or choose another socket with --socket");
    if (errno != ECONNREFUSED) return sys_fail("find out whether somebody listens on " + path);
    if (::unlink(path.c_str()) != 0) return sys_fail("remove the stale socket " + path);
    return {};
}

Result<void> bind_and_listen(int fd, const std::string& path) {
    const sockaddr_un address = address_of(path);
    if (::bind(fd, reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0)
        return sys_fail("bind the control socket " + path);
    // Everybody may connect; what a connection may do depends on its credentials.
    if (::chmod(path.c_str(), 0666) != 0 || ::listen(fd, 64) != 0) {
        const int error = errno;
        ::unlink(path.c_str());
        return sys_fail("listen on the control socket " + path, error);
    }
    return {};
}

}  // namespace

Result<void> check_socket_path(const std::string& path) {
    constexpr std::size_t limit = sizeof(sockaddr_un::sun_path) - 1;
    if (path.empty() || path.find('\0') != std::string::npos)
        return fail("the socket's path is empty or has a NUL byte");
    if (path.size() > limit)
        return fail(fmt::format("the socket's path {} is longer than {} bytes", path, limit),
                    "choose a shorter one");
    return {};
}

Result<UnixListener> UnixListener::open(const std::string& path) {
    if (auto fits = check_socket_path(path); !fits) return std::unexpected(fits.error());
    const std::string folder = std::filesystem::path(path).parent_path();
    const auto lock = lock_folder(folder.empty() ? "." : folder);
    if (!lock) return std::unexpected(lock.error());
    if (auto gone = remove_stale(path); !gone) return std::unexpected(gone.error());
    auto fd = new_socket();
    if (!fd) return std::unexpected(fd.error());
    if (auto bound = bind_and_listen(fd->get(), path); !bound)
        return std::unexpected(bound.error());
    struct stat info{};
    if (::lstat(path.c_str(), &info) != 0) return sys_fail("look at " + path);
    return UnixListener(std::move(*fd), path, info.st_dev, info.st_ino);
}

UnixListener::~UnixListener() {
    struct stat info{};
    if (!fd_ || ::lstat(path_.c_str(), &info) != 0) return;
    if (info.st_dev == device_ && info.st_ino == inode_) ::unlink(path_.c_str());
}

}  // namespace doorward

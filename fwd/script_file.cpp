// SPDX-License-Identifier: GPL-2.0-or-later
#include "fwd/script_file.hpp"

#include <algorithm>
#include <array>
#include <climits>
#include <optional>
#include <string_view>
#include <vector>

#include <fcntl.h>
#include <linux/openat2.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>

namespace doorward {
namespace {

constexpr int most_links = 16;

Fd open_cached(int folder, const std::string& name) {
    open_how how{};
    how.flags = O_PATH | O_NOFOLLOW | O_CLOEXEC;
    how.resolve = RESOLVE_CACHED | RESOLVE_NO_MAGICLINKS;
    return Fd(static_cast<int>(::syscall(SYS_openat2, folder, name.c_str(), &how, sizeof(how))));
}

// Of what an O_PATH descriptor stands for, without asking a server about it.
std::optional<struct statx> status_of(int fd) {
    struct statx status{};
    const int flags = AT_EMPTY_PATH | AT_STATX_DONT_SYNC | AT_NO_AUTOMOUNT;
    const unsigned wanted = STATX_TYPE | STATX_MODE | STATX_UID | STATX_INO;
    if (::statx(fd, "", flags, wanted, &status)) return std::nullopt;
    return status;
}

bool only_root_writes(const struct statx& folder) {
    return folder.stx_uid == 0 && (folder.stx_mode & 0022) == 0;
}

std::uint32_t namespace_at(const char* path) {
    struct stat status{};
    return ::stat(path, &status) == 0 ? static_cast<std::uint32_t>(status.st_ino) : 0;
}

// One pass from the root down to the first link.
class Walk {
public:
    enum class End { whole, link, stuck };

    Walk(int root, const std::string& path) : folder_(::fcntl(root, F_DUPFD_CLOEXEC, 0)), rest_(path) {}

    End go() {
        for (std::string name = next(); !name.empty(); name = next()) {
            if (name == "..") {  // in a link's target: what is above here is known without links
                passed_.resize(std::min(passed_.rfind('/'), passed_.size()));
                return restart(passed_);
            }
            const auto above = status_of(folder_.get());
            if (!above) return End::stuck;
            trusted_ = trusted_ && only_root_writes(*above);
            Fd found = open_cached(folder_.get(), name);
            const auto status = found ? status_of(found.get()) : std::nullopt;
            if (!status) return End::stuck;
            if (S_ISLNK(status->stx_mode)) return follow(found.get());
            passed_ += "/" + name;
            last_ = *status;
            folder_ = std::move(found);
        }
        return End::whole;
    }

    // After End::whole the path, after End::link the one to go on with.
    const std::string& path() const { return passed_; }
    // After End::whole what is there, if the path has any part.
    ScriptFile file() const {
        return {passed_, ::makedev(last_.stx_dev_major, last_.stx_dev_minor), last_.stx_ino};
    }

private:
    std::string next() {
        rest_.remove_prefix(std::min(rest_.find_first_not_of('/'), rest_.size()));
        const auto name = rest_.substr(0, rest_.find('/'));
        rest_.remove_prefix(name.size());
        return name == "." ? next() : std::string(name);
    }

    End restart(const std::string& front) {
        passed_ = front + std::string(rest_);
        return End::link;
    }

    End follow(int link) {
        std::array<char, PATH_MAX> target{};
        const ssize_t size = ::readlinkat(link, "", target.data(), target.size());
        if (!trusted_ || size <= 0 || static_cast<std::size_t>(size) >= target.size())
            return End::stuck;
        const std::string text(target.data(), static_cast<std::size_t>(size));
        return restart(text.starts_with('/') ? text : passed_ + "/" + text);
    }

    Fd folder_;
    std::string_view rest_;
    std::string passed_;
    struct statx last_{};  // of the last part
    bool trusted_ = true;
};

}  // namespace

ScriptFiles::ScriptFiles()
    : root_(::open("/proc/1/root", O_PATH | O_DIRECTORY | O_CLOEXEC)),
      mount_namespace_(namespace_at("/proc/1/ns/mnt")) {
    if (root_ && mount_namespace_ != 0) return;
    root_ = Fd(::open("/", O_PATH | O_DIRECTORY | O_CLOEXEC));
    mount_namespace_ = namespace_at("/proc/self/ns/mnt");
}

ScriptFiles::ScriptFiles(const std::string& root, std::uint32_t mount_namespace)
    : root_(::open(root.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC)),
      mount_namespace_(mount_namespace) {}

ScriptFile ScriptFiles::find(const std::string& path, std::uint32_t mount_namespace) const {
    if (!root_ || !path.starts_with('/') || mount_namespace != mount_namespace_) return {path};
    std::string now = path;
    for (int links = 0; links < most_links; ++links) {
        Walk walk(root_.get(), now);
        const Walk::End end = walk.go();
        if (end == Walk::End::stuck) return {path};
        if (end == Walk::End::whole) return walk.path().empty() ? ScriptFile{path} : walk.file();
        now = walk.path();
    }
    return {path};
}

}  // namespace doorward

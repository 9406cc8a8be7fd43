// SPDX-License-Identifier: GPL-2.0-or-later
#include "fwd/replace_file.hpp"

#include <cstdio>
#include <cstdlib>

#include <fcntl.h>
#include <sys/stat.h>

#include "fwd/handle.hpp"

namespace doorward {
namespace {

// Removed again unless it was renamed to its place.
class TemporaryFile {
public:
    static Result<TemporaryFile> create(const std::string& folder, const std::string& name) {
        std::string path = folder + "/." + name + ".XXXXXX";
        Fd fd(::mkostemp(path.data(), O_CLOEXEC));
        if (!fd) return sys_fail("create a file in " + folder);
        return TemporaryFile(std::move(fd), std::move(path));
    }

    TemporaryFile(TemporaryFile&& other) noexcept
        : fd_(std::move(other.fd_)), path_(std::exchange(other.path_, {})) {}
    TemporaryFile& operator=(TemporaryFile&&) = delete;
    ~TemporaryFile() {
        if (!path_.empty()) ::unlink(path_.c_str());
    }

    int fd() const { return fd_.get(); }

    Result<void> write_all(std::string_view text) {
        while (!text.empty()) {
            const ssize_t written = ::write(fd_.get(), text.data(), text.size());
            if (written < 0 && errno == EINTR) continue;
            if (written < 0) return sys_fail("write " + path_);
            text.remove_prefix(static_cast<std::size_t>(written));
        }
        return {};
    }

    Result<void> own(const FileOwnership& ownership) {
        struct stat now{};
        if (::fstat(fd_.get(), &now) != 0) return sys_fail("look at " + path_);
        const bool same = now.st_uid == ownership.owner && now.st_gid == ownership.group;
        if (!same && ::fchown(fd_.get(), ownership.owner, ownership.group) != 0)
            return sys_fail("give " + path_ + " to its owner", errno,
                            "the daemon gives files only to root and to groups that it is in");
        if (::fchmod(fd_.get(), ownership.mode) != 0) return sys_fail("set the mode of " + path_);
        return {};
    }

    Result<void> move_to(const std::string& target) {
        if (::fsync(fd_.get()) != 0) return sys_fail("write " + path_ + " to disk");
        if (::rename(path_.c_str(), target.c_str()) != 0) return sys_fail("replace " + target);
        path_.clear();
        return {};
    }

private:
    TemporaryFile(Fd fd, std::string path) : fd_(std::move(fd)), path_(std::move(path)) {}

    Fd fd_;
    std::string path_;
};

}  // namespace

Result<void> replace_file(const std::string& folder, const std::string& name, std::string_view text,
                          const FileOwnership& ownership) {
    auto file = TemporaryFile::create(folder, name);
    if (!file) return std::unexpected(file.error());
    if (auto written = file->write_all(text); !written) return written;
    if (auto owned = file->own(ownership); !owned) return owned;
    if (auto moved = file->move_to(folder + "/" + name); !moved) return moved;
    sync_folder(folder);
    return {};
}

void sync_folder(const std::string& folder) {
    const Fd entry(::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    if (entry) static_cast<void>(::fsync(entry.get()));
}

}  // namespace doorward

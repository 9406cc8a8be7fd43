// SPDX-License-Identifier: GPL-2.0-or-later
#include "fwd/executable_file.hpp"

#include <fcntl.h>
#include <linux/magic.h>
#include <linux/nsfs.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/vfs.h>

#include "fwd/clock.hpp"
#include "fwd/mount_entry.hpp"
#include "fwd/proc_files.hpp"

namespace doorward {
namespace {

constexpr std::int64_t second_ns = 1'000'000'000;
constexpr std::size_t mountinfo_limit = std::size_t{8} << 20;  // of tens of thousands of mounts

std::int64_t nanoseconds(std::int64_t seconds, std::int64_t rest) {
    return seconds * second_ns + rest;
}

std::string own_file(const std::string& name) {
    const Fd file(::open(("/proc/thread-self/" + name).c_str(), O_RDONLY | O_CLOEXEC));
    return file ? read_file(file, mountinfo_limit) : std::string();
}

// `device` is kept: stat does not know it.
std::expected<FileVersion, NoContent> look_at(int fd, std::uint64_t device) {
    struct statx status{};
    constexpr unsigned needed = STATX_TYPE | STATX_INO | STATX_SIZE | STATX_MTIME | STATX_CTIME;
    if (::statx(fd, "", AT_EMPTY_PATH, needed, &status) < 0 || (~status.stx_mask & needed))
        return std::unexpected(NoContent::unreadable);
    if (!S_ISREG(status.stx_mode)) return std::unexpected(NoContent::unreadable);
    return FileVersion{device, status.stx_ino, status.stx_size,
                       nanoseconds(status.stx_mtime.tv_sec, status.stx_mtime.tv_nsec),
                       nanoseconds(status.stx_ctime.tv_sec, status.stx_ctime.tv_nsec)};
}

// The process has ended by now, perhaps before its file was changed for the last time.
bool changed_unseen(const ExecutableQuestion& question) {
    const auto boot = static_cast<std::int64_t>(clock_ns(CLOCK_REALTIME) - clock_ns(CLOCK_BOOTTIME));
    return fresh_at(question.version.ctime_ns, boot + static_cast<std::int64_t>(question.start_ns));
}

bool on_overlay(int fd) {
    struct statfs status{};
    return ::fstatfs(fd, &status) == 0 && status.f_type == OVERLAYFS_SUPER_MAGIC;
}

// Whether only those who rule our user namespace can have mounted what the process sees.
bool mounts_are_ours(const ProcFolder& folder) {
    const Fd place = folder.place("ns/mnt");
    if (!place) return false;
    const Fd mounts(::open(("/proc/thread-self/fd/" + std::to_string(place.get())).c_str(),
                           O_RDONLY | O_CLOEXEC));
    if (!mounts) return false;
    const Fd users(::ioctl(mounts.get(), NS_GET_USERNS));
    struct stat theirs{}, ours{};
    return users && ::fstat(users.get(), &theirs) == 0 &&
           ::stat("/proc/thread-self/ns/user", &ours) == 0 && theirs.st_dev == ours.st_dev &&
           theirs.st_ino == ours.st_ino;
}

// An overlay's files change with the layers below, and their times don't show it: whoever may mount one
// may own the layers.
ExecutableFile::Opened unless_layered(ExecutableFile::Opened file, const ProcFolder& folder) {
    if (file && on_overlay(file->fd()) && !mounts_are_ours(folder))
        return std::unexpected(NoContent::remote);
    return file;
}

ExecutableFile::Opened only(ExecutableFile::Opened file, const FileVersion& version) {
    if (file && file->version() != version) return std::unexpected(NoContent::replaced);
    return file;
}

}  // namespace

FileVersion version_of(const Process& process) {
    return {process.exe_device, process.exe_inode, process.exe_size, process.exe_mtime_ns,
            process.exe_ctime_ns};
}

ExecutableQuestion question_of(const Process& process) {
    return {version_of(process), process.pid, process.start_ns, process.exe};
}

// The filesystem itself is not asked for anything before it is known to be one that answers.
ExecutableFile::Opened ExecutableFile::from(const Fd& place, const std::string& mountinfo) {
    const std::string self = std::to_string(place.get());
    const auto mount_id = parse_mount_id(own_file("fdinfo/" + self));
    const auto mount = mount_id ? find_mount(mountinfo, *mount_id) : std::nullopt;
    if (!mount) return std::unexpected(NoContent::unreadable);
    if (!is_trusted_filesystem(mount->type)) return std::unexpected(NoContent::remote);
    const auto version = look_at(place.get(), mount->device);
    if (!version) return std::unexpected(version.error());
    Fd fd(::open(("/proc/thread-self/fd/" + self).c_str(),
                 O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY));
    if (!fd) return std::unexpected(NoContent::unreadable);
    return ExecutableFile(std::move(fd), *version);
}

ExecutableFile::Opened ExecutableFile::open(const ExecutableQuestion& question,
                                            const std::string& proc) {
    if (question.pid == 0) return only(open_path(question.path), question.version);
    const auto folder = ProcFolder::open(proc, question.pid);
    const auto stat = folder ? folder->stat() : std::nullopt;
    if (stat && same_start(question.start_ns, stat->start_ticks)) {
        // What this leads to is compared as a whole, so an exec in between does no harm.
        const Fd place = folder->place("exe");
        if (place) {
            auto file = only(from(place, folder->text("mountinfo", mountinfo_limit)),
                             question.version);
            if (file || file.error() != NoContent::replaced)
                return unless_layered(std::move(file), *folder);
        }
    }
    if (!question.path.starts_with('/') || changed_unseen(question))
        return std::unexpected(NoContent::gone);
    return only(open_path(question.path), question.version);
}

ExecutableFile::Opened ExecutableFile::open_path(const std::string& path) {
    const Fd place(::open(path.c_str(), O_PATH | O_CLOEXEC));
    if (!place) {
        const bool nothing = errno == ENOENT || errno == ENOTDIR;
        return std::unexpected(nothing ? NoContent::gone : NoContent::unreadable);
    }
    return from(place, own_file("mountinfo"));
}

bool ExecutableFile::unchanged() const { return look_at(fd_.get(), version_.device) == version_; }

}  // namespace doorward

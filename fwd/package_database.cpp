// SPDX-License-Identifier: GPL-2.0-or-later
#include "fwd/package_database.hpp"

#include <filesystem>

#include <fcntl.h>
#include <sys/stat.h>

#include "fwd/handle.hpp"
#include "fwd/proc_files.hpp"

namespace doorward {
namespace {

constexpr std::size_t list_limit = std::size_t{64} << 20;
constexpr std::size_t most_packages = 100'000;

bool same_time(const timespec& a, const timespec& b) {
    return a.tv_sec == b.tv_sec && a.tv_nsec == b.tv_nsec;
}

timespec changed_at(const std::string& path) {
    struct stat status{};
    return ::stat(path.c_str(), &status) == 0 ? status.st_mtim : timespec{};
}

std::string read_whole(const std::string& path) {
    const Fd file(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
    return file ? read_file(file, list_limit) : std::string();
}

// Folders of the root that are links to the same name below /usr.
std::vector<std::string> merged_folders(const std::string& root) {
    std::vector<std::string> merged;
    for (const std::string name : {"bin", "sbin", "lib", "lib32", "lib64", "libx32"}) {
        std::error_code error;
        const auto target = std::filesystem::read_symlink(root + "/" + name, error).string();
        if (!error && (target == "usr/" + name || target == "/usr/" + name)) merged.push_back(name);
    }
    return merged;
}

// rpm knows nothing of dpkg's diversions. Its newer distributions have one folder of programs.
std::vector<std::string> listed_by_rpm(const std::string& root, const std::string& path,
                                       const std::vector<ListedAs>& names) {
    std::vector<std::string> paths;
    for (const ListedAs& name : names) paths.push_back(name.path);
    constexpr std::string_view programs = "/usr/bin/";
    std::error_code error;
    if (path.starts_with(programs) &&
        std::filesystem::read_symlink(root + "/usr/sbin", error).string() == "bin")
        paths.push_back("/usr/sbin/" + path.substr(programs.size()));
    return paths;
}

}  // namespace

PackageDatabase::PackageDatabase(std::string root)
    : root_(std::move(root)), folder_(root_ + "/var/lib/dpkg"), rpm_(root_) {}

bool PackageDatabase::exists() const {
    std::error_code error;
    return std::filesystem::is_directory(folder_ + "/info", error);
}

PackageDatabase::Stamp PackageDatabase::stamp() const {
    return {changed_at(folder_ + "/info"), changed_at(folder_ + "/diversions")};
}

std::string PackageDatabase::read_list(const std::string& file_name) const {
    return read_whole(folder_ + "/info/" + file_name);
}

void PackageDatabase::read() {
    read_at_ = stamp();  // before: a change while it is read makes it be read once more
    list_files_.clear();
    index_ = {};
    merged_ = merged_folders(root_);
    diversions_ = parse_diversions(read_whole(folder_ + "/diversions"));
    std::error_code error;
    for (std::filesystem::directory_iterator entry(folder_ + "/info", error), end;
         !error && entry != end && list_files_.size() < most_packages; entry.increment(error)) {
        std::string name = entry->path().filename().string();
        if (package_of_list(name).empty()) continue;
        const auto number = static_cast<std::uint32_t>(list_files_.size());
        each_listed_path(read_list(name),
                         [&](std::string_view path) { index_.add(path, number); });
        list_files_.push_back(std::move(name));
    }
    index_.seal();
}

bool PackageDatabase::lists(std::uint32_t package, const std::string& path) const {
    bool found = false;
    each_listed_path(read_list(list_files_[package]),
                     [&](std::string_view listed) { found = found || listed == path; });
    return found;
}

std::string PackageDatabase::owner(const std::string& path) {
    const Stamp now = stamp();
    if (!read_at_ || !same_time(read_at_->info, now.info) ||
        !same_time(read_at_->diversions, now.diversions))
        read();
    const auto names = listed_as(path, merged_, diversions_);
    if (std::string owner = dpkg_owner(names); !owner.empty()) return owner;
    return rpm_.owner(listed_by_rpm(root_, path, listed_as(path, merged_, {})));
}

std::string PackageDatabase::dpkg_owner(const std::vector<ListedAs>& names) const {
    for (const ListedAs& name : names)
        for (const std::uint32_t package : index_.find(name.path)) {
            std::string owner = package_of_list(list_files_[package]);
            if (!name.only.empty() && owner != name.only) continue;
            if (owner != name.never && lists(package, name.path)) return owner;
        }
    return {};
}

}  // namespace doorward

// SPDX-License-Identifier: GPL-2.0-or-later
#include "fwd/real_paths.hpp"

#include <algorithm>
#include <cerrno>
#include <climits>
#include <cstdlib>

#include <dirent.h>
#include <unistd.h>

#include "fwd/handle.hpp"

namespace doorward {
namespace {

using Directory = CHandle<DIR, closedir>;

std::optional<std::string> by_the_library(const std::string& path) {
    char resolved[PATH_MAX];
    return ::realpath(path.c_str(), resolved) ? std::optional<std::string>(resolved) : std::nullopt;
}

// Whether no part of it is empty, "." or "..".
bool is_plain(std::string_view path) {
    if (!path.starts_with('/') || path.ends_with('/')) return false;
    for (std::size_t at = 0; at < path.size();) {
        const auto end = std::min(path.find('/', at + 1), path.size());
        const auto part = path.substr(at + 1, end - at - 1);
        if (part.empty() || part == "." || part == "..") return false;
        at = end;
    }
    return true;
}

}  // namespace

std::string RealPaths::of(const std::string& path) {
    const auto found = is_plain(path) ? find(path) : by_the_library(path);
    return found.value_or(path);
}

RealPaths::Found RealPaths::find(std::string_view path) {
    const auto slash = path.rfind('/');
    Folder& in = folder(path.substr(0, slash));
    if (!in.real) return std::nullopt;
    std::string real = *in.real;
    real += path.substr(slash);
    switch (kind_in(in, path.substr(slash + 1), real)) {
        case Kind::other: return real;
        case Kind::link: return by_the_library(real);
        default: return std::nullopt;
    }
}

RealPaths::Kind RealPaths::kind_in(Folder& folder, std::string_view name, const std::string& path) {
    if (++folder.asked == list_after) folder.names = list(*folder.real);
    if (folder.names) {
        const auto found = folder.names->find(name);
        if (found == folder.names->end()) return Kind::nothing;
        if (found->second != Kind::not_known) return found->second;
    }
    char target;
    if (::readlink(path.c_str(), &target, 1) >= 0) return Kind::link;
    return errno == EINVAL ? Kind::other : Kind::nothing;
}

// None: it can't be read, or has too many.
std::optional<RealPaths::Names> RealPaths::list(const std::string& folder) {
    const Directory opened(::opendir((folder + "/").c_str()));
    if (!opened) return std::nullopt;
    Names names;
    for (;;) {
        errno = 0;
        const dirent* entry = ::readdir(opened.get());
        if (!entry && errno != 0) return std::nullopt;
        if (!entry) return names;
        if (names.size() == most_listed) return std::nullopt;
        const Kind kind = entry->d_type == DT_UNKNOWN ? Kind::not_known
                          : entry->d_type == DT_LNK   ? Kind::link
                                                      : Kind::other;
        names.emplace(entry->d_name, kind);
    }
}

RealPaths::Folder& RealPaths::folder(std::string_view path) {
    if (path.empty()) return root_;
    if (const auto known = folders_.find(path); known != folders_.end()) return known->second;
    Folder found{find(path)};
    if (found.real == "/") found.real->clear();  // a link to the root
    if (folders_.size() >= most_folders) return not_kept_ = std::move(found);
    return folders_.emplace(path, std::move(found)).first->second;
}

}  // namespace doorward

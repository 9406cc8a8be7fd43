// SPDX-License-Identifier: GPL-2.0-or-later
#include "fwd/dpkg_files.hpp"

#include <algorithm>

namespace doorward {
namespace {

std::string_view take_line(std::string_view& text) {
    const std::size_t end = text.find('\n');
    const std::string_view line = text.substr(0, end);
    text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
    return line;
}

// FNV-1a. Two paths with one hash cost a second look, no wrong answer.
std::uint64_t hash_of(std::string_view path) {
    std::uint64_t hash = 14695981039346656037u;
    for (const char c : path) hash = (hash ^ static_cast<unsigned char>(c)) * 1099511628211u;
    return hash;
}

// "/usr/bin/x" → "/bin/x" and back, if /bin is a link to /usr/bin.
std::string other_name(const std::string& path, const std::vector<std::string>& merged) {
    for (const std::string& folder : merged) {
        const std::string below_root = "/" + folder + "/";
        const std::string below_usr = "/usr" + below_root;
        if (path.starts_with(below_root)) return "/usr" + path;
        if (path.starts_with(below_usr)) return path.substr(4);
    }
    return {};
}

}  // namespace

std::string package_of_list(std::string_view file_name) {
    constexpr std::string_view ending = ".list";
    if (!file_name.ends_with(ending)) return {};
    file_name.remove_suffix(ending.size());
    return std::string(file_name.substr(0, file_name.find(':')));
}

void each_listed_path(std::string_view text, const std::function<void(std::string_view)>& each) {
    while (!text.empty()) {
        const std::string_view path = take_line(text);
        if (path.starts_with('/') && path.size() > 1 && path != "/.") each(path);
    }
}

std::vector<Diversion> parse_diversions(std::string_view text) {
    std::vector<Diversion> diversions;
    while (!text.empty()) {
        Diversion next{std::string(take_line(text)), std::string(take_line(text)),
                       std::string(take_line(text))};
        if (next.package.empty()) break;
        diversions.push_back(std::move(next));
    }
    return diversions;
}

std::vector<ListedAs> listed_as(const std::string& path, const std::vector<std::string>& merged,
                                const std::vector<Diversion>& diversions) {
    std::vector<ListedAs> names{{path, {}, {}}};
    if (auto other = other_name(path, merged); !other.empty())
        names.push_back({std::move(other), {}, {}});
    const std::size_t plain = names.size();
    for (const Diversion& diversion : diversions)
        for (std::size_t i = 0; i < plain; ++i) {
            if (diversion.from == names[i].path)
                for (std::size_t same = 0; same < plain; ++same)
                    names[same].only = diversion.package;
            if (diversion.to != names[i].path) continue;
            names.push_back({diversion.from, {}, diversion.package});
            if (auto other = other_name(diversion.from, merged); !other.empty())
                names.push_back({std::move(other), {}, diversion.package});
        }
    return names;
}

void PathIndex::add(std::string_view path, std::uint32_t package) {
    if (entries_.size() < most_paths) entries_.push_back({hash_of(path), package});
    else ++left_out_;
}

void PathIndex::seal() {
    std::ranges::sort(entries_);
    entries_.shrink_to_fit();
}

std::vector<std::uint32_t> PathIndex::find(std::string_view path) const {
    std::vector<std::uint32_t> packages;
    const std::uint64_t hash = hash_of(path);
    for (auto at = std::ranges::lower_bound(entries_, Entry{hash, 0});
         at != entries_.end() && at->path == hash; ++at)
        packages.push_back(at->package);
    return packages;
}

}  // namespace doorward

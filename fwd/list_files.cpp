// SPDX-License-Identifier: GPL-2.0-or-later
#include "fwd/list_files.hpp"

#include <algorithm>

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include "fwd/handle.hpp"
#include "fwd/lists_config.hpp"
#include "fwd/read_file.hpp"
#include "rules/condition_text.hpp"
#include "rules/list_format.hpp"

namespace doorward {
namespace {

Result<void> check_owner(const struct stat& info, const std::string& path) {
    const bool fetched = path.starts_with(std::string(installed_lists_folder) + "/");
    if (info.st_uid != 0 && !fetched)
        return fail(fmt::format("{} belongs to uid {}, who could change what rules mean", path,
                                info.st_uid),
                    "chown root " + path);
    if (info.st_mode & (S_IWOTH | (info.st_gid != 0 && !fetched ? S_IWGRP : 0)))
        return fail(path + " can be written by others", "chmod go-w " + path);
    return {};
}

// One value a line, through the parser of the condition.
Result<void> read_lines(std::string_view text, SetKind kind, ListedValues& out) {
    int number = 0;
    while (!text.empty()) {
        auto line = text.substr(0, text.find('\n'));
        text.remove_prefix(std::min(line.size() + 1, text.size()));
        ++number;
        line = line.substr(0, line.find('#'));
        while (!line.empty() && (line.back() == ' ' || line.back() == '\t' || line.back() == '\r'))
            line.remove_suffix(1);
        while (!line.empty() && (line.front() == ' ' || line.front() == '\t')) line.remove_prefix(1);
        if (line.empty()) continue;
        const Place place{{}, number, 1};
        if (kind == SetKind::ports) {
            const auto range = parse_ports(line);
            if (!range) return fail(range.error().what, range.error().remedy, place);
            out.ports.push_back(*range);
        } else {
            const auto digest = parse_sha256(line.substr(0, line.find(' ')));
            if (!digest) return fail(digest.error().what, digest.error().remedy, place);
            out.sha256.push_back(*digest);
        }
    }
    sort_and_join(out.ports);
    std::ranges::sort(out.sha256);
    return {};
}

Result<void> read_entries(std::string_view text, SetKind kind, const HashKey& key,
                          ListedValues& out) {
    DomainSetBuilder domains(key);
    PrefixSetBuilder prefixes;
    const bool names = kind == SetKind::domains;
    const ListBuilders builders{names ? &domains : nullptr, names ? nullptr : &prefixes};
    const auto report = read_list(text, ListFormat::automatic, builders);
    if (!report) return std::unexpected(report.error());
    if (report->entries() == 0)
        return fail(fmt::format("there are no {} in it", set_kind_name(kind)),
                    "see what can be used with: doorward lists check FILE");
    out.domains = std::move(domains).finish();
    out.addresses = std::move(prefixes).finish();
    return {};
}

}  // namespace

ListFiles::Identity ListFiles::identity_of(const struct stat& info) {
    const auto ns = [](const timespec& time) {
        return std::int64_t{time.tv_sec} * 1'000'000'000 + time.tv_nsec;
    };
    return {info.st_dev, info.st_ino, static_cast<std::uint64_t>(info.st_size), ns(info.st_mtim),
            ns(info.st_ctim)};
}

// O_NONBLOCK: opening a FIFO must not wait for a writer.
Result<std::string> ListFiles::load(const std::string& path, Identity& identity) const {
    const Fd fd(::open(path.c_str(), O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC));
    if (!fd) return sys_fail("open the list " + path);
    struct stat info{};
    if (::fstat(fd.get(), &info) != 0) return sys_fail("look at " + path);
    if (!S_ISREG(info.st_mode)) return fail(path + " is no regular file", "name a file");
    if (trust_ == Trust::root)
        if (auto sound = check_owner(info, path); !sound) return std::unexpected(sound.error());
    if (static_cast<std::uint64_t>(info.st_size) > largest)
        return fail(fmt::format("{} is longer than {} bytes", path, largest), "split it");
    identity = identity_of(info);
    const auto size = static_cast<std::size_t>(info.st_size);
    return read_up_to(fd, path, size, size);
}

Result<std::shared_ptr<const ListedValues>> ListFiles::read(const std::string& path, SetKind kind) {
    struct stat info{};
    Entry& entry = entries_[{path, kind}];
    if (entry.values && ::lstat(path.c_str(), &info) == 0 && identity_of(info) == entry.identity)
        return entry.values;
    entry = {};
    if (!key_) return std::unexpected(key_.error());
    const auto text = load(path, entry.identity);
    if (!text) return std::unexpected(text.error());
    auto values = std::make_shared<ListedValues>();
    const bool lines = kind == SetKind::ports || kind == SetKind::sha256;
    auto done = lines ? read_lines(*text, kind, *values) : read_entries(*text, kind, *key_, *values);
    if (!done) {
        done.error().place.file = path;
        return std::unexpected(done.error());
    }
    entry.values = std::move(values);
    return entry.values;
}

bool ListFiles::changed() const {
    return std::ranges::any_of(entries_, [](const auto& item) {
        struct stat info{};
        const auto& [key, entry] = item;
        const bool there = ::lstat(key.first.c_str(), &info) == 0;
        return (there ? identity_of(info) : Identity{}) != entry.identity;
    });
}

}  // namespace doorward

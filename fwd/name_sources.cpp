// SPDX-License-Identifier: GPL-2.0-or-later
#include "fwd/name_sources.hpp"

#include <algorithm>
#include <iterator>

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>

#include "bpf/wire.h"
#include "fwd/handle.hpp"

namespace doorward {
namespace {

constexpr std::size_t largest = 16 << 20;  // bytes; lists of unwanted names are kept as hosts files
constexpr std::size_t most_domains = 64;      // to search, of one file

// Empty if it can't be read to its end.
std::optional<std::string> read_file(const Fd& file, std::size_t size) {
    std::string text(size, '\0');
    std::size_t at = 0;
    while (at < size) {
        const ssize_t got = ::read(file.get(), text.data() + at, size - at);
        if (got < 0) return std::nullopt;
        if (got == 0) break;
        at += static_cast<std::size_t>(got);
    }
    text.resize(at);
    return text;
}

}  // namespace

NameSources::NameSources(const DnsConfig& config) : config_(config), hosts_file_{config.hosts_file} {
    for (const std::string& source : config_.resolvers)
        if (source.starts_with('/')) files_.push_back({source});
}

bool NameSources::refresh() {
    problems_.clear();
    bool changed = std::exchange(first_, false);
    for (File& file : files_) changed = read_again(file) || changed;
    if (changed) find_servers();
    if (!config_.enabled || !read_again(hosts_file_)) return changed;
    hosts_ = std::make_shared<const HostNames>(parse_hosts(hosts_file_.text, HostNames::most));
    hosts_file_.text.clear();
    return true;
}

// Opened without waiting, so that a pipe in the place of a file holds nobody up.
bool NameSources::read_again(File& file) {
    const Fd opened(::open(file.path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
    struct stat status{};
    const bool there = opened && ::fstat(opened.get(), &status) == 0 && S_ISREG(status.st_mode);
    if (!there) {
        if (!file.stamp) return false;
        file.stamp.reset();
        file.text.clear();
        return true;
    }
    const Stamp stamp{status.st_dev, status.st_ino, static_cast<std::uint64_t>(status.st_size),
                      status.st_mtim.tv_sec, status.st_mtim.tv_nsec};
    if (file.stamp == stamp) return false;
    file.stamp = stamp;
    file.text.clear();
    if (stamp.size > largest) {
        problems_.push_back(fmt::format("{} has {} bytes, more than {}: not used", file.path,
                                        stamp.size, largest));
        return true;
    }
    auto text = read_file(opened, stamp.size);
    if (text) file.text = *std::move(text);
    else problems_.push_back(fmt::format("{} can't be read: not used", file.path));
    return true;
}

void NameSources::find_servers() {
    servers_.clear();
    search_domains_.clear();
    const auto add = [this](const Address& address) {
        if (std::ranges::find(servers_, address) != servers_.end()) return;
        if (servers_.size() < DW_RESOLVERS_MAX) return servers_.push_back(address);
        problems_.push_back(fmt::format("more than {} resolvers: {} is not believed",
                                        static_cast<int>(DW_RESOLVERS_MAX), address.to_string()));
    };
    auto file = files_.begin();
    for (const std::string& source : config_.resolvers) {
        if (const auto address = Address::parse(source)) {
            add(*address);
            continue;
        }
        const auto servers = parse_resolv_conf(file->text);
        // What the C library does with a file that names nobody: resolv.conf(5).
        if (servers.empty() && file->stamp) add(*Address::parse("127.0.0.1"));
        for (const Address& server : servers) add(server);
        std::ranges::move(parse_search_domains(file->text, most_domains),
                          std::back_inserter(search_domains_));
        ++file;
    }
    std::ranges::sort(search_domains_);
    const auto again = std::ranges::unique(search_domains_);
    search_domains_.erase(again.begin(), again.end());
}

}  // namespace doorward

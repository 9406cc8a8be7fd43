// SPDX-License-Identifier: GPL-2.0-or-later
// Who may be believed about names, and what the hosts file says: read again when a file changes.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "fwd/config.hpp"
#include "fwd/host_names.hpp"

namespace doorward {

// Reads files, so not for the packet thread. Not thread-safe.
class NameSources {
public:
    explicit NameSources(const DnsConfig& config);

    // Looks at each file and reads those that are others than before. True if anything is new. A
    // file that is not there says nothing; problems() tells of those that can't be used.
    bool refresh();

    // Whom this host is set up to ask: in the order of the configuration, each once.
    const std::vector<Address>& servers() const { return servers_; }
    // Who is believed: these, or nobody where names are switched off.
    std::vector<Address> resolvers() const { return config_.enabled ? servers_ : std::vector<Address>(); }
    // Where it looks for names that are no full ones; sorted, each once.
    const std::vector<std::string>& search_domains() const { return search_domains_; }
    const std::shared_ptr<const HostNames>& hosts() const { return hosts_; }
    const std::vector<std::string>& problems() const { return problems_; }

private:
    // What tells one state of a file from the next.
    struct Stamp {
        std::uint64_t device = 0, inode = 0, size = 0;
        std::int64_t seconds = 0, nanoseconds = 0;

        bool operator==(const Stamp&) const = default;
    };
    struct File {
        std::string path;
        std::optional<Stamp> stamp{};
        std::string text{};
    };

    bool read_again(File& file);
    void find_servers();

    const DnsConfig config_;
    std::vector<File> files_;  // resolv.conf and its like
    File hosts_file_;
    bool first_ = true;
    std::vector<Address> servers_;
    std::vector<std::string> search_domains_;
    std::shared_ptr<const HostNames> hosts_ = std::make_shared<const HostNames>();
    std::vector<std::string> problems_;
};

}  // namespace doorward

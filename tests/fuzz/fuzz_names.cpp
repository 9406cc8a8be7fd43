// SPDX-License-Identifier: GPL-2.0-or-later
// Any text as resolv.conf, as a hosts file, as a host name and as a domain of a rule.
#include <cstddef>
#include <cstdint>

#include "require.hpp"
#include "rules/condition_text.hpp"
#include "rules/domain_name.hpp"
#include "rules/name_files.hpp"

using namespace doorward;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::string_view text(reinterpret_cast<const char*>(data), size);
    constexpr std::size_t most = 10;
    const HostsFile hosts = parse_hosts(text, most);
    require(hosts.names.size() <= most);
    for (const auto& [address, name] : hosts.names) {
        require(!address.is_unspecified());
        require(normal_host_name(name) == name && name.size() <= 253);
    }
    require(parse_resolv_conf(text).size() <= size);
    if (const auto name = normal_host_name(text)) {
        require(normal_host_name(*name) == *name);
        std::size_t keys = 0;
        require(!any_domain_key(*name, [&](std::string_view key) { return ++keys, key.empty(); }));
        require(keys >= 1 && keys <= 128);
    }
    if (const auto domain = parse_domain(text))
        require(parse_domain(*domain) == *domain);
    else require(!domain.error().remedy.empty());
    return 0;
}

// SPDX-License-Identifier: GPL-2.0-or-later
// The names of the hosts file, by address. Immutable: made by one thread, read by any.
#pragma once

#include <cstdint>
#include <span>
#include <unordered_map>
#include <vector>

#include "fwd/lru.hpp"
#include "fwd/name_table.hpp"
#include "rules/name_files.hpp"

namespace doorward {

class HostNames {
public:
    static constexpr std::size_t most = 262144;   // names in all
    static constexpr std::size_t names_each = 8;  // of one address; the first ones

    HostNames() = default;
    explicit HostNames(const HostsFile& file) : skipped_(file.skipped) {
        for (const auto& [address, name] : file.names) {
            auto& names = by_address_[address];
            if (names.size() >= names_each) skipped_++;
            else names.push_back(std::make_shared<const std::string>(name)), names_++;
        }
    }

    std::span<const SharedName> of(const Address& address) const {
        const auto found = by_address_.find(address);
        if (found == by_address_.end()) return {};
        return found->second;
    }
    std::size_t names() const { return names_; }
    std::size_t skipped() const { return skipped_; }  // no names, or too many

private:
    std::unordered_map<Address, std::vector<SharedName>, HashBytes> by_address_;
    std::size_t names_ = 0;
    std::size_t skipped_ = 0;
};

}  // namespace doorward

// SPDX-License-Identifier: GPL-2.0-or-later
#include "rules/group_builder.hpp"

#include <algorithm>

#include "rules/condition_text.hpp"

namespace doorward {

Result<void> GroupBuilder::add(std::string_view value) {
    if (kind_ == SetKind::addresses)
        if (const auto word = parse_network_word(value)) {
            group_.words.set(static_cast<std::size_t>(*word));
            return {};
        }
    any_ = true;
    bool added = true;
    switch (kind_) {
        case SetKind::addresses:
            if (const auto prefix = parse_prefix(value)) added = addresses_.add(*prefix);
            else return std::unexpected(prefix.error());
            break;
        case SetKind::ports:
            if (const auto range = parse_ports(value)) listed_.ports.push_back(*range);
            else return std::unexpected(range.error());
            break;
        case SetKind::domains: {
            const bool below = value.starts_with("*.");
            added = domains_->add(value.substr(below ? 2 : 0), below ? Covers::below : Covers::itself) !=
                    DomainSetBuilder::Added::refused;
            break;
        }
        case SetKind::sha256:
            if (const auto digest = parse_sha256(value)) listed_.sha256.push_back(*digest);
            else return std::unexpected(digest.error());
            break;
        case SetKind::none: added = false; break;
    }
    if (!added) return fail("there is no room for more values", "put them into a list of their own");
    return {};
}

ValueGroup GroupBuilder::finish() && {
    if (!any_) return std::move(group_);
    listed_.addresses = std::move(addresses_).finish();
    if (domains_) listed_.domains = std::move(*domains_).finish();
    sort_and_join(listed_.ports);
    std::ranges::sort(listed_.sha256);
    group_.parts.insert(group_.parts.begin(),
                        std::make_shared<const ListedValues>(std::move(listed_)));
    return std::move(group_);
}

}  // namespace doorward

// SPDX-License-Identifier: GPL-2.0-or-later
#include "fwd/content_cache.hpp"

namespace doorward {
namespace {

Facts fleeting_facts(const ExecutableContent& found) {
    if (found.missing != NoContent::none) return found.asked;
    if (found.asked.has(Fact::package) && found.package.empty()) return {Fact::package};
    return {};
}

ExecutableContent merged(ExecutableContent known, const ExecutableContent& found) {
    if (found.asked.has(Fact::sha256)) known.sha256 = found.sha256;
    if (found.asked.has(Fact::verity)) known.verity = found.verity;
    if (found.asked.has(Fact::package)) known.package = found.package;
    known.asked.add(found.asked);
    known.missing = found.missing;
    return known;
}

}  // namespace

SharedContent ContentCache::find(const ContentKey& key, Facts wanted, std::uint64_t now_ns) {
    const std::scoped_lock lock(mutex_);
    const Entry* entry = known_.find(key);
    if (!entry) return nullptr;
    const Facts asked = entry->content->asked;
    const Facts good = now_ns < entry->until_ns ? asked : asked.without(entry->fleeting);
    return good.covers(wanted) ? entry->content : nullptr;
}

void ContentCache::put(const ContentKey& key, const ExecutableContent& found,
                       std::uint64_t now_ns) {
    const std::scoped_lock lock(mutex_);
    const Entry* known = known_.find(key);
    Entry next;
    next.fleeting = fleeting_facts(found);
    if (known) next.fleeting.add(known->fleeting.without(found.asked));
    next.until_ns = now_ns + fleeting_ns;
    next.content = std::make_shared<const ExecutableContent>(
        known ? merged(*known->content, found) : found);
    known_.put(key, std::move(next));
}

std::size_t ContentCache::size() const {
    const std::scoped_lock lock(mutex_);
    return known_.size();
}

std::size_t ContentCache::evicted() const {
    const std::scoped_lock lock(mutex_);
    return known_.evicted();
}

}  // namespace doorward

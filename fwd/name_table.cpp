// SPDX-License-Identifier: GPL-2.0-or-later
#include "fwd/name_table.hpp"

#include <algorithm>
#include <limits>

namespace doorward {
namespace {

// The names that one answer leads to, from the one that was asked for along its aliases.
class Chain {
public:
    explicit Chain(const DnsMessage& message) {
        links_.push_back({&message.question.name, 0, std::numeric_limits<std::uint32_t>::max()});
        for (std::size_t i = 0; i < links_.size(); ++i)
            for (const DnsRecord& record : message.answers)
                if (is_alias(record, message.question.type) && record.owner == *links_[i].name)
                    add(record, i);
    }

    static bool is_alias(const DnsRecord& record, DnsType asked) {
        return !record.address && (record.type == DnsType::cname || record.type == asked);
    }

    struct Link {
        const std::string* name;
        std::size_t from;      // the link that led here; of the first: itself
        std::uint32_t ttl_s;   // the least along the way
        SharedName shared{};   // made when it is first needed
    };

    // Where `name` is in the chain; nothing if the question does not lead to it.
    std::optional<std::size_t> find(const std::string& name) const {
        for (std::size_t i = 0; i < links_.size(); ++i)
            if (*links_[i].name == name) return i;
        return std::nullopt;
    }
    Link& at(std::size_t i) { return links_[i]; }

private:
    static constexpr std::size_t longest = 16;

    void add(const DnsRecord& record, std::size_t from) {
        if (links_.size() >= longest || find(record.target)) return;
        links_.push_back({&record.target, from, std::min(links_[from].ttl_s, record.ttl)});
    }

    std::vector<Link> links_;
};

void count(std::atomic<std::uint64_t>& counter, std::uint64_t value = 1) {
    counter.fetch_add(value, std::memory_order_relaxed);
}

void set(std::atomic<std::uint64_t>& counter, std::size_t value) {
    counter.store(value, std::memory_order_relaxed);
}

}  // namespace

NameTable::QueryKey NameTable::key_of(const DnsExchange& exchange, const DnsMessage& message) {
    return {exchange.local,
            exchange.server,
            exchange.local_port,
            exchange.server_port,
            message.id,
            static_cast<std::uint16_t>(message.question.type),
            static_cast<std::uint64_t>(exchange.protocol)};
}

void NameTable::forget_old_queries(std::uint64_t now_ns) {
    while (!queries_.empty() && queries_.front().expires_ns <= now_ns) {
        by_key_.erase(queries_.front().key);
        queries_.pop_front();
    }
}

void NameTable::query(const DnsExchange& exchange, const DnsMessage& message,
                      std::uint64_t now_ns) {
    if (message.response || message.question.name.empty() ||
        !leads_to_address(message.question.type))
        return;
    forget_old_queries(now_ns);
    const QueryKey key = key_of(exchange, message);
    if (const auto known = by_key_.find(key); known != by_key_.end()) {
        queries_.erase(known->second);  // sent again, or the number used for another question
        by_key_.erase(known);
    } else if (queries_.size() >= limits_.queries) {
        by_key_.erase(queries_.front().key);
        queries_.pop_front();
        count(counters_.queries_evicted);
    }
    queries_.push_back({key, message.question.name, now_ns + query_life_ns});
    by_key_.emplace(key, std::prev(queries_.end()));
    set(counters_.queries, queries_.size());
}

void NameTable::answer(const DnsExchange& exchange, const DnsMessage& message,
                       std::uint64_t now_ns) {
    if (!message.response || !leads_to_address(message.question.type)) return;
    forget_old_queries(now_ns);
    const auto refuse = [&](NameRefusal reason) {
        count(counters_.refused[static_cast<std::size_t>(reason)]);
    };
    const auto found = by_key_.find(key_of(exchange, message));
    if (found == by_key_.end()) {
        refuse(NameRefusal::not_asked);
    } else if (found->second->name != message.question.name) {
        refuse(NameRefusal::other_question);
    } else {
        queries_.erase(found->second);
        by_key_.erase(found);
        if (message.error == 0 && !message.truncated && learn(message, now_ns))
            count(counters_.answers);
        else refuse(NameRefusal::no_address);
    }
    set(counters_.queries, queries_.size());
}

bool NameTable::learn(const DnsMessage& message, std::uint64_t now_ns) {
    Chain chain(message);
    bool learned = false;
    for (const DnsRecord& record : message.answers) {
        if (!record.address || record.type != message.question.type ||
            record.address->is_unspecified())
            continue;
        const auto owner = chain.find(record.owner);
        if (!owner) continue;
        const std::uint32_t ttl_s = std::clamp(std::min(record.ttl, chain.at(*owner).ttl_s),
                                               limits_.minimum_ttl_s, maximum_ttl_s);
        const std::uint64_t expires_ns = now_ns + std::uint64_t{ttl_s} * 1'000'000'000;
        Entry& entry = entry_of(*record.address, now_ns);
        // From the record's own name to the one that was asked for, which so becomes the newest.
        for (std::size_t i = *owner;; i = chain.at(i).from) {
            Chain::Link& link = chain.at(i);
            if (!link.shared) link.shared = std::make_shared<const std::string>(*link.name);
            add_name(entry, link.shared, expires_ns, now_ns);
            if (i == 0) break;
        }
        learned = true;
    }
    return learned;
}

NameTable::Entry& NameTable::entry_of(const Address& address, std::uint64_t now_ns) {
    if (const auto known = by_address_.find(address); known != by_address_.end()) {
        entries_.splice(entries_.begin(), entries_, known->second);
        return entries_.front();
    }
    const auto expired = [&](const Entry& entry) {
        return std::ranges::all_of(entry.names,
                                   [&](const Name& name) { return name.expires_ns <= now_ns; });
    };
    // A few each time, so that no moment has to do all of it.
    for (int i = 0; i < 4 && !entries_.empty(); ++i) {
        const bool old = expired(entries_.back());
        if (!old && entries_.size() < limits_.addresses) break;
        if (!old) count(counters_.addresses_evicted);
        by_address_.erase(entries_.back().address);
        entries_.pop_back();
    }
    entries_.push_front({address, {}});
    by_address_.emplace(address, entries_.begin());
    set(counters_.addresses, entries_.size());
    return entries_.front();
}

void NameTable::add_name(Entry& entry, const SharedName& name, std::uint64_t expires_ns,
                         std::uint64_t now_ns) {
    auto& names = entry.names;
    std::erase_if(names, [&](const Name& known) { return known.expires_ns <= now_ns; });
    const auto known =
        std::ranges::find_if(names, [&](const Name& other) { return *other.text == *name; });
    if (known != names.end()) {
        // Who asked before may hold the older answer for as long as that allowed.
        expires_ns = std::max(expires_ns, known->expires_ns);
        names.erase(known);
    } else if (names.size() >= names_each) {
        names.pop_back();
        count(counters_.names_displaced);
    }
    names.insert(names.begin(), {name, expires_ns});
}

}  // namespace doorward

// SPDX-License-Identifier: GPL-2.0-or-later
// Queries that were sent, and the names of addresses that their answers gave. Pure: messages and
// times are passed in.
#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <list>
#include <memory>
#include <string>
#include <unordered_map>
#include <vector>

#include "fwd/lru.hpp"
#include "rules/dns_message.hpp"
#include "rules/packet.hpp"

namespace doorward {

using SharedName = std::shared_ptr<const std::string>;

// Between which ends a message went: for a query and its answer the same.
struct DnsExchange {
    Address local, server;
    std::uint16_t local_port = 0, server_port = 0;
    Protocol protocol{};
};

// Why an answer gave no name. `no_address` is no refusal: the answer said that there is none.
enum class NameRefusal : std::uint8_t {
    not_asked,       // no such query went from this port to this server, or it was answered before
    other_question,  // a query with this number did, but it asked something else
    no_address,      // an error, an answer cut short by its server, or no address in it
};
inline constexpr std::size_t name_refusals = 3;

// Written by the owner of the table, read by any thread.
struct NameTableCounters {
    std::atomic<std::uint64_t> queries = 0;           // waiting for their answer
    std::atomic<std::uint64_t> queries_evicted = 0;   // displaced before they were answered
    std::atomic<std::uint64_t> addresses = 0;         // in the table
    std::atomic<std::uint64_t> addresses_evicted = 0; // displaced before they expired
    std::atomic<std::uint64_t> names_displaced = 0;   // an address had too many
    std::atomic<std::uint64_t> answers = 0;           // that gave at least one address a name
    std::array<std::atomic<std::uint64_t>, name_refusals> refused{};  // indexed by NameRefusal
};

// Not thread-safe, but for counters(). Times are nanoseconds of any clock that does not go back.
class NameTable {
public:
    struct Limits {
        std::size_t addresses = 16384;
        std::size_t queries = 4096;
        std::uint32_t minimum_ttl_s = 60;
    };
    static constexpr std::uint64_t query_life_ns = 30'000'000'000;
    static constexpr std::uint32_t maximum_ttl_s = 86400;
    static constexpr std::size_t names_each = 8;  // of one address

    explicit NameTable(Limits limits) : limits_(limits) {}

    // A query left, or an answer arrived. What is no question about addresses is ignored.
    void query(const DnsExchange& exchange, const DnsMessage& message, std::uint64_t now_ns);
    void answer(const DnsExchange& exchange, const DnsMessage& message, std::uint64_t now_ns);

    // Calls `take(const SharedName&)` for each name of an address that has not expired, newest first.
    template <class Take>
    void each_name(const Address& address, std::uint64_t now_ns, const Take& take) {
        const auto found = by_address_.find(address);
        if (found == by_address_.end()) return;
        entries_.splice(entries_.begin(), entries_, found->second);
        for (const Name& name : found->second->names)
            if (now_ns < name.expires_ns) take(name.text);
    }

    const NameTableCounters& counters() const { return counters_; }

private:
    struct QueryKey {
        Address local, server;
        std::uint16_t local_port, server_port;
        std::uint16_t id;
        std::uint16_t type;
        std::uint64_t protocol;  // as wide as it takes to leave no gap

        bool operator==(const QueryKey&) const = default;
    };
    struct Query {
        QueryKey key;
        std::string name;
        std::uint64_t expires_ns;
    };
    struct Name {
        SharedName text;
        std::uint64_t expires_ns;
    };
    struct Entry {
        Address address;
        std::vector<Name> names;  // newest first
    };

    static QueryKey key_of(const DnsExchange& exchange, const DnsMessage& message);
    void forget_old_queries(std::uint64_t now_ns);
    bool learn(const DnsMessage& message, std::uint64_t now_ns);
    Entry& entry_of(const Address& address, std::uint64_t now_ns);
    void add_name(Entry& entry, const SharedName& name, std::uint64_t expires_ns,
                  std::uint64_t now_ns);

    Limits limits_;
    NameTableCounters counters_;
    std::list<Query> queries_;  // oldest first
    std::unordered_map<QueryKey, std::list<Query>::iterator, HashBytes> by_key_;
    std::list<Entry> entries_;  // asked for last first
    std::unordered_map<Address, std::list<Entry>::iterator, HashBytes> by_address_;
};

}  // namespace doorward

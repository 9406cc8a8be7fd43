// SPDX-License-Identifier: GPL-2.0-or-later
// Any bytes as a DNS message, as the answer to the very query it claims to answer, as a packet and as
// pieces of a TCP stream.
#include <cstddef>
#include <cstdint>

#include "require.hpp"
#include "fwd/name_table.hpp"
#include "rules/dns_segment.hpp"
#include "rules/dns_stream.hpp"
#include "rules/domain_name.hpp"

using namespace doorward;

namespace {

bool is_normal(const std::string& name) { return normal_host_name(name) == name; }

void check(const DnsMessage& message) {
    require(message.question.name.empty() || is_normal(message.question.name));
    require(message.answers.size() <= max_dns_answers);
    for (const DnsRecord& record : message.answers) {
        require(is_normal(record.owner));
        require(record.address ? record.target.empty() : is_normal(record.target));
        require(record.ttl <= 0x7fffffff);
    }
}

// Whatever it holds, it names only addresses that it gives.
void answer(DnsMessage message) {
    NameTable table({.addresses = 8, .queries = 2});
    const DnsExchange exchange{};
    DnsMessage query = message;
    query.response = false;
    table.query(exchange, query, 0);
    message.response = true;
    table.answer(exchange, message, 0);
    require(table.counters().addresses <= 8);
    for (const DnsRecord& record : message.answers) {
        if (!record.address) continue;
        std::size_t names = 0;
        table.each_name(*record.address, 1, [&](const SharedName& name) {
            require(is_normal(*name));
            ++names;
        });
        require(names <= NameTable::names_each);
    }
}

void stream(std::span<const std::uint8_t> bytes) {
    if (bytes.empty()) return;
    const std::size_t piece = bytes[0] % 64 + 1u;
    bytes = bytes.subspan(1);
    DnsStream stream(0xfffffff0);
    for (std::size_t at = 0; at < bytes.size(); at += piece) {
        const auto part = bytes.subspan(at, std::min(piece, bytes.size() - at));
        const bool whole = stream.take(
            0xfffffff0 + static_cast<std::uint32_t>(at), part,
            [](std::span<const std::uint8_t> message) {
                if (const auto parsed = parse_dns(message)) check(*parsed);
            });
        if (!whole) return;
    }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::span bytes(data, size);
    if (auto message = parse_dns(bytes)) {
        check(*message);
        require(message == parse_dns(bytes));
        answer(*std::move(message));
    }
    if (const auto segment = parse_segment(bytes))
        require(segment->payload.size() < size && segment->payload.data() > data);
    stream(bytes);
    return 0;
}

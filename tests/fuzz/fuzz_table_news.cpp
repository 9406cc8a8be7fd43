// SPDX-License-Identifier: GPL-2.0-or-later
// Any bytes as datagrams of nfnetlink's group for nftables.
#include <cstddef>
#include <cstdint>

#include "require.hpp"
#include "fwd/table_news.hpp"

using namespace doorward;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    TableNews news("doorward");
    std::size_t commits = 0;
    const auto count = [&](const TableCommit& commit) {
        require(++commits <= size / 32);  // a change and its end: two messages
        require(commit.program.size() <= size && commit.program.find('\0') == std::string::npos);
    };
    const std::span<const std::uint8_t> all(data, size);
    news.take(all.first(size / 2), count);
    news.take(all.subspan(size / 2), count);
    return 0;
}

// SPDX-License-Identifier: GPL-2.0-or-later
#include <catch2/catch.hpp>

#include <cstring>
#include <string>
#include <vector>

#include <arpa/inet.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/netlink.h>

#include "fwd/table_news.hpp"

using namespace doorward;

namespace {

using Raw = std::vector<std::uint8_t>;

template <class T>
void append(Raw& to, const T& value) {
    const auto* bytes = reinterpret_cast<const std::uint8_t*>(&value);
    to.insert(to.end(), bytes, bytes + sizeof value);
}

void attribute(Raw& to, int type, const Raw& value) {
    append(to, nlattr{static_cast<std::uint16_t>(4 + value.size()), static_cast<std::uint16_t>(type)});
    to.insert(to.end(), value.begin(), value.end());
    to.resize((to.size() + 3) & ~std::size_t{3});
}

Raw text(const std::string& word) {
    Raw raw(word.begin(), word.end());
    raw.push_back(0);
    return raw;
}

Raw message(int type, int family, const std::vector<std::pair<int, Raw>>& attributes) {
    Raw out;
    nlmsghdr header{};
    header.nlmsg_type = static_cast<std::uint16_t>((NFNL_SUBSYS_NFTABLES << 8) | type);
    append(out, header);
    append(out, nfgenmsg{static_cast<std::uint8_t>(family), NFNETLINK_V0, 0});
    for (const auto& [kind, value] : attributes) attribute(out, kind, value);
    const auto length = static_cast<std::uint32_t>(out.size());
    std::memcpy(out.data(), &length, sizeof length);
    return out;
}

Raw of_table(int type, const std::string& table, int family = NFPROTO_INET) {
    return message(type, family, {{NFTA_TABLE_NAME, text(table)}, {2, {0, 0, 0, 0}}});
}

Raw end_by(std::uint32_t thread, const std::string& program) {
    Raw number;
    append(number, htonl(thread));
    return message(NFT_MSG_NEWGEN, AF_UNSPEC,
                   {{NFTA_GEN_ID, {0, 0, 0, 9}}, {NFTA_GEN_PROC_PID, number}, {NFTA_GEN_PROC_NAME, text(program)}});
}

std::vector<TableCommit> told(TableNews& news, const std::vector<Raw>& messages) {
    Raw datagram;
    for (const Raw& one : messages) datagram.insert(datagram.end(), one.begin(), one.end());
    std::vector<TableCommit> found;
    news.take(datagram, [&](const TableCommit& commit) { found.push_back(commit); });
    return found;
}

}  // namespace

TEST_CASE("A table that was removed, and by whom") {
    TableNews news("doorward");
    const auto found = told(news, {of_table(NFT_MSG_DELRULE, "doorward"), of_table(NFT_MSG_DELTABLE, "doorward"),
                                   end_by(123, "nft")});
    REQUIRE(found.size() == 1);
    CHECK(found[0] == TableCommit{true, 123, "nft"});
}

TEST_CASE("A table that was replaced in one transaction was changed, not removed") {
    TableNews news("doorward");
    const auto found = told(news, {of_table(NFT_MSG_DELTABLE, "doorward"), of_table(NFT_MSG_NEWTABLE, "doorward"),
                                   of_table(NFT_MSG_NEWRULE, "doorward"), end_by(7, "other")});
    REQUIRE(found.size() == 1);
    CHECK(found[0] == TableCommit{false, 7, "other"});
}

TEST_CASE("Other tables, and the same name in another family, are none of ours") {
    TableNews news("doorward");
    CHECK(told(news, {of_table(NFT_MSG_DELTABLE, "doorward2"), of_table(NFT_MSG_DELTABLE, "doorwar"),
                      of_table(NFT_MSG_DELTABLE, "doorward", NFPROTO_IPV4), end_by(1, "nft")})
              .empty());
    CHECK(told(news, {end_by(1, "nft")}).empty());
}

TEST_CASE("A transaction's news may come in several datagrams") {
    TableNews news("doorward");
    CHECK(told(news, {of_table(NFT_MSG_NEWRULE, "doorward")}).empty());
    CHECK(told(news, {of_table(NFT_MSG_NEWSET, "doorward")}).empty());
    CHECK(told(news, {end_by(5, "a")}) == std::vector{TableCommit{false, 5, "a"}});
    CHECK(told(news, {end_by(6, "b")}).empty());
}

TEST_CASE("Two transactions in one datagram are two") {
    TableNews news("doorward");
    const auto found = told(news, {of_table(NFT_MSG_NEWRULE, "doorward"), end_by(1, "a"),
                                   of_table(NFT_MSG_DELTABLE, "doorward"), end_by(2, "b")});
    CHECK(found == std::vector{TableCommit{false, 1, "a"}, TableCommit{true, 2, "b"}});
}

TEST_CASE("Nothing is read beyond the end of a datagram") {
    const Raw whole = of_table(NFT_MSG_DELTABLE, "doorward");
    for (std::size_t length = 0; length < whole.size(); ++length) {
        TableNews news("doorward");
        Raw cut(whole.begin(), whole.begin() + static_cast<std::ptrdiff_t>(length));
        CHECK(told(news, {cut}).empty());
        if (length >= 4) {  // and where it lies about its own length
            const auto shorter = static_cast<std::uint32_t>(length);
            std::memcpy(cut.data(), &shorter, sizeof shorter);
            told(news, {cut, end_by(1, "a")});
        }
    }
}

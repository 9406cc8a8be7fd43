// SPDX-License-Identifier: GPL-2.0-or-later
#include "fwd/table_news.hpp"

#include <algorithm>
#include <string_view>

#include <arpa/inet.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/netlink.h>

#include "fwd/netlink_bytes.hpp"

namespace doorward {
namespace {

// Of all that can be in a table, the table's name is the first attribute.
static_assert(NFTA_TABLE_NAME == 1 && NFTA_CHAIN_TABLE == 1 && NFTA_RULE_TABLE == 1 && NFTA_SET_TABLE == 1 &&
              NFTA_SET_ELEM_LIST_TABLE == 1 && NFTA_OBJ_TABLE == 1 && NFTA_FLOWTABLE_TABLE == 1);
constexpr std::uint16_t table_name = NFTA_TABLE_NAME;

// The attribute's value; empty if there is none.
Bytes attribute_of(Bytes body, std::uint16_t wanted) {
    Bytes rest = after(body, netlink_aligned(sizeof(nfgenmsg)));
    while (const auto head = read_as<nlattr>(rest)) {
        if (head->nla_len < sizeof(nlattr) || head->nla_len > rest.size()) return {};
        if ((head->nla_type & NLA_TYPE_MASK) == wanted)
            return rest.subspan(sizeof(nlattr), head->nla_len - sizeof(nlattr));
        rest = after(rest, netlink_aligned(head->nla_len));
    }
    return {};
}

// Up to the zero byte that ends it.
std::string_view text_of(Bytes value) {
    const auto end = std::ranges::find(value, std::uint8_t{0});
    return {reinterpret_cast<const char*>(value.data()), static_cast<std::size_t>(end - value.begin())};
}

}  // namespace

void TableNews::take(std::span<const std::uint8_t> datagram, const Sink& sink) {
    while (const auto header = read_as<nlmsghdr>(datagram)) {
        if (header->nlmsg_len < sizeof(nlmsghdr) || header->nlmsg_len > datagram.size()) return;
        const Bytes body = datagram.subspan(sizeof(nlmsghdr), header->nlmsg_len - sizeof(nlmsghdr));
        if ((header->nlmsg_type >> 8) == NFNL_SUBSYS_NFTABLES)
            take_message(header->nlmsg_type & 0xff, body, sink);
        datagram = after(datagram, netlink_aligned(header->nlmsg_len));
    }
}

void TableNews::take_message(std::uint16_t type, Bytes body, const Sink& sink) {
    if (type == NFT_MSG_NEWGEN) {
        if (!open_) return;
        if (const auto thread = read_as<std::uint32_t>(attribute_of(body, NFTA_GEN_PROC_PID)))
            open_->thread = ntohl(*thread);
        open_->program = text_of(attribute_of(body, NFTA_GEN_PROC_NAME));
        sink(*open_);
        open_.reset();
        return;
    }
    const auto family = read_as<nfgenmsg>(body);
    if (!family || family->nfgen_family != NFPROTO_INET || text_of(attribute_of(body, table_name)) != table_)
        return;
    if (!open_) open_.emplace();
    if (type == NFT_MSG_DELTABLE) open_->removed = true;
    if (type == NFT_MSG_NEWTABLE) open_->removed = false;
}

}  // namespace doorward

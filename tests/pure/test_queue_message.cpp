// SPDX-License-Identifier: GPL-2.0-or-later
#include <catch2/catch.hpp>

#include <cstring>
#include <limits>
#include <span>
#include <vector>

#include <arpa/inet.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/netfilter/nfnetlink_queue.h>
#include <linux/netlink.h>

#include "fwd/queue_message.hpp"
#include "fwd/queue_socket.hpp"

using namespace doorward;
using Kind = QueueMessage::Kind;

namespace {

// Composes a message of the kernel, piece by piece.
class Message {
public:
    explicit Message(int type = (NFNL_SUBSYS_QUEUE << 8) | NFQNL_MSG_PACKET) {
        nlmsghdr header{};
        header.nlmsg_type = static_cast<std::uint16_t>(type);
        append(header);
    }
    template <class T>
    Message& append(const T& value) {
        return add({reinterpret_cast<const std::uint8_t*>(&value), sizeof value});
    }
    Message& attribute(int type, const std::vector<std::uint8_t>& value) {
        append(nlattr{static_cast<std::uint16_t>(4 + value.size()),
                      static_cast<std::uint16_t>(type)});
        add(value);
        bytes_.resize((bytes_.size() + 3) & ~std::size_t{3});
        return *this;
    }
    Message& number(int type, std::uint32_t value) {
        const std::uint32_t big = htonl(value);
        std::vector<std::uint8_t> raw(4);
        std::memcpy(raw.data(), &big, 4);
        return attribute(type, raw);
    }
    // id 7, and the hook it was queued at
    Message& header(std::uint8_t hook) {
        append(nfgenmsg{});
        return attribute(NFQA_PACKET_HDR, {0, 0, 0, 7, 8, 0, hook});
    }
    std::vector<std::uint8_t> bytes() const {
        auto out = bytes_;
        const auto length = static_cast<std::uint32_t>(out.size());
        std::memcpy(out.data(), &length, sizeof length);
        return out;
    }

private:
    Message& add(std::span<const std::uint8_t> more) {
        for (const std::uint8_t byte : more) bytes_.push_back(byte);
        return *this;
    }

    std::vector<std::uint8_t> bytes_;
};

QueueMessage only(const std::vector<std::uint8_t>& bytes) {
    std::span<const std::uint8_t> rest(bytes);
    const auto message = next_queue_message(rest);
    REQUIRE(message);
    REQUIRE(rest.empty());
    return *message;
}

Message whole() {
    return Message().header(NF_INET_LOCAL_OUT).number(NFQA_MARK, 0x03000005)
        .number(NFQA_IFINDEX_OUTDEV, 9).attribute(NFQA_PAYLOAD, {0x45, 1, 2, 3, 4});
}

}  // namespace

TEST_CASE("a queued packet is read", "[queue_message]") {
    const auto bytes = whole().bytes();
    const QueueMessage message = only(bytes);
    REQUIRE(message.kind == Kind::packet);
    CHECK(message.packet.id == 7);
    CHECK_FALSE(message.packet.inbound);
    CHECK(message.packet.mark == 0x03000005);
    CHECK(message.packet.interface == 9);
    CHECK(message.packet.payload.size() == 5);
    CHECK(message.packet.payload.back() == 4);
}

TEST_CASE("of a forwarded packet's two interfaces the way out counts", "[queue_message]") {
    const auto of = [](std::initializer_list<std::pair<int, std::uint32_t>> devices) {
        Message message;
        message.header(NF_INET_FORWARD);
        for (const auto& [type, index] : devices) message.number(type, index);
        return only(message.attribute(NFQA_PAYLOAD, {0x45}).bytes()).packet.interface;
    };
    CHECK(of({{NFQA_IFINDEX_INDEV, 3}, {NFQA_IFINDEX_OUTDEV, 9}}) == 9);
    CHECK(of({{NFQA_IFINDEX_OUTDEV, 9}, {NFQA_IFINDEX_INDEV, 3}}) == 9);
    CHECK(of({{NFQA_IFINDEX_INDEV, 3}}) == 3);
    CHECK(of({}) == 0);
}

TEST_CASE("the hook gives the direction; other hooks are not ours", "[queue_message]") {
    const auto read = [](std::uint8_t hook) {
        return only(Message().header(hook).attribute(NFQA_PAYLOAD, {0x45}).bytes());
    };
    CHECK(read(NF_INET_LOCAL_IN).packet.inbound);
    CHECK(read(NF_INET_LOCAL_IN).kind == Kind::packet);
    CHECK_FALSE(read(NF_INET_LOCAL_IN).packet.forwarded);
    CHECK(read(NF_INET_FORWARD).packet.forwarded);
    CHECK_FALSE(read(NF_INET_FORWARD).packet.inbound);
    CHECK(read(NF_INET_FORWARD).kind == Kind::packet);
    CHECK(read(NF_INET_PRE_ROUTING).kind == Kind::unreadable);
    CHECK(read(NF_INET_PRE_ROUTING).id_known);
}

TEST_CASE("a message cut short anywhere is never taken for a packet", "[queue_message]") {
    const auto bytes = whole().bytes();
    for (std::size_t length = 1; length < bytes.size(); ++length) {
        const QueueMessage message = only({bytes.begin(), bytes.begin() + static_cast<long>(length)});
        CHECK(message.kind == Kind::unreadable);
        // Header 16, family 4, attribute header 4, content 7: from there on the id is known.
        CHECK(message.id_known == (length >= 31));
        if (message.id_known) CHECK(message.packet.id == 7);
    }
}

TEST_CASE("lengths that lie are refused, and the id is kept", "[queue_message]") {
    for (const int lie : {0, 1, 3, 200, 0xffff}) {
        auto message = Message().header(NF_INET_LOCAL_OUT);
        message.append(nlattr{static_cast<std::uint16_t>(lie), NFQA_PAYLOAD}).append(std::uint32_t{0x45454545});
        const QueueMessage read = only(message.bytes());
        CHECK(read.kind == Kind::unreadable);
        CHECK(read.id_known);
    }
    auto bytes = whole().bytes();
    for (const std::uint32_t lie : {0u, 15u}) {
        std::memcpy(bytes.data(), &lie, sizeof lie);
        CHECK(only(bytes).kind == Kind::unreadable);
    }
}

TEST_CASE("a packet without payload, and numbers too short, are refused", "[queue_message]") {
    CHECK(only(Message().header(NF_INET_LOCAL_OUT).bytes()).kind == Kind::unreadable);
    CHECK(only(Message().header(NF_INET_LOCAL_OUT).attribute(NFQA_MARK, {1, 2})
                   .attribute(NFQA_PAYLOAD, {0x45}).bytes()).kind == Kind::unreadable);
    CHECK(only(Message().append(nfgenmsg{}).attribute(NFQA_PAYLOAD, {0x45}).bytes()).kind ==
          Kind::unreadable);
}

TEST_CASE("a refusal with what is no error number can't be read", "[queue_message]") {
    for (const int error : {1, 4095, -4096, std::numeric_limits<int>::min()}) {
        const auto bytes = Message(NLMSG_ERROR).append(nlmsgerr{error, {}}).bytes();
        std::span<const std::uint8_t> rest(bytes);
        CHECK(next_queue_message(rest)->kind == Kind::unreadable);
    }
}

TEST_CASE("several messages in a datagram come one after the other", "[queue_message]") {
    auto bytes = whole().bytes();
    const auto error = Message(NLMSG_ERROR).append(nlmsgerr{-ENOENT, {}}).bytes();
    bytes.resize((bytes.size() + 3) & ~std::size_t{3});
    for (const std::uint8_t byte : error) bytes.push_back(byte);
    std::span<const std::uint8_t> rest(bytes);
    CHECK(next_queue_message(rest)->kind == Kind::packet);
    const auto second = next_queue_message(rest);
    REQUIRE(second);
    CHECK(second->kind == Kind::refusal);
    CHECK(second->error == ENOENT);
    CHECK_FALSE(next_queue_message(rest));
    CHECK(only(Message(NLMSG_DONE).bytes()).kind == Kind::other);
}

TEST_CASE("the kernel's table of queues is read by queue number", "[queue_message]") {
    const std::string table = "    7   1234     2 2 65531     3     4        9  1\n"
                              "   77 -12345     2 2 65531     5     6       19  1\n"
                              "  770      1     0 2 65531     0     0        0  1\n";
    CHECK(find_queue_row(table, 7) == QueueTableRow{1234, 3, 4});
    CHECK(find_queue_row(table, 77) == QueueTableRow{static_cast<std::uint32_t>(-12345), 5, 6});
    CHECK_FALSE(find_queue_row(table, 78));
    CHECK_FALSE(find_queue_row("", 7));
    CHECK_FALSE(find_queue_row("    7   1234     2", 7));
}

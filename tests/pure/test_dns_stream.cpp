// SPDX-License-Identifier: GPL-2.0-or-later
// Segments and datagrams that carry DNS, and messages put together from them.
#include <catch2/catch.hpp>

#include "dns_packet.hpp"
#include "rules/dns_segment.hpp"
#include "rules/dns_stream.hpp"

using namespace doorward;
using namespace doorward::test;

namespace {

std::string text(std::span<const std::uint8_t> bytes) { return {bytes.begin(), bytes.end()}; }

Bytes bytes_of(std::string_view text) { return {text.begin(), text.end()}; }

Bytes framed(std::string_view message) { return test::framed(bytes_of(message)); }

struct Reader {
    DnsStream stream{1000};
    std::vector<std::string> messages{};

    bool take(std::uint32_t sequence, const Bytes& bytes) {
        return stream.take(sequence, bytes, [&](std::span<const std::uint8_t> message) {
            messages.push_back(text(message));
        });
    }
};

}  // namespace

TEST_CASE("a datagram's and a segment's payload is found") {
    const Bytes datagram = udp_packet(bytes_of("hello"));
    const auto udp = parse_segment(datagram);
    REQUIRE(udp);
    CHECK(text(udp->payload) == "hello");
    CHECK(udp->packet.source_port == 40000);
    CHECK(udp->packet.destination_port == 53);
    for (const std::uint8_t words : {std::uint8_t{0}, std::uint8_t{3}}) {
        const Bytes segment =
            tcp_packet(bytes_of("hello"), false, 0xfffffffe, 77, 0x18, words);
        const auto tcp = parse_segment(segment);
        REQUIRE(tcp);
        CHECK(text(tcp->payload) == "hello");
        CHECK(tcp->sequence == 0xfffffffe);
        CHECK_FALSE(tcp->begins);
    }
}

TEST_CASE("padding is no payload, and a packet that is not all there has none") {
    Bytes padded = udp_packet(bytes_of("hello"));
    padded.insert(padded.end(), 10, 'x');
    CHECK(text(parse_segment(padded)->payload) == "hello");
    const Bytes whole = udp_packet(bytes_of("hello"));
    for (std::size_t size = 0; size < whole.size(); ++size)
        CHECK_FALSE(parse_segment(std::span(whole).first(size)));
}

TEST_CASE("what begins a connection is told, with the number of its first byte") {
    const Bytes first = tcp_packet(bytes_of("hello"), false, 0xffffffff, 0, 0x02), answer = tcp_packet({}, true, 7, 1, 0x12);
    const auto begun = parse_segment(first), answered = parse_segment(answer);
    REQUIRE((begun && answered));
    CHECK((begun->begins && begun->sequence == 0 && text(begun->payload) == "hello"));
    CHECK((answered->begins && answered->sequence == 8 && answered->payload.empty()));
}

TEST_CASE("empty segments, fragments and other protocols carry no DNS") {
    CHECK_FALSE(parse_segment(tcp_packet({}, false, 1, 1)));
    Bytes fragment = udp_packet(bytes_of("hello"));
    fragment[6] = 0x20;
    CHECK_FALSE(parse_segment(fragment));
    Bytes lite = udp_packet(bytes_of("hello"));
    lite[9] = 136;
    CHECK_FALSE(parse_segment(lite));
}

TEST_CASE("messages are put together from pieces of any size") {
    Bytes two = framed("first");
    put(two, framed("second"));
    for (std::size_t size = 1; size <= two.size(); ++size) {
        Reader reader;
        for (std::size_t at = 0; at < two.size(); at += size) {
            const auto end = std::min(two.size(), at + size);
            REQUIRE(reader.take(static_cast<std::uint32_t>(1000 + at),
                                Bytes(two.begin() + static_cast<std::ptrdiff_t>(at),
                                      two.begin() + static_cast<std::ptrdiff_t>(end))));
        }
        CHECK(reader.messages == std::vector<std::string>{"first", "second"});
    }
}

TEST_CASE("what is sent again counts once, also in part") {
    Reader reader;
    const Bytes first = framed("first");
    CHECK(reader.take(1000, first));
    CHECK(reader.take(1000, first));
    Bytes both = first;
    put(both, framed("second"));
    CHECK(reader.take(1000, both));
    CHECK(reader.messages == std::vector<std::string>{"first", "second"});
}

TEST_CASE("a gap and a message beyond all measure end a stream") {
    Reader gap;
    CHECK_FALSE(gap.take(1001, framed("first")));
    Reader large;
    Bytes header;
    put16(header, DnsStream::longest + 1);
    CHECK_FALSE(large.take(1000, header));
    Reader fits;
    CHECK(fits.take(1000, framed(std::string(DnsStream::longest, 'x'))));
    CHECK(fits.messages.size() == 1);
}

TEST_CASE("sequence numbers wrap") {
    DnsStream stream(0xfffffffe);
    std::string got;
    const Bytes whole = framed("wrapped");
    const auto keep = [&](std::span<const std::uint8_t> message) { got = text(message); };
    CHECK(stream.take(0xfffffffe, std::span(whole).first(4), keep));
    CHECK(stream.take(2, std::span(whole).subspan(4), keep));
    CHECK(got == "wrapped");
}

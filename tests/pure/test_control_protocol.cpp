// SPDX-License-Identifier: GPL-2.0-or-later
#include <catch2/catch.hpp>

#include "fwd/control_protocol.hpp"

using namespace doorward;

namespace {

std::string without_nul(std::string bytes) {
    REQUIRE(bytes.ends_with('\0'));
    bytes.pop_back();
    REQUIRE(bytes.find('\0') == std::string::npos);
    return bytes;
}

std::string nested(int levels, char open, char close) {
    return std::string(static_cast<std::size_t>(levels), open) +
           std::string(static_cast<std::size_t>(levels), close);
}

}  // namespace

TEST_CASE("a call survives encoding and decoding") {
    Call call{"org.doorward.Control.AddRule", {{"name", "a\"b\\c\n\0d"}, {"n", 5}}};
    CHECK(*decode_call(without_nul(encode(call))) == call);
    call.oneway = call.more = call.upgrade = true;
    CHECK(*decode_call(without_nul(encode(call))) == call);
}

TEST_CASE("a reply survives encoding and decoding") {
    Reply reply{"", {{"status", {{"pid", 1}}}}};
    CHECK(*decode_reply(without_nul(encode(reply))) == reply);
    reply.error = "org.doorward.Control.Failed";
    reply.continues = true;
    CHECK(*decode_reply(without_nul(encode(reply))) == reply);
}

TEST_CASE("bytes that are no UTF-8 are replaced, not thrown over") {
    const Reply reply{"", {{"exe", "/usr/bin/\xff\xfe"}}};
    const auto read = decode_reply(without_nul(encode(reply)));
    REQUIRE(read);
    CHECK(read->parameters["exe"] == "/usr/bin/\uFFFD\uFFFD");
}

TEST_CASE("calls may leave out all but the method") {
    CHECK(*decode_call(R"({"method":"a.B"})") == Call{"a.B"});
    CHECK(*decode_call(R"({"method":"a.B","parameters":null})") == Call{"a.B"});
}

TEST_CASE("what is no call is refused with a reason") {
    const auto [text, reason] = GENERATE(table<std::string, std::string>({
        {"", "no valid JSON"},
        {"{", "no valid JSON"},
        {"{} {}", "no valid JSON"},
        {"{\"method\":\"a.B\"} x", "no valid JSON"},
        {"{\"method\":\"\xff\"}", "no valid JSON"},
        {"[]", "no JSON object"},
        {"\"a.B\"", "no JSON object"},
        {"{}", "names no \"method\""},
        {R"({"method":""})", "names no \"method\""},
        {R"({"method":5})", "\"method\" must be a string"},
        {R"({"method":"a.B","parameters":[]})", "\"parameters\" must be an object"},
        {R"({"method":"a.B","oneway":1})", "\"oneway\" must be true or false"},
        {R"({"method":"a.B","surprise":1})", "no member \"surprise\""},
    }));
    INFO(text);
    const auto call = decode_call(text);
    REQUIRE_FALSE(call);
    CHECK_THAT(call.error().what, Catch::Contains(reason));
}

TEST_CASE("deep nesting is refused before it is parsed") {
    CHECK_FALSE(nests_deeper_than(nested(16, '[', ']'), 16));
    CHECK(nests_deeper_than(nested(17, '[', ']'), 16));
    CHECK(nests_deeper_than(nested(17, '{', '}'), 16));
    const auto deep = decode_call(R"({"method":"a.B","parameters":{"x":)" +
                                  nested(500000, '[', ']') + "}}");
    REQUIRE_FALSE(deep);
    CHECK_THAT(deep.error().what, Catch::Contains("nests deeper"));
}

TEST_CASE("brackets within strings don't nest") {
    const std::string brackets(100, '[');
    CHECK_FALSE(nests_deeper_than("{\"a\":\"" + brackets + "\"}", 4));
    CHECK_FALSE(nests_deeper_than("{\"a\":\"\\\"" + brackets + "\"}", 4));
    // The string ends behind the escaped backslash, so these brackets count.
    CHECK(nests_deeper_than("{\"a\":\"\\\\\"," + brackets, 4));
}

TEST_CASE("a stream is cut at NUL bytes, wherever its pieces end") {
    const std::string stream("one\0two\0\0thr", 12);
    for (std::size_t piece = 1; piece <= stream.size(); ++piece) {
        MessageSplitter splitter(100);
        std::vector<std::string> messages;
        for (std::size_t at = 0; at < stream.size(); at += piece) {
            REQUIRE(splitter.feed(std::string_view(stream).substr(at, piece)));
            while (const auto message = splitter.next()) messages.push_back(*message);
        }
        INFO("pieces of " << piece);
        CHECK(messages == std::vector<std::string>{"one", "two", ""});
        CHECK_FALSE(splitter.empty());
        CHECK_FALSE(splitter.has_message());
    }
}

TEST_CASE("a message of the allowed length passes, a longer one ends the stream") {
    MessageSplitter fits(4);
    REQUIRE(fits.feed(std::string("1234\0", 5)));
    CHECK(fits.next() == "1234");

    MessageSplitter whole(4);
    CHECK_FALSE(whole.feed(std::string("12345\0", 6)));
    CHECK_FALSE(whole.next());
    CHECK_FALSE(whole.feed(std::string("a\0", 2)));

    MessageSplitter open_ended(4);
    CHECK(open_ended.feed("1234"));
    CHECK_FALSE(open_ended.feed("5"));

    MessageSplitter behind(4);
    REQUIRE(behind.feed(std::string("ab\0" "12345", 8)));
    CHECK(behind.next() == "ab");
    CHECK_FALSE(behind.next());
    CHECK_FALSE(behind.feed("6"));
}

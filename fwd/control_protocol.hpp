// SPDX-License-Identifier: GPL-2.0-or-later
// The Varlink protocol: bytes ↔ messages. Pure; shared by the daemon and the command.
//
// A message is one JSON object followed by a NUL byte:
//   call    {"method": "org.doorward.Control.GetStatus", "parameters": {…}, "oneway": false}
//   reply   {"parameters": {…}}
//   error   {"error": "org.doorward.Control.RuleNotFound", "parameters": {…}}
// JSON never contains a NUL byte, so messages are cut apart before they are understood.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

#include <nlohmann/json.hpp>

#include "rules/result.hpp"

namespace doorward {

inline constexpr std::string_view control_interface_name = "org.doorward.Control";
inline constexpr std::size_t max_call_bytes = 1 << 20;
// A list of 100,000 rules is about 40 MB.
inline constexpr std::size_t max_reply_bytes = std::size_t{64} << 20;
// Deeper than anything the interface has; keeps a hostile message from exhausting the stack.
inline constexpr int max_json_depth = 16;

struct Call {
    std::string method;
    nlohmann::json parameters = nlohmann::json::object();
    bool oneway = false;   // the caller wants no reply
    bool more = false;     // the caller would take several replies; one is always allowed
    bool upgrade = false;  // the caller wants to leave the protocol; never granted

    bool operator==(const Call&) const = default;
};

struct Reply {
    std::string error;  // qualified name; empty: the call succeeded
    nlohmann::json parameters = nlohmann::json::object();
    bool continues = false;

    bool operator==(const Reply&) const = default;
};

// Each with the NUL byte that ends it. Bytes that are no UTF-8 (a path may have them) are replaced
// by U+FFFD, as JSON can't carry them.
std::string encode(const Call& call);
std::string encode(const Reply& reply);

// `message` without its NUL byte. Unknown members, wrong types and too deep nesting are errors.
Result<Call> decode_call(std::string_view message);
Result<Reply> decode_reply(std::string_view message);

// True if arrays and objects nest deeper than `limit`. Reads the bytes once, without recursion; on
// text that is no JSON any answer is safe, as the parser refuses it afterwards.
bool nests_deeper_than(std::string_view json, int limit);

// Cuts a stream of bytes into messages.
class MessageSplitter {
public:
    explicit MessageSplitter(std::size_t max_bytes) : max_bytes_(max_bytes) {}

    // An error means that a message is longer than allowed; the stream can't be continued then.
    Result<void> feed(std::string_view bytes);
    // The next whole message without its NUL byte.
    std::optional<std::string> next();
    bool has_message() const { return end_.has_value(); }
    bool empty() const { return buffer_.empty(); }

private:
    Result<void> find_end(std::size_t from);

    std::size_t max_bytes_;
    std::string buffer_;
    std::optional<std::size_t> end_;  // where the first message's NUL byte is
    bool too_long_ = false;
};

}  // namespace doorward

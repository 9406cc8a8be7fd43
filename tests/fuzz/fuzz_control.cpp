// SPDX-License-Identifier: GPL-2.0-or-later
// Bytes that a client might send → messages → methods, with a fake daemon behind them.
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "require.hpp"
#include "fwd/control_methods.hpp"
#include "fwd/rule_json.hpp"
#include "tests/pure/fake_controlled.hpp"

using namespace doorward;

namespace {

std::string without_nul(std::string bytes) {
    require(bytes.ends_with('\0'));
    bytes.pop_back();
    require(bytes.find('\0') == std::string::npos);
    return bytes;
}

// Reading, writing and reading again gives the same rule.
void check_rule(const nlohmann::json& parameters) {
    const auto member = parameters.find("rule");
    if (member == parameters.end()) return;
    const auto rule = rule_from_json(*member);
    if (!rule) return require(!rule.error().what.empty());
    const auto again = rule_from_json(rule_to_json(*rule));
    require(again.has_value() && same_rule(*rule, *again));
}

void check_call(const std::string& message) {
    const auto call = decode_call(message);
    if (!call) return require(!call.error().what.empty());
    const auto again = decode_call(without_nul(encode(*call)));
    require(again.has_value() && *again == *call);
    check_rule(call->parameters);
    static const FakeControlled fresh;
    for (const Access access : {Access::none, Access::read, Access::change}) {
        FakeControlled daemon = fresh;
        const Reply reply = ControlMethods(daemon, "0").call(*call, access);
        // Nothing is asked of the daemon for a stranger, whatever his message looks like.
        require(access != Access::none || daemon.asked.empty());
        require(decode_reply(without_nul(encode(reply))).has_value());
    }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    if (size == 0) return 0;
    // The first byte says in which pieces the rest arrives.
    const std::size_t piece = data[0] + std::size_t{1};
    std::string_view stream(reinterpret_cast<const char*>(data + 1), size - 1);
    MessageSplitter splitter(4096);
    while (!stream.empty()) {
        const bool fed = splitter.feed(stream.substr(0, piece)).has_value();
        stream.remove_prefix(std::min(piece, stream.size()));
        while (const auto message = splitter.next()) {
            require(message->size() <= 4096 && message->find('\0') == std::string::npos);
            check_call(*message);
            static_cast<void>(decode_reply(*message));
        }
        if (!fed) break;
    }
    return 0;
}

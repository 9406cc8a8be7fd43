// SPDX-License-Identifier: GPL-2.0-or-later
#include "fwd/control_protocol.hpp"

#include <fmt/format.h>

namespace doorward {
namespace {

using nlohmann::json;

std::string dump(const json& object) {
    std::string text = object.dump(-1, ' ', false, json::error_handler_t::replace);
    text.push_back('\0');
    return text;
}

Result<json> parse_object(std::string_view message) {
    if (nests_deeper_than(message, max_json_depth))
        return fail(fmt::format("the message nests deeper than {} levels", max_json_depth));
    json object = json::parse(message, nullptr, /*allow_exceptions=*/false);
    if (object.is_discarded()) return fail("the message is no valid JSON");
    if (!object.is_object()) return fail("the message is no JSON object");
    return object;
}

Result<void> read_flag(const json& value, const std::string& name, bool& flag) {
    if (!value.is_boolean()) return fail("\"" + name + "\" must be true or false");
    flag = value.get<bool>();
    return {};
}

Result<void> read_parameters(const json& value, json& parameters) {
    if (value.is_null()) return {};  // allowed by the protocol: the same as none
    if (!value.is_object()) return fail("\"parameters\" must be an object");
    parameters = value;
    return {};
}

Result<void> read_name(const json& value, const std::string& member, std::string& name) {
    if (!value.is_string()) return fail("\"" + member + "\" must be a string");
    name = value.get<std::string>();
    return {};
}

Result<void> read_call_member(const std::string& name, const json& value, Call& call) {
    if (name == "method") return read_name(value, name, call.method);
    if (name == "parameters") return read_parameters(value, call.parameters);
    if (name == "oneway") return read_flag(value, name, call.oneway);
    if (name == "more") return read_flag(value, name, call.more);
    if (name == "upgrade") return read_flag(value, name, call.upgrade);
    return fail("a call has no member \"" + name + "\"");
}

Result<void> read_reply_member(const std::string& name, const json& value, Reply& reply) {
    if (name == "error") return read_name(value, name, reply.error);
    if (name == "parameters") return read_parameters(value, reply.parameters);
    if (name == "continues") return read_flag(value, name, reply.continues);
    return fail("a reply has no member \"" + name + "\"");
}

}  // namespace

std::string encode(const Call& call) {
    json object{{"method", call.method}, {"parameters", call.parameters}};
    if (call.oneway) object["oneway"] = true;
    if (call.more) object["more"] = true;
    if (call.upgrade) object["upgrade"] = true;
    return dump(object);
}

std::string encode(const Reply& reply) {
    json object{{"parameters", reply.parameters}};
    if (!reply.error.empty()) object["error"] = reply.error;
    if (reply.continues) object["continues"] = true;
    return dump(object);
}

Result<Call> decode_call(std::string_view message) {
    const auto object = parse_object(message);
    if (!object) return std::unexpected(object.error());
    Call call;
    for (const auto& [name, value] : object->items())
        if (auto read = read_call_member(name, value, call); !read)
            return std::unexpected(read.error());
    if (call.method.empty()) return fail("the call names no \"method\"");
    return call;
}

Result<Reply> decode_reply(std::string_view message) {
    const auto object = parse_object(message);
    if (!object) return std::unexpected(object.error());
    Reply reply;
    for (const auto& [name, value] : object->items())
        if (auto read = read_reply_member(name, value, reply); !read)
            return std::unexpected(read.error());
    return reply;
}

bool nests_deeper_than(std::string_view json_text, int limit) {
    int depth = 0;
    bool in_string = false;
    for (std::size_t i = 0; i < json_text.size(); ++i) {
        const char c = json_text[i];
        if (in_string) {
            if (c == '\\') ++i;  // the escaped character can't end the string
            else if (c == '"') in_string = false;
        } else if (c == '"') {
            in_string = true;
        } else if (c == '{' || c == '[') {
            if (++depth > limit) return true;
        } else if (c == '}' || c == ']') {
            --depth;
        }
    }
    return false;
}

Result<void> MessageSplitter::feed(std::string_view bytes) {
    if (too_long_) return fail("the stream was given up after a message that is too long");
    const std::size_t old_size = buffer_.size();
    buffer_.append(bytes);
    return end_ ? Result<void>{} : find_end(old_size);
}

std::optional<std::string> MessageSplitter::next() {
    if (!end_ || too_long_) return std::nullopt;
    std::string message = buffer_.substr(0, *end_);
    buffer_.erase(0, *end_ + 1);
    // A too long message that follows is reported by the next feed(); this one is whole.
    static_cast<void>(find_end(0));
    return message;
}

Result<void> MessageSplitter::find_end(std::size_t from) {
    const std::size_t end = buffer_.find('\0', from);
    end_ = end == std::string::npos ? std::nullopt : std::optional(end);
    too_long_ = end_.value_or(buffer_.size()) > max_bytes_;
    if (!too_long_) return {};
    end_.reset();
    return fail(fmt::format("the message is longer than {} bytes", max_bytes_));
}

}  // namespace doorward

// SPDX-License-Identifier: GPL-2.0-or-later
#include "rules/opensnitch_rule.hpp"

#include <algorithm>
#include <array>
#include <optional>
#include <set>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "rules/text.hpp"

namespace doorward {

namespace {

using nlohmann::json;

constexpr int deepest = 6;  // a rule, its operator, the list in it, an operator, an empty list
constexpr std::size_t most_operators = 64;

constexpr std::array<std::string_view, 10> rule_keys{"created", "updated", "name", "description", "action",
                                                     "duration", "enabled", "precedence", "nolog",
                                                     "operator"};
constexpr std::array<std::string_view, 5> operator_keys{"operand", "data", "type", "list", "sensitive"};

Place place_at(std::string_view text, std::size_t byte, const std::string& file) {
    const std::string_view before = text.substr(0, std::min(byte, text.size()));
    const auto line = std::ranges::count(before, '\n');
    const auto start = before.rfind('\n');
    const std::size_t column = before.size() - (start == before.npos ? 0 : start + 1);
    return {file, static_cast<int>(line) + 1, std::max(static_cast<int>(column), 1)};
}

// Refuses while it is read what would take room without end, or would say two things at once.
class Watch {
public:
    bool operator()(int depth, json::parse_event_t event, json& value) {
        if (depth > deepest) return too_deep_ = true, false;
        if (event == json::parse_event_t::object_start) keys_.emplace_back();
        if (event == json::parse_event_t::object_end && !keys_.empty()) keys_.pop_back();
        if (event == json::parse_event_t::key && !keys_.empty() &&
            !keys_.back().insert(value.get_ref<const std::string&>()).second && !twice_)
            twice_ = value.get_ref<const std::string&>();
        return true;
    }
    bool too_deep() const { return too_deep_; }
    const std::optional<std::string>& twice() const { return twice_; }

private:
    std::vector<std::set<std::string>> keys_{};
    std::optional<std::string> twice_{};
    bool too_deep_ = false;
};

class Reader {
public:
    explicit Reader(const std::string& file) : file_(file) {}

    Result<OpenSnitchRule> rule(const json& object) const {
        if (!object.is_object()) return wrong("this is no rule", "an object with a name and an operator");
        if (auto known = only(object, rule_keys, ""); !known) return std::unexpected(known.error());
        OpenSnitchRule out;
        const auto* what = find(object, "operator");
        if (!what) return wrong("the rule has no operator", "what it is about");
        auto done = text(object, "name", out.name);
        if (done) done = text(object, "description", out.description);
        if (done) done = text(object, "action", out.action);
        if (done) done = text(object, "duration", out.duration);
        if (done) done = truth(object, "enabled", out.enabled);
        if (done) done = truth(object, "precedence", out.precedence);
        if (done) done = truth(object, "nolog", out.nolog);
        if (!done) return std::unexpected(done.error());
        auto op = operation(*what, 0);
        if (!op) return std::unexpected(op.error());
        out.what = std::move(*op);
        return out;
    }

private:
    std::unexpected<Error> wrong(std::string what, std::string expected) const {
        return fail(std::move(what), "expected: " + std::move(expected), {file_, 0, 0});
    }

    // Null stands for nothing, as in Go.
    static const json* find(const json& object, const char* key) {
        const auto at = object.find(key);
        return at == object.end() || at->is_null() ? nullptr : &*at;
    }

    Result<void> only(const json& object, std::span<const std::string_view> keys,
                      std::string_view where) const {
        for (const auto& [key, value] : object.items())
            if (std::ranges::find(keys, key) == keys.end())
                return wrong(fmt::format("{}\"{}\" is not known", where, key.substr(0, 40)),
                             fmt::format("{}", fmt::join(keys, ", ")));
        return {};
    }

    Result<void> text(const json& object, const char* key, std::string& out) const {
        const json* value = find(object, key);
        if (!value) return {};
        if (!value->is_string()) return wrong(fmt::format("\"{}\" is no string", key), "a string");
        out = value->get_ref<const std::string&>();
        const auto bad = std::ranges::find_if(out, [](char c) { return (c >= 0 && c < ' ') || c == 0x7f; });
        const bool prose = std::string_view(key) == "description";
        if (bad != out.end() && !prose)
            return wrong(fmt::format("\"{}\" has a control character in it (0x{:02x})", key,
                                     static_cast<unsigned>(static_cast<unsigned char>(*bad))),
                         "one line of text");
        return {};
    }

    Result<void> truth(const json& object, const char* key, bool& out) const {
        const json* value = find(object, key);
        if (!value) return {};
        if (!value->is_boolean())
            return wrong(fmt::format("\"{}\" is neither true nor false", key), "true or false");
        out = value->get<bool>();
        return {};
    }

    Result<OpenSnitchOperator> operation(const json& object, int depth) const {
        if (!object.is_object()) return wrong("the operator is no object", "an object with a type");
        if (auto known = only(object, operator_keys, "operator: "); !known)
            return std::unexpected(known.error());
        OpenSnitchOperator out;
        auto done = text(object, "type", out.type);
        if (done) done = text(object, "operand", out.operand);
        if (done) done = text(object, "data", out.data);
        if (done) done = truth(object, "sensitive", out.sensitive);
        if (!done) return std::unexpected(done.error());
        const json* list = find(object, "list");
        if (!list) return out;
        if (!list->is_array()) return wrong("the \"list\" of an operator is no list", "a list");
        if (list->size() > most_operators)
            return wrong(fmt::format("a list of {} operators", list->size()),
                         fmt::format("at most {}", most_operators));
        if (depth > 0 && !list->empty()) return wrong("a list in a list", "one list of operators");
        for (const json& item : *list) {
            auto each = operation(item, depth + 1);
            if (!each) return each;
            out.list.push_back(std::move(*each));
        }
        return out;
    }

    const std::string& file_;
};

}  // namespace

Result<OpenSnitchRule> parse_opensnitch_rule(std::string_view text, const std::string& file_name) {
    if (text.size() > longest_opensnitch_file)
        return fail(fmt::format("a rule of more than {} bytes", longest_opensnitch_file),
                    "see whether it is one", {file_name, 0, 0});
    if (const auto bad = find_bad_character(text))
        return fail(bad->what, "rules are JSON in UTF-8", {file_name, bad->line, bad->column});
    Watch watch;
    json document;
    try {
        document = json::parse(text, std::ref(watch), true, false);
    } catch (const json::parse_error& error) {
        return fail("this is not JSON", "rules of OpenSnitch are one JSON object each",
                    place_at(text, error.byte, file_name));
    } catch (const json::exception&) {
        return fail("a number that is too large", "rules of OpenSnitch have none", {file_name, 0, 0});
    }
    if (watch.too_deep())
        return fail("this is nested too deeply for a rule", "see whether it is one", {file_name, 0, 0});
    if (watch.twice())
        return fail(fmt::format("the key \"{}\" is there twice", watch.twice()->substr(0, 40)),
                    "take one of them out", {file_name, 0, 0});
    return Reader(file_name).rule(document);
}

}  // namespace doorward

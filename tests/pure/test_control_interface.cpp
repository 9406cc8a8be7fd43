// SPDX-License-Identifier: GPL-2.0-or-later
// The interface description against what the methods really take and answer.
#include <algorithm>
#include <map>
#include <set>

#include <catch2/catch.hpp>

#include "fake_controlled.hpp"
#include "fwd/control_interface.hpp"
#include "fwd/control_json.hpp"
#include "fwd/control_methods.hpp"
#include "fwd/rule_json.hpp"

using namespace doorward;
using nlohmann::json;

namespace {

struct Fixture {
    FakeControlled daemon;
    ControlMethods methods{daemon, "1.2.3"};

    Reply call(const std::string& name, json parameters = json::object(),
               Access access = Access::change) {
        return methods.call({"org.doorward.Control." + name, std::move(parameters)}, access);
    }
};

// The part of the description between "(" and its ")" after `head`.
std::string body_of(const std::string& description, const std::string& head) {
    const auto start = description.find(head);
    if (start == std::string::npos) return {};
    const auto open = description.find('(', start);
    int depth = 0;
    for (auto at = open; at < description.size(); ++at) {
        if (description[at] == '(') ++depth;
        if (description[at] == ')' && --depth == 0)
            return description.substr(open + 1, at - open - 1);
    }
    return {};
}

std::string trimmed(const std::string& text) {
    const auto first = text.find_first_not_of(" \n");
    if (first == std::string::npos) return {};
    return text.substr(first, text.find_last_not_of(" \n") - first + 1);
}

// Cut at the commas that stand in no brackets.
std::vector<std::string> parts_of(const std::string& list) {
    std::vector<std::string> parts(1);
    int depth = 0;
    for (const char c : list) {
        depth += c == '(' ? 1 : c == ')' ? -1 : 0;
        if (c == ',' && depth == 0) parts.emplace_back();
        else parts.back() += c;
    }
    for (auto& part : parts) part = trimmed(part);
    return parts;
}

// Field → type, of a type in the description. Enumerations come out as "(a, b)".
std::map<std::string, std::string> fields_of(const std::string& description,
                                             const std::string& type) {
    std::map<std::string, std::string> fields;
    for (const auto& part : parts_of(body_of(description, "\ntype " + type + " "))) {
        const auto colon = part.find(':');
        if (colon == std::string::npos) continue;
        fields[part.substr(0, colon)] = trimmed(part.substr(colon + 1));
    }
    return fields;
}

// What follows `keyword` at the beginning of a line, up to `end`.
std::vector<std::string> declared(const std::string& description, const std::string& keyword,
                                  char end) {
    std::vector<std::string> names;
    const std::string head = "\n" + keyword + " ";
    for (auto at = description.find(head); at != std::string::npos;
         at = description.find(head, at + 1)) {
        const auto start = at + head.size();
        names.push_back(description.substr(start, description.find(end, start) - start));
    }
    return names;
}

bool fits(const std::string& description, const json& value, std::string type) {
    if (type.starts_with('?')) return value.is_null() || fits(description, value, type.substr(1));
    if (type.starts_with("[]")) {
        if (!value.is_array()) return false;
        return std::ranges::all_of(
            value, [&](const json& item) { return fits(description, item, type.substr(2)); });
    }
    if (type == "string") return value.is_string();
    if (type == "int") return value.is_number_integer();
    if (type == "bool") return value.is_boolean();
    if (type.starts_with('(')) {
        const auto allowed = parts_of(type.substr(1, type.size() - 2));
        return value.is_string() && std::ranges::count(allowed, value.get<std::string>()) == 1;
    }
    const auto fields = fields_of(description, type);
    if (fields.empty() || !value.is_object() || value.size() != fields.size()) return false;
    return std::ranges::all_of(fields, [&](const auto& field) {
        return value.contains(field.first) &&
               fits(description, value.at(field.first), field.second);
    });
}
}  // namespace

TEST_CASE("the interface description names exactly the methods that there are") {
    std::set<std::string> described;
    for (const auto& text : {control_interface(), varlink_service_interface()}) {
        const std::string description(text);
        const auto interface = declared(description, "interface", '\n');
        REQUIRE(interface.size() == 1);
        for (const auto& method : declared(description, "method", '('))
            described.insert(interface[0] + "." + method);
    }
    const auto names = ControlMethods::names();
    CHECK(described == std::set<std::string>(names.begin(), names.end()));
}

TEST_CASE("what is answered has the described types") {
    Fixture fixture;
    const std::string description(control_interface());
    const json explained = {{"question", {{"app", "/usr/bin/wget"}}}};
    CHECK(fits(description, fixture.call("GetStatus").parameters["status"], "Status"));
    CHECK(fits(description, fixture.call("ListRules").parameters["list"], "RuleList"));
    CHECK(fits(description, fixture.call("ExportRules").parameters["export"], "RuleExport"));
    fixture.daemon.listed_until = {Lifetime::Until::exit, 123};
    CHECK(fits(description, fixture.call("ListRules").parameters["list"], "RuleList"));
    CHECK(fits(description, fixture.call("ListFlows").parameters["flows"], "[]OpenFlow"));
    CHECK(fits(description, fixture.call("Reload").parameters["reloaded"], "Reloaded"));
    for (const std::string kept : {"keep-session", ""}) {
        fixture.daemon.applied.kept.reset();
        if (!kept.empty()) fixture.daemon.applied.kept = kept;
        const Reply applied = fixture.call("ApplyRules", {{"folder", "/x"}, {"confirm", 60}});
        CHECK(fits(description, applied.parameters["applied"], "Applied"));
    }
    CHECK(fits(description, fixture.call("ConfirmRules").parameters["applied"], "Applied"));
    CHECK(fits(description, fixture.call("RevertRules").parameters["reloaded"], "Reloaded"));
    CHECK(fits(description, fixture.call("UndoChange").parameters["undone"], "Undone"));
    CHECK(fits(description, fixture.call("RemoveRule", {{"name", "web"}}).parameters["change"],
               "RuleChange"));
    const json explanation = fixture.call("Explain", explained).parameters["explanation"];
    CHECK(fits(description, explanation, "Explanation"));
    REQUIRE(explanation["trials"].size() > 0);
    // The check itself can fail.
    CHECK_FALSE(fits(description, {{"rules", 1}, {"generation", "2"}}, "Reloaded"));
    CHECK_FALSE(fits(description, {{"rules", 1}}, "Reloaded"));
}

TEST_CASE("the description's Question and Rule are what is read") {
    const std::string description(control_interface());
    CHECK(fits(description, json(FlowQuestion{}), "Question"));
    Rule rule;
    rule.name = "a";
    CHECK(fits(description, rule_to_json(rule), "Rule"));
}

TEST_CASE("every error that the methods answer is described") {
    const std::string description(control_interface());
    Fixture fixture;
    for (const auto kind :
         {ControlFailure::Kind::rule_not_found, ControlFailure::Kind::rule_exists,
          ControlFailure::Kind::invalid_rule, ControlFailure::Kind::nothing_to_undo,
          ControlFailure::Kind::candidate_refused, ControlFailure::Kind::trial_pending,
          ControlFailure::Kind::nothing_pending, ControlFailure::Kind::flow_kept,
          ControlFailure::Kind::reload_failed,
          ControlFailure::Kind::failed}) {
        fixture.daemon.failure = ControlFailure{kind, {"it went wrong", "do this", {}}};
        const Reply reply = fixture.call("Reload");
        const std::string name = reply.error.substr(reply.error.rfind('.') + 1);
        CHECK(description.find("\nerror " + name + " (message: string)") != std::string::npos);
        CHECK(reply.parameters["message"] == "it went wrong (do this)");
    }
}

// SPDX-License-Identifier: GPL-2.0-or-later
#include "rules/import_opensnitch.hpp"

#include <algorithm>
#include <map>

#include <fmt/format.h>

#include "rules/opensnitch_conditions.hpp"

namespace doorward {

namespace {

struct Found {
    OpenSnitchRule rule;
    std::string file;

    bool allows() const { return rule.action == "allow"; }
    bool ends_search() const { return !allows() || rule.precedence; }
    std::string object() const {
        return fmt::format("rule \"{}\"{}", rule.name.substr(0, 80), rule.enabled ? "" : " (disabled)");
    }
};

class Importer {
public:
    Importer(const ImportEnvironment& environment, const OpenSnitchOptions& options)
        : environment_(environment), options_(options), lists_(environment) {}

    Imported import(const std::vector<ImportFile>& files) {
        for (const ImportFile& file : files) read(file);
        std::vector<const Found*> order;
        for (const auto& [name, found] : rules_)
            if (found.ends_search()) order.push_back(&found);
        for (auto at = rules_.rbegin(); at != rules_.rend(); ++at)
            if (!at->second.ends_search()) order.push_back(&at->second);
        for (const Found* found : order) carry(*found);
        finish();
        return std::move(out_);
    }

private:
    void add(Finding::Kind kind, const Found& found, std::string key, const Error& error) {
        const bool denies = kind == Finding::Kind::left_out && !found.allows() && found.rule.enabled;
        const Place place = error.place.file.empty() ? Place{found.file, 0, 0} : error.place;
        out_.findings.push_back({kind, denies, place, found.object(), std::move(key), error.what, error.remedy});
    }

    void leave_out(const Found& found, std::string key, const Error& error) {
        add(Finding::Kind::left_out, found, std::move(key), error);
    }

    void note(const Found& found, std::string key, std::string reason) {
        add(Finding::Kind::note, found, std::move(key), {std::move(reason), {}, {}});
    }

    // Of two files with one name, OpenSnitch keeps what it reads last.
    void read(const ImportFile& file) {
        ++out_.found;
        auto rule = parse_opensnitch_rule(file.text, file.path);
        if (!rule) {
            out_.findings.push_back({Finding::Kind::left_out, true, rule.error().place, "", "",
                                     rule.error().what, rule.error().remedy});
            return;
        }
        Found found{std::move(*rule), file.path};
        const auto before = rules_.find(found.rule.name);
        if (before != rules_.end()) {
            note(before->second, "name", "the rule in " + file.path + " has the same name and replaces it");
            rules_.erase(before);
        }
        rules_.emplace(found.rule.name, std::move(found));
    }

    // What is wrong with the rule itself; an empty key: nothing.
    static std::pair<std::string, Error> fault(const OpenSnitchRule& rule) {
        const auto& action = rule.action;
        if (action != "allow" && action != "deny" && action != "reject")
            return {"action", {fmt::format("\"{}\" is no action", action.substr(0, 40)), "write the rule by hand", {}}};
        if (rule.duration != "always")
            return {"duration",
                    {fmt::format("it is for a time only (\"{}\")", rule.duration.substr(0, 40)),
                     "write it with expires:, or as doorward allow --for 20m", {}}};
        if (rule.what.type == "list" && rule.what.list.empty())
            return {"operator.list", {"the list is empty, and matches everything there", "write the rule by hand", {}}};
        if (rule.what.type != "list" && !rule.what.list.empty())
            return {"operator.list", {"there is a list, but the type is another", "write the rule by hand", {}}};
        return {};
    }

    void carry(const Found& found) {
        if (const auto [key, error] = fault(found.rule); !key.empty()) return leave_out(found, key, error);
        OpenSnitchConditions conditions(environment_, options_, found.allows(), lists_);
        const auto& what = found.rule.what;
        for (const OpenSnitchOperator& each : what.type == "list" ? what.list : std::vector{what})
            if (auto done = conditions.add(each); !done)
                return leave_out(found, each.operand.substr(0, 40), done.error());
        auto rules = conditions.rules();
        if (rules.empty())
            return leave_out(found, "", {"nothing ever meets all of its conditions", "take it out", {}});
        for (Rule& rule : rules) emit(found, std::move(rule));
        tell(found, conditions);
    }

    void emit(const Found& found, Rule rule) {
        const std::string name = name_from(found.rule.name, false);
        rule.name = names_.unique(name);
        rule.action = found.allows() ? Action::accept : found.rule.action == "deny" ? Action::drop : Action::reject;
        rule.enabled = found.rule.enabled;
        rule.comment = comment_from(found.rule.description);
        if (name != found.rule.name)
            rule.comment = comment_from("\"" + found.rule.name + "\"" + (rule.comment.empty() ? "" : ": ") + rule.comment);
        out_.rules.push_back(std::move(rule));
    }

    void tell(const Found& found, const OpenSnitchConditions& conditions) {
        if (found.rule.nolog) note(found, "nolog", "every decision is in the audit log here");
        if (conditions.folds_case())
            note(found, "sensitive", "it ignores case there; here it matches the case that is written only");
        if (conditions.sensitive_host())
            note(found, "sensitive", "host names have no case here");
        if (conditions.closed_host())
            note(found, "dest.host", "the expression is taken for closed at its end, as asked for");
        const std::size_t length = found.rule.description.size();
        if (length > 0 && comment_from(found.rule.description) != found.rule.description)
            note(found, "description", "the comment is one line, and shortened");
    }

    // Sets of rules that were left out after all are not written.
    void finish() {
        for (const SetDefinition& set : lists_.sets()) {
            const std::string reference = std::string(set_prefix) + set.name;
            const bool used = std::ranges::any_of(out_.rules, [&](const Rule& rule) {
                return std::ranges::any_of(rule.terms, [&](const Term& term) {
                    return std::ranges::find(term.values, reference, &Value::text) != term.values.end();
                });
            });
            if (used) out_.sets.push_back(set);
        }
        Rule shared;
        shared.add(Condition::direction, {"out"});
        shared.add(Condition::protocol, {"tcp", "udp", "udplite", "sctp", "icmp", "icmpv6"});
        out_.shared = std::move(shared.terms);
        out_.group = "opensnitch";
        out_.remarks = {"Rules of OpenSnitch, for outbound flows of the protocols that it decides on.",
                        "First those that end its search, in the order of their names, then those that",
                        "allow, last name first. What no rule matches, it asked about: here the default",
                        "decides."};
    }

    const ImportEnvironment& environment_;
    const OpenSnitchOptions& options_;
    OpenSnitchLists lists_;
    std::map<std::string, Found> rules_{};  // by name, as bytes
    UniqueNames names_{};
    Imported out_{};
};

}  // namespace

Imported import_opensnitch(const std::vector<ImportFile>& files, const ImportEnvironment& environment,
                           const OpenSnitchOptions& options) {
    return Importer(environment, options).import(files);
}

}  // namespace doorward

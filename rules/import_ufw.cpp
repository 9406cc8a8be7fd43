// SPDX-License-Identifier: GPL-2.0-or-later
#include "rules/import_ufw.hpp"

#include <algorithm>
#include <map>

#include <fmt/format.h>

#include "rules/ufw_profile.hpp"
#include "rules/ufw_rule.hpp"

namespace doorward {

namespace {

constexpr std::size_t most_pairs = std::size_t{4} << 20;

using Rules = std::vector<UfwRule>;

bool are_twins(const UfwRule& a, const UfwRule& b) {
    return a.any_address && b.any_address && same_rule(a.rule, b.rule);
}

// The rules of both families in an order that keeps that of each, with as many twins as one as there
// can be: the longest row that both have in common.
class Merge {
public:
    Merge(const Rules& v4, const Rules& v6) : v4_(v4), v6_(v6) {}

    Rules merged() {
        if (v4_.size() * v6_.size() <= most_pairs) measure();
        std::size_t i = 0, j = 0;
        while (i < v4_.size() || j < v6_.size()) {
            const bool both = i < v4_.size() && j < v6_.size() && !lengths_.empty();
            if (both && are_twins(v4_[i], v6_[j])) {
                out_.push_back(v4_[i++]);
                ++j;
            } else if (j == v6_.size() || (i < v4_.size() && (!both || length(i + 1, j) >= length(i, j + 1)))) {
                add(v4_[i++], "0.0.0.0/0");
            } else {
                add(v6_[j++], "::/0");
            }
        }
        return std::move(out_);
    }

private:
    std::size_t& length(std::size_t i, std::size_t j) { return lengths_[i * (v6_.size() + 1) + j]; }

    void measure() {
        lengths_.assign((v4_.size() + 1) * (v6_.size() + 1), 0);
        for (std::size_t i = v4_.size(); i-- > 0;)
            for (std::size_t j = v6_.size(); j-- > 0;)
                length(i, j) = are_twins(v4_[i], v6_[j]) ? length(i + 1, j + 1) + 1
                                                         : std::max(length(i + 1, j), length(i, j + 1));
    }

    void add(UfwRule rule, const char* family) {
        if (rule.any_address) rule.rule.add(Condition::to, {family});
        out_.push_back(std::move(rule));
    }

    const Rules& v4_;
    const Rules& v6_;
    std::vector<std::size_t> lengths_{};
    Rules out_{};
};

class Importer {
public:
    Imported import(const UfwFiles& files) {
        rules(files);
        for (const ImportFile& file : files.profiles) profiles(file);
        for (const auto& [name, profile] : profiles_) add_profile(profile);
        out_.remarks = {"From ufw: its rules in their order, and then what its application profiles name,",
                        "which opens nothing until it is enabled: doorward rules enable NAME.",
                        "What before.rules and after.rules of ufw say is not in here, nor are its defaults."};
        return std::move(out_);
    }

private:
    void rules(const UfwFiles& files) {
        Rules families[2];
        for (const bool v6 : {false, true})
            for (const ImportFile& file : v6 ? files.rules_v6 : files.rules) {
                UfwRules read = read_ufw_rules(file, v6, out_.findings);
                out_.found += read.found;
                families[v6] = std::move(read.rules);
            }
        std::size_t number = 0;
        for (UfwRule& each : Merge(families[0], families[1]).merged()) {
            each.rule.name = names_.unique(fmt::format("ufw-{}", ++number));
            if (each.logs_all)
                out_.findings.push_back({Finding::Kind::note, false, each.rule.place, "rule \"" + each.tuple + '"', "log-all",
                                         "the journal has a line for each decision here, not for each packet", ""});
            out_.rules.push_back(std::move(each.rule));
        }
    }

    // Of two profiles with one name, ufw keeps what it reads last.
    void profiles(const ImportFile& file) {
        const std::size_t before = out_.findings.size();
        auto read = read_ufw_profiles(file, out_.findings);
        out_.found += read.size() + (out_.findings.size() - before);
        for (UfwProfile& profile : read) {
            const auto same = profiles_.find(profile.name);
            if (same != profiles_.end())
                out_.findings.push_back({Finding::Kind::note, false, same->second.place, "profile \"" + profile.name + '"', "",
                                         "a profile in " + file.path + " has the same name and replaces it", ""});
            profiles_.insert_or_assign(profile.name, std::move(profile));
        }
    }

    void add_profile(const UfwProfile& profile) {
        for (const UfwPorts& ports : profile.ports) {
            const char* end = ports.protocol == UfwProtocol::tcp ? "-tcp" : ports.protocol == UfwProtocol::udp ? "-udp" : "";
            const std::string name = "ufw-" + profile.name + end;
            SetDefinition set;
            set.name = set_names_.unique(name_from(name, true));
            set.kind = SetKind::ports;
            for (const PortRange& range : ports.ranges) set.values.push_back({range.to_string()});
            Rule rule;
            rule.name = names_.unique(name_from(name, false));
            rule.action = Action::accept;
            rule.enabled = false;
            rule.comment = comment_from(profile.title);
            rule.add(Condition::direction, {"in"});
            if (ports.protocol != UfwProtocol::udp) rule.add(Condition::protocol, {"tcp"});
            if (ports.protocol != UfwProtocol::tcp) rule.add(Condition::protocol, {"udp"});
            rule.add(Condition::port, {std::string(set_prefix) + set.name});
            out_.sets.push_back(std::move(set));
            out_.rules.push_back(std::move(rule));
        }
    }

    std::map<std::string, UfwProfile> profiles_{};
    UniqueNames names_{}, set_names_{};
    Imported out_{};
};

}  // namespace

Imported import_ufw(const UfwFiles& files) { return Importer().import(files); }

}  // namespace doorward

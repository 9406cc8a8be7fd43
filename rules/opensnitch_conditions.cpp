// SPDX-License-Identifier: GPL-2.0-or-later
// Operators that are joined by AND → conditions.
#include "rules/opensnitch_conditions.hpp"

#include <algorithm>
#include <array>

#include "rules/address.hpp"
#include "rules/condition_text.hpp"

namespace doorward {

namespace {

constexpr std::array<OpenSnitchProtocol, opensnitch_protocols> table{{
    {"tcp", "tcp", true, true}, {"tcp6", "tcp", false, true},
    {"udp", "udp", true, true}, {"udp6", "udp", false, true},
    {"udplite", "udplite", true, true}, {"udplite6", "udplite", false, true},
    {"sctp", "sctp", true, true}, {"sctp6", "sctp", false, true},
    {"icmp", "icmp", true, false}, {"icmp6", "icmpv6", false, false}}};

constexpr std::size_t all_names = 6, names_with_ports = 4;

using Texts = std::vector<std::string>;

bool is_prefix(const std::string& text) { return Prefix::parse(text).has_value(); }

// Of two prefixes one holds the other, or they have nothing in common.
std::optional<Texts> common_prefixes(const Texts& a, const Texts& b) {
    Texts out;
    for (const std::string& first : a)
        for (const std::string& second : b) {
            const auto one = Prefix::parse(first), two = Prefix::parse(second);
            if (!one || !two) return std::nullopt;
            const bool narrower = one->length >= two->length;
            const auto& wide = narrower ? *two : *one;
            const auto& narrow = narrower ? *one : *two;
            if (one->base.is_v4() != two->base.is_v4() || !wide.contains(narrow.base)) continue;
            const auto text = narrow.to_string();
            if (std::ranges::find(out, text) == out.end()) out.push_back(text);
        }
    return out;
}

bool is_number(const std::string& text) { return parse_uid(text).has_value(); }

Texts common_texts(const Texts& a, const Texts& b) {
    Texts out;
    for (const std::string& text : a)
        if (std::ranges::find(b, text) != b.end()) out.push_back(text);
    return out;
}

}  // namespace

std::span<const OpenSnitchProtocol, opensnitch_protocols> all_opensnitch_protocols() { return table; }

const OpenSnitchConditions::Constraint* OpenSnitchConditions::find(Condition condition) const {
    const auto found = std::ranges::find(constraints_, condition, &Constraint::condition);
    return found == constraints_.end() ? nullptr : &*found;
}

Result<void> OpenSnitchConditions::keep(Condition condition, Texts values) {
    for (std::string& value : values) {
        auto canonical = condition_info(condition).canonical(value);
        if (!canonical) return std::unexpected(canonical.error());
        value = std::move(*canonical);
    }
    if (values.empty()) nothing_ = true;
    const auto same = std::ranges::find(constraints_, condition, &Constraint::condition);
    if (same == constraints_.end()) return constraints_.push_back({condition, std::move(values)}), Result<void>{};
    if (same->values == values) return {};
    std::optional<Texts> both;
    if (condition == Condition::to || condition == Condition::from)
        both = common_prefixes(same->values, values);
    if (condition == Condition::user && std::ranges::all_of(values, is_number) &&
        std::ranges::all_of(same->values, is_number))
        both = common_texts(same->values, values);
    if (!both)
        return fail("there are two conditions on this", "write two rules, or a group of rules");
    same->values = std::move(*both);
    nothing_ = nothing_ || same->values.empty();
    return {};
}

void OpenSnitchConditions::keep_ports(const std::vector<PortRange>& ports) {
    if (!ports_) {
        ports_ = ports;
    } else {
        std::vector<PortRange> both;
        for (const PortRange& a : *ports_)
            for (const PortRange& b : ports)
                if (a.first <= b.last && b.first <= a.last)
                    both.push_back({std::max(a.first, b.first), std::min(a.last, b.last)});
        ports_ = std::move(both);
    }
    nothing_ = nothing_ || ports_->empty();
}

// One box for what is the same for both families, and one for what only one of them has.
void OpenSnitchConditions::add_boxes(std::vector<Box>& boxes, bool with_ports, bool without_ports) const {
    Box common, v4{.v4 = true}, v6{.v4 = false};
    for (std::size_t at = 0; at < table.size(); at += 2) {
        if (!(table[at].ports ? with_ports : without_ports)) continue;
        const bool one = protocols_[at], two = protocols_[at + 1];
        if (!table[at].ports) {
            for (const std::size_t each : {at, at + 1})
                if (protocols_[each]) common.protocols.emplace_back(table[each].ours);
        } else if (one || two) {
            (one && two ? common : one ? v4 : v6).protocols.emplace_back(table[at].ours);
        }
    }
    for (Box* box : {&common, &v4, &v6}) {
        if (box->protocols.empty()) continue;
        box->ports = !without_ports;
        const std::size_t all = without_ports ? all_names : names_with_ports;
        if (!box->v4 && box->protocols.size() == all) box->protocols.clear();
        boxes.push_back(std::move(*box));
    }
}

// ICMP has the port 0 there, and none here.
std::vector<OpenSnitchConditions::Box> OpenSnitchConditions::boxes() const {
    std::vector<Box> out;
    const bool every_port = !ports_ || (ports_->size() == 1 && *ports_ == std::vector{PortRange{0, 65535}});
    if (every_port) {
        add_boxes(out, true, true);
        return out;
    }
    add_boxes(out, true, false);
    if (ports_->empty() || ports_->front().first != 0) return out;
    Box icmp;
    for (const std::size_t at : {8u, 9u})
        if (protocols_[at]) icmp.protocols.emplace_back(table[at].ours);
    if (!icmp.protocols.empty()) out.push_back(std::move(icmp));
    return out;
}

std::optional<Rule> OpenSnitchConditions::rule_of(const Box& box) const {
    Rule rule;
    for (const Constraint& constraint : constraints_)
        if (constraint.condition != Condition::to || !box.v4)
            rule.add(constraint.condition, constraint.values);
    if (!box.protocols.empty()) rule.add(Condition::protocol, box.protocols);
    if (box.ports) {
        Texts ports;
        for (const PortRange& range : *ports_) ports.push_back(range.to_string());
        rule.add(Condition::port, std::move(ports));
    }
    if (box.v4 && !add_family(rule, *box.v4)) return std::nullopt;
    return rule;
}

// False: none of the destinations is of that family.
bool OpenSnitchConditions::add_family(Rule& rule, bool v4) const {
    const Constraint* to = find(Condition::to);
    if (!to) return rule.add(Condition::to, {v4 ? "0.0.0.0/0" : "::/0"}), true;
    Texts values = to->values;
    if (!std::ranges::all_of(values, is_prefix)) {
        rule.add(Condition::to, std::move(values));
        rule.add(Condition::to, {v4 ? "::/0" : "0.0.0.0/0"}, true);
        return true;
    }
    std::erase_if(values, [&](const std::string& text) {
        return Prefix::parse(text)->base.is_v4() != v4;
    });
    if (values.empty()) return false;
    rule.add(Condition::to, std::move(values));
    return true;
}

std::vector<Rule> OpenSnitchConditions::rules() const {
    std::vector<Rule> out;
    if (nothing_) return out;
    for (const Box& box : boxes())
        if (auto rule = rule_of(box)) out.push_back(std::move(*rule));
    return out;
}

}  // namespace doorward

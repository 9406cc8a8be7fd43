// SPDX-License-Identifier: GPL-2.0-or-later
// What one rule of OpenSnitch asks for, in terms of ours. Used by import_opensnitch.cpp only.
#pragma once

#include <bitset>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "rules/import_opensnitch.hpp"
#include "rules/opensnitch_lists.hpp"
#include "rules/opensnitch_rule.hpp"
#include "rules/port_range.hpp"
#include "rules/regexp.hpp"

namespace doorward {

// The protocols that OpenSnitch tells apart, by the family too; rules match no others.
struct OpenSnitchProtocol {
    std::string_view name;     // theirs
    std::string_view ours;
    bool v4 = false;
    bool ports = false;
};
inline constexpr std::size_t opensnitch_protocols = 10;
std::span<const OpenSnitchProtocol, opensnitch_protocols> all_opensnitch_protocols();

// All operators of a rule, ANDed.
class OpenSnitchConditions {
public:
    OpenSnitchConditions(const ImportEnvironment& environment, const OpenSnitchOptions& options,
                         bool allows, OpenSnitchLists& lists)
        : environment_(environment), options_(options), allows_(allows), lists_(lists) {
        protocols_.set();
    }

    // An error says why the rule can't be carried; its place is that of a list, if one is at fault.
    Result<void> add(const OpenSnitchOperator& what);

    // Rules that together match what all operators do, without names; none: nothing is ever matched.
    std::vector<Rule> rules() const;

    bool folds_case() const { return folds_case_; }        // it ignores case, and the rule does not
    bool sensitive_host() const { return sensitive_host_; }
    bool closed_host() const { return closed_host_; }      // see OpenSnitchOptions::as_meant

private:
    using Texts = std::vector<std::string>;

    Result<void> add_simple(const OpenSnitchOperator& what);
    Result<void> add_regexp(const OpenSnitchOperator& what);
    Result<void> add_range(const OpenSnitchOperator& what);
    Result<void> add_network(const OpenSnitchOperator& what);
    Result<void> add_lists(const OpenSnitchOperator& what);
    Result<void> add_path(Condition condition, const OpenSnitchOperator& what);
    Result<void> add_address(Condition condition, const std::string& text, bool sensitive);
    Result<void> add_user(const OpenSnitchOperator& what);
    Result<void> add_interface(const OpenSnitchOperator& what);
    Result<void> add_port(const std::string& text);
    Result<void> add_pattern_regexp(Condition condition, const OpenSnitchOperator& what);

    // Why not, and what comes closest.
    static std::unexpected<Error> not_carried(const OpenSnitchOperator& what);
    static bool is_unsaid(const std::string& operand);  // whatever its type

    template <class Matches>
    void keep_protocols(const Matches& matches);
    void keep_ports(const std::vector<PortRange>& ports);
    // Their values joined by AND; an empty list matches nothing.
    Result<void> keep(Condition condition, Texts values);

    // As OpenSnitch matches it, or narrower by the case of letters if the rule may be.
    Result<Regexp> regexp_of(const OpenSnitchOperator& what, bool may_narrow);
    bool narrows_case(const OpenSnitchOperator& what);
    Result<std::string> literal_path(const std::string& path) const;

    struct Constraint {
        Condition condition;
        Texts values;
    };
    const Constraint* find(Condition condition) const;
    struct Box {
        Texts protocols{};          // none: all that there are
        bool ports = false;         // with the condition on ports
        std::optional<bool> v4{};   // of one family only
    };
    std::vector<Box> boxes() const;
    void add_boxes(std::vector<Box>& boxes, bool with_ports, bool without_ports) const;
    std::optional<Rule> rule_of(const Box& box) const;
    bool add_family(Rule& rule, bool v4) const;

    const ImportEnvironment& environment_;
    const OpenSnitchOptions& options_;
    const bool allows_;
    OpenSnitchLists& lists_;
    std::bitset<opensnitch_protocols> protocols_;
    std::optional<std::vector<PortRange>> ports_{};
    std::vector<Constraint> constraints_{};
    bool nothing_ = false;  // two operators that exclude each other, or one that nothing meets
    bool folds_case_ = false;
    bool sensitive_host_ = false;
    bool closed_host_ = false;
};

}  // namespace doorward

// SPDX-License-Identifier: GPL-2.0-or-later
// Flows that were seen → the rules that would let them pass: few, and no broader than what was seen.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <tuple>
#include <vector>

#include "rules/flow.hpp"
#include "rules/rule.hpp"
#include "rules/suggest_parts.hpp"

namespace doorward {

// One flow of a known program.
struct Observed {
    std::string app;     // its path, an AppImage's own
    std::string script;  // that it runs; empty: none
    std::string user;    // name or uid
    Direction direction = Direction::out;
    Protocol protocol{};
    Address other;       // outbound: where to; inbound: where from
    std::string name;    // of `other`, outbound only; empty: none known
    std::uint16_t port = 0;  // destination port; of protocols without ports: 0
    std::int64_t time = 0;   // seconds since the epoch
    std::uint64_t count = 1;
};

struct Proposal {
    Rule rule;                      // accept; the name is unique among the proposals
    std::uint64_t flows = 0;        // that it was made of
    std::size_t destinations = 0;   // different ones: names, or addresses without one
    std::int64_t since = 0, until = 0;
    std::vector<std::string> widened;  // what is said more broadly than it was seen, and why
};

// A value is listed as it was seen while it can be expected that at most one flow in twenty brings a new
// one; by Good and Turing that share is the share of flows whose value was seen once. Beyond that, names
// become the domains above them, addresses their /24 or /64, and in the end all of them; so do ports.
// Of fewer than eight different values nothing is concluded: they are listed.
class Suggestions {
public:
    // Programs choose what they are called: beyond so many groups of flows, more are counted only.
    static constexpr std::size_t most_groups = 50'000;

    // False: there is no room, or no rule can name the program.
    bool add(const Observed& flow);
    std::uint64_t left_out() const { return left_out_; }

    // Most flows first. What has the same ends is one rule for several ports, protocols or users, as
    // long as that allows nothing that was not seen.
    std::vector<Proposal> proposals() const;

private:
    using Who = std::tuple<std::string, std::string, std::string, Direction>;  // app, script, user
    using Program = std::tuple<std::string, std::string, Direction>;

    // Nothing: a rule can't say one of its values.
    static std::optional<Proposal> proposal_of(const Program& program, const SuggestedPart& part);

    std::map<Who, SeenServices> seen_;
    std::size_t groups_ = 0;
    std::uint64_t left_out_ = 0;
};

// "# 312 flows to 4 destinations, 2026-11-01 to 2026-11-21" and what was widened, then the rule.
std::string format_proposal(const Proposal& proposal);

}  // namespace doorward

// SPDX-License-Identifier: GPL-2.0-or-later
// Rules, compiled: immutable, indexed, shared between threads without a lock.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "rules/rule.hpp"
#include "rules/rule_pack.hpp"
#include "rules/surroundings.hpp"
#include "rules/value_group.hpp"

namespace doorward {

// What a decision depended on: every input that was looked at on the way to it, by the rule that
// won and by those before it. A decision may be cached under a key that covers all of these.
// An input that is not named here can change without changing the decision. What only the index
// looked at counts too: with a rule that stands in it under an `app` before the winner, the decision
// depends on the executable; with one under a `domain`, every one on an outbound flow on the names.
enum class Input : std::uint32_t {
    executable = 1 << 0,      // its path, its AppImage's, and whether the process is known at all
    user = 1 << 1,            // the uid, and whether the process is known at all
    direction = 1 << 2,
    protocol = 1 << 3,
    remote_address = 1 << 4,
    remote_port = 1 << 5,
    local_address = 1 << 6,
    local_port = 1 << 7,
    time = 1 << 8,
    unknown_reason = 1 << 9,  // of a flow without a process
    group = 1 << 10,          // the gid; this and the next three: and whether the process is known
    control_group = 1 << 11,  // units, slices and container
    ancestors = 1 << 12,
    script = 1 << 13,
    domain = 1 << 14,         // the names of an outbound flow's remote address, as known now
    // Of the executable's file, and whether the process is known at all. What nobody has looked at
    // yet meets no condition: see unanswered().
    sha256 = 1 << 15,
    verity = 1 << 16,
    package = 1 << 17,
    interface = 1 << 18,
    network = 1 << 19,        // Surroundings::network
    injected = 1 << 20,       // Process::injected, and whether the process is known
};

class Inputs {
public:
    void add(Input input) { bits_ |= static_cast<std::uint32_t>(input); }
    bool has(Input input) const { return bits_ & static_cast<std::uint32_t>(input); }
    std::uint32_t bits() const { return bits_; }

private:
    std::uint32_t bits_ = 0;
};

struct Defaults {
    Action out = Action::reject;
    Action in = Action::drop;
    Action forward = Action::accept;  // of containers and other hosts, where these are filtered

    Action of(Direction direction) const {
        return direction == Direction::out ? out : direction == Direction::in ? in : forward;
    }
};

// What the compiler must ask of the system; rules/ itself asks nothing. Tests pass lambdas.
struct Environment {
    // User name → uid; nothing if there is no such user.
    std::function<std::optional<std::uint32_t>(std::string_view)> user_id;
    // A path → the same file's path without symbolic links, which is what the kernel reports
    // (/usr/bin/python3 → /usr/bin/python3.11). Returns its argument if it can't be resolved.
    std::function<std::string(const std::string&)> resolve_path;
    // Group name → gid.
    std::function<std::optional<std::uint32_t>(std::string_view)> group_id{};
    // The values in a file that a set names.
    std::function<Result<std::shared_ptr<const ListedValues>>(const std::string& path, SetKind kind)>
        read_list{};
    // Gives what is used instead of resolve_path for one ruleset, and may remember what it has seen. May be
    // empty.
    std::function<std::function<std::string(const std::string&)>()> path_resolver{};
};

struct Decision {
    static constexpr std::uint32_t no_rule = 0xffffffff;

    Action action = Action::drop;
    std::uint32_t rule = no_rule;  // position in the ruleset; no_rule: the default decided
    Inputs depends_on;
};

// What the decision looked at and nobody has found out yet. Unless it is empty, the decision is none:
// find it out, give it to the flow as its content, and decide again.
Facts unanswered(const Decision& decision, const Flow& flow);

// The first condition of a rule that a flow did not meet, in the order in which they are tested.
struct Trial {
    std::uint32_t rule = 0;  // position
    Condition failed = Condition::none;
    bool negated = false;    // it was met, and stands under `not`
};

class Ruleset {
public:
    using Packs = std::vector<std::shared_ptr<const RulePack>>;

    // `packs` in evaluation order. Errors: a duplicate name over files, a user, set or profile that
    // does not exist, a list that can't be read.
    static Result<std::shared_ptr<const Ruleset>> compile(Packs packs, Defaults defaults,
                                                          const Environment& environment);

    // Of rules as they were read or made; those of one file must stand together.
    static Result<std::shared_ptr<const Ruleset>> compile(const std::vector<Rule>& rules,
                                                          Defaults defaults,
                                                          const Environment& environment);

    // First match wins, then the default of the flow's direction. Thread-safe; allocates nothing.
    Decision decide(const Flow& flow, const Surroundings& around) const;

    // Every rule up to and including the winner, each with the condition that failed; made by the
    // very function that decide() uses.
    std::vector<Trial> explain(const Flow& flow, const Surroundings& around) const;

    std::size_t size() const;
    Rule rule(std::uint32_t position) const;
    std::string_view name(std::uint32_t position) const;  // lives as long as the ruleset
    Place place(std::uint32_t position) const;
    LogLevel log(std::uint32_t position) const;
    Action action(std::uint32_t position) const;
    std::optional<std::uint32_t> find(std::string_view name) const;  // by scanning: not for packets

    const Packs& packs() const;
    const Defaults& defaults() const;
    // Whether an enabled rule has a profile, an interface, or one of the words lan, dns and self: a
    // flow that was decided may then have to be decided anew when the network changes.
    bool asks_network() const;
    std::vector<std::string> profiles_in(const Network& network) const;  // those that hold there
    std::size_t memory() const;  // bytes, without lists from files

    Ruleset(const Ruleset&) = delete;
    Ruleset& operator=(const Ruleset&) = delete;
    ~Ruleset();

private:
    struct Impl;
    explicit Ruleset(std::unique_ptr<Impl> impl);
    std::unique_ptr<Impl> impl_;
};

}  // namespace doorward

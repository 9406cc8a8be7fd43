// SPDX-License-Identifier: GPL-2.0-or-later
// Rules, compiled: immutable, indexed, shared between threads without a lock.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "rules/rule.hpp"

namespace doorward {

// What a decision depended on: every input that was looked at on the way to it, by the rule that
// won and by those before it. A decision may be cached under a key that covers all of these.
// An input that is not named here can change without changing the decision. What only the index
// looked at counts too: with any rule about an `app`, every decision depends on the executable; with
// one about a `domain` before the winner, every decision on an outbound flow depends on the names.
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
};

struct Decision {
    Action action = Action::drop;
    const Rule* rule = nullptr;  // null: the default decided. Lives as long as the ruleset.
    Inputs depends_on;
};

// What the decision looked at and nobody has found out yet. Unless it is empty, the decision is none:
// find it out, give it to the flow as its content, and decide again.
Facts unanswered(const Decision& decision, const Flow& flow);

// The first condition of a rule that a flow did not meet, in the order they are tested. What a
// cache can't hold or what takes time to find out comes late, so that few decisions depend on it: what
// a process is beside its executable and user, the names of the remote address, the local end of a
// flow (`from` of outbound ones), what the executable's file is, and the time, which is looked at only
// when all else matches.
enum class Condition : std::uint8_t {
    none,  // all met: the rule matches
    enabled, direction, protocol, app, user, to, port, group, unit, slice, container, parent, script,
    domain, from, package, verity, sha256, expires,
};

std::string_view condition_name(Condition condition);

struct Trial {
    const Rule* rule = nullptr;
    Condition failed = Condition::none;
};

class Ruleset {
public:
    // `rules` in evaluation order. Errors: a duplicate name over files, a user that does not exist.
    static Result<std::shared_ptr<const Ruleset>> compile(std::vector<Rule> rules,
                                                          Defaults defaults,
                                                          const Environment& environment);

    // First match wins, then the default of the flow's direction. `now` in seconds since the epoch.
    // Thread-safe; allocates nothing.
    Decision decide(const Flow& flow, std::int64_t now) const;

    // Every rule up to and including the winner, each with the condition that failed; made by the
    // very function that decide() uses.
    std::vector<Trial> explain(const Flow& flow, std::int64_t now) const;

    const std::vector<Rule>& rules() const;
    const Defaults& defaults() const;

    Ruleset(const Ruleset&) = delete;
    Ruleset& operator=(const Ruleset&) = delete;
    ~Ruleset();

private:
    struct Impl;
    explicit Ruleset(std::unique_ptr<Impl> impl);
    std::unique_ptr<Impl> impl_;
};

}  // namespace doorward

// SPDX-License-Identifier: GPL-2.0-or-later
// What is asked and told of changes of rules over the control socket. Plain data.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "rules/address.hpp"

namespace doorward {

// A rule that was added, removed, enabled or disabled.
struct RuleChange {
    std::string name;
    std::string file;            // that was written; of a temporary rule: "(until restart)" or so
    std::uint64_t position = 0;  // in evaluation order from 1; of a removed rule: where it was
    std::uint64_t rules = 0;     // how many there are now
};

// The last change made by a command, which was taken back, or done again if that was what was done last.
struct Undone {
    std::string what;         // in words: "rule web removed"
    bool again = false;
    std::uint64_t rules = 0;  // how many there are now
};

// The TCP connection through which somebody works on this host. `local` is this host's end.
struct ControlSession {
    Address local;
    Address remote;
    std::uint16_t local_port = 0;
    std::uint16_t remote_port = 0;
};

struct ApplyRequest {
    std::string folder;
    std::optional<std::uint32_t> confirm_s;  // on trial for so long; none: at once and for good
    std::optional<ControlSession> session;
};

struct Applied {
    std::uint64_t rules = 0;
    std::uint64_t files = 0;          // of the rule folder, that have changed or, on trial, would
    std::optional<std::int64_t> until;  // seconds since the epoch: on trial
    bool cuts_session = false;        // the rules would not let the session pass
    std::optional<std::string> kept;  // the temporary rule that lets it pass
};

struct Reloaded {
    std::uint64_t rules = 0;
    std::uint64_t generation = 0;
};

}  // namespace doorward

// SPDX-License-Identifier: GPL-2.0-or-later
// Tells when processes end that temporary rules last with.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <string>

#include <systemd/sd-event.h>

#include "fwd/handle.hpp"
#include "fwd/temporary_rules.hpp"

namespace doorward {

// A pidfd of the process that `lifetime` names. Errors: there is none of that number, it has ended, it
// is a thread of another, it is not the one that was meant.
Result<Fd> open_process(const Lifetime& lifetime);

// Of the event loop's thread.
class ExitWatch {
public:
    // Is called from the event loop with the name of a rule, once; it may call follow().
    using Ended = std::function<void(const std::string& rule)>;

    ExitWatch(sd_event* event, Ended ended) : event_(event), ended_(std::move(ended)) {}

    // Watches what these rules ask for and nothing else. Errors: one of them can't be watched, the
    // others are.
    Result<void> follow(const TemporaryRules& rules);

    std::size_t watched() const { return watched_.size(); }

private:
    struct Watched {
        ExitWatch* self;
        std::string rule;
        std::shared_ptr<const Fd> process;
        CHandle<sd_event_source, sd_event_source_disable_unref> source{};
    };

    Result<std::unique_ptr<Watched>> watch(const TemporaryRules::Entry& entry);
    static int on_exit(sd_event_source*, int, std::uint32_t, void* watched);

    sd_event* event_;
    Ended ended_;
    std::map<std::string, std::unique_ptr<Watched>> watched_;  // by rule
};

}  // namespace doorward

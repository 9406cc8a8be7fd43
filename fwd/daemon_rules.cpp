// SPDX-License-Identifier: GPL-2.0-or-later
// The rules that the daemon runs by: how they come into force, by command and otherwise.
#include <ctime>
#include <utility>

#include <fmt/format.h>

#include "fwd/daemon.hpp"
#include "fwd/log.hpp"

namespace doorward {

// At the start. A change of files that was interrupted is taken back first.
Result<std::shared_ptr<const Ruleset>> Daemon::load_rules() {
    const auto recovered = store_.folder().recover();
    if (!recovered) return std::unexpected(recovered.error());
    if (*recovered)
        log_line(Severity::warning, fmt::format("this was interrupted, the rule files are as they were "
                                                "before: {}", **recovered));
    if (const std::string folder = store_.folder().take_trial_note(); !folder.empty())
        log_line(Severity::notice, fmt::format("the rules of {} were on trial and not confirmed: the former "
                                               "rules are in force", folder));
    return store_.load();
}

Result<void> Daemon::put_in_force(std::shared_ptr<const Ruleset> rules, Mode mode) {
    if (auto applied = guard_->apply(std::move(rules), mode); !applied) {
        log_line(Severity::error, applied.error().text());
        return applied;
    }
    packet_sockets_->set_mode(mode);
    return {};
}

// As they are on disk now.
Controlling<void> Daemon::put_loaded_in_force(std::shared_ptr<const Ruleset> rules) {
    const auto applied = put_in_force(std::move(rules), guard_->active()->mode);
    if (!applied) return control_fail(ControlFailure::Kind::failed, applied.error());
    rules_loaded_at_ = std::time(nullptr);
    reload_error_.reset();
    return {};
}

Controlling<RuleChange> Daemon::put_in_force(Controlling<RuleUpdate> update) {
    if (!update) return std::unexpected(update.error());
    (void)exits_->follow(store_.temporary());  // what is new was watched before; this takes away
    if (auto loaded = put_loaded_in_force(update->ruleset); !loaded)
        return std::unexpected(loaded.error());
    return update->change;
}

Controlling<RuleChange> Daemon::add_rule(const Rule& rule, bool first, const Lifetime& lifetime) {
    if (auto may = not_on_trial(); !may) return std::unexpected(may.error());
    std::shared_ptr<const Fd> process;
    if (lifetime.until == Lifetime::Until::exit) {
        auto opened = open_process(lifetime);
        if (!opened) return control_fail(ControlFailure::Kind::invalid_rule, opened.error());
        process = std::make_shared<const Fd>(std::move(*opened));
    }
    auto update = store_.add(rule, first, lifetime, std::move(process));
    if (!update) return std::unexpected(update.error());
    if (auto watched = exits_->follow(store_.temporary()); !watched) {
        store_.forget(rule.name);
        return control_fail(ControlFailure::Kind::failed, watched.error());
    }
    return put_in_force(std::move(update));
}

Controlling<RuleChange> Daemon::remove_rule(const std::string& name) {
    if (auto may = not_on_trial(); !may) return std::unexpected(may.error());
    return put_in_force(store_.remove(name));
}

Controlling<RuleChange> Daemon::set_rule_enabled(const std::string& name, bool enabled) {
    if (auto may = not_on_trial(); !may) return std::unexpected(may.error());
    return put_in_force(store_.set_enabled(name, enabled));
}

Controlling<Undone> Daemon::undo_change() {
    if (auto may = not_on_trial(); !may) return std::unexpected(may.error());
    auto update = store_.undo();
    if (!update) return std::unexpected(update.error());
    // A temporary rule may be there again.
    if (auto watched = exits_->follow(store_.temporary()); !watched) {
        (void)store_.undo();
        return control_fail(ControlFailure::Kind::failed, watched.error());
    }
    if (auto loaded = put_loaded_in_force(std::move(update->ruleset)); !loaded)
        return std::unexpected(loaded.error());
    log_line(Severity::notice, fmt::format("{}: {}", update->undone.again ? "done again" : "taken back",
                                           update->undone.what));
    return update->undone;
}

Controlling<Reloaded> Daemon::reload() {
    if (auto may = not_on_trial(); !may) {
        log_line(Severity::warning, "rules not reloaded: " + may.error().error.text());
        return std::unexpected(may.error());
    }
    auto loaded = store_.load();
    if (!loaded) {
        reload_error_ = loaded.error().text();
        log_line(Severity::error, fmt::format("rules not reloaded, the old ones run on: {}", *reload_error_));
        return control_fail(ControlFailure::Kind::reload_failed, loaded.error());
    }
    if (auto done = put_loaded_in_force(*loaded); !done) return std::unexpected(done.error());
    log_line(Severity::info, fmt::format("{} rules in force", (*loaded)->size()));
    look_at_rules_later();
    return Reloaded{(*loaded)->size(), guard_->generation()};
}

// The process is gone that this rule was to last with.
void Daemon::end_rule(const std::string& name) {
    const TemporaryRules::Entry* entry = store_.temporary().find(name);
    if (!entry) return;
    log_line(Severity::notice, fmt::format("rule {} removed: process {} has ended", name,
                                           entry->lifetime.pid));
    store_.forget(name);
    (void)exits_->follow(store_.temporary());  // only takes away
    drop_forgotten();
}

// Does not ask what the rule files say by now. What still goes wrong, a user who is gone or a list that
// can't be read, is tried again with each tick.
void Daemon::drop_forgotten() {
    const bool first_try = !std::exchange(forgotten_in_force_, true);
    auto rules = store_.without_forgotten(*guard_->active()->rules);
    if (!rules) {
        if (first_try)
            log_line(Severity::error, "a rule whose process has ended is still in force, until this is "
                                      "mended: " + rules.error().text());
        return;
    }
    if (*rules && !put_in_force(std::move(*rules), guard_->active()->mode)) return;
    forgotten_in_force_ = false;
}

}  // namespace doorward

// SPDX-License-Identifier: GPL-2.0-or-later
// Another folder's rules: at once, or on trial. A trial leaves the rule folder alone until it is confirmed,
// so that a daemon that is killed meanwhile starts with the former rules.
#include <algorithm>
#include <ctime>
#include <utility>

#include <fmt/format.h>

#include "fwd/daemon.hpp"
#include "fwd/log.hpp"

namespace doorward {
namespace {

using Kind = ControlFailure::Kind;

constexpr std::uint64_t second_us = 1'000'000;

// A rule has no source port: the session's, and all others from there to this port.
Rule session_rule(const ControlSession& session) {
    Rule rule;
    rule.name = "keep-session";
    rule.action = Action::accept;
    rule.comment = "keeps the session in which rules were applied";
    rule.add(Condition::direction, {"in"})
        .add(Condition::protocol, {"tcp"})
        .add(Condition::from, {session.remote.to_string()})
        .add(Condition::to, {session.local.to_string()})
        .add(Condition::port, {std::to_string(session.local_port)});
    return rule;
}

}  // namespace

Controlling<void> Daemon::not_on_trial() const {
    if (!trial_) return {};
    return control_fail(Kind::trial_pending,
                        {"the rules of " + trial_->candidate.folder + " are on trial",
                         "first confirm them with: doorward apply --confirmed, or go back with: doorward "
                         "apply --revert", {}});
}

// By the process that the session's flow was named by; if that isn't known, by none.
FlowQuestion Daemon::question_of(const ControlSession& session) {
    FlowQuestion question;
    question.direction = Direction::in;
    question.to = session.local.to_string();
    question.from = session.remote.to_string();
    question.port = session.local_port;
    const auto open = flows();
    const auto is_session = [&](const OpenFlow& flow) {
        return flow.direction == Direction::in && flow.protocol == Protocol::tcp &&
               flow.local == session.local && flow.remote == session.remote &&
               flow.local_port == session.local_port && flow.remote_port == session.remote_port;
    };
    const auto found = open ? std::ranges::find_if(*open, is_session) : std::vector<OpenFlow>::const_iterator{};
    if (!open || found == open->end() || found->exe.empty()) {
        question.unknown = unknown_name(Unknown::no_listener);
        return question;
    }
    question.app = found->exe;
    if (!found->user.empty()) question.user = found->user;
    return question;
}

bool Daemon::lets_pass(const Ruleset& rules, const ControlSession& session) {
    if (session.remote.is_loopback() && config_.loopback == PassPolicy::accept) return true;
    const auto told = explain(rules, question_of(session));
    return told && told->action == Action::accept;
}

// What the question leaves out (units, interfaces) may make the answer wrong, so that on trial the session
// is kept whatever the answer is.
Controlling<void> Daemon::keep_session(const ApplyRequest& request, Candidate& candidate,
                                       Applied& applied) {
    if (!request.session) return {};
    applied.cuts_session = !lets_pass(*candidate.ruleset, *request.session);
    if (!applied.cuts_session && !request.confirm_s) return {};
    auto kept = store_.keep_session(session_rule(*request.session), candidate);
    if (!kept) return std::unexpected(kept.error());
    applied.kept = std::move(*kept);
    return {};
}

Controlling<Applied> Daemon::apply(const ApplyRequest& request) {
    if (auto may = not_on_trial(); !may) return std::unexpected(may.error());
    auto candidate = store_.read_candidate(request.folder);
    if (!candidate) return std::unexpected(candidate.error());
    Applied applied;
    if (auto kept = keep_session(request, *candidate, applied); !kept)
        return std::unexpected(kept.error());
    applied.rules = candidate->ruleset->size();
    Controlling<void> done = {};
    if (request.confirm_s) {
        applied.files = store_.files_changed_by(*candidate);
        applied.until = std::time(nullptr) + *request.confirm_s;
        done = begin_trial(std::move(*candidate), applied, *request.confirm_s);
    } else if (auto update = store_.apply(*candidate)) {
        applied.files = update->files;
        done = put_loaded_in_force(std::move(update->ruleset));
        log_line(Severity::notice, fmt::format("rules of {} applied", request.folder));
        look_at_rules_later();
    } else {
        done = std::unexpected(update.error());
    }
    if (done) return applied;
    if (applied.kept && !trial_) store_.forget(*applied.kept);
    return std::unexpected(done.error());
}

Controlling<void> Daemon::begin_trial(Candidate candidate, const Applied& told,
                                      std::uint32_t seconds) {
    Trial trial{std::move(candidate), guard_->active()->rules, told, {}};
    sd_event_source* deadline = nullptr;
    // Goes on while the machine sleeps.
    const int error = sd_event_add_time_relative(event_.get(), &deadline, CLOCK_BOOTTIME,
                                                 seconds * second_us, second_us / 10, on_trial_over,
                                                 this);
    if (error < 0)
        return control_fail(Kind::failed, sys_fail("set a timer for the trial", -error).error());
    trial.deadline.reset(deadline);
    if (auto noted = store_.folder().note_trial(trial.candidate.folder); !noted)
        return control_fail(Kind::failed, noted.error());
    const auto applied = put_in_force(trial.candidate.ruleset, guard_->active()->mode);
    if (!applied) {
        store_.folder().take_trial_note();
        return control_fail(Kind::failed, applied.error());
    }
    log_line(Severity::notice, fmt::format("rules of {} on trial for {} s", trial.candidate.folder, seconds));
    trial_ = std::move(trial);
    return {};
}

Controlling<Applied> Daemon::confirm() {
    if (!trial_)
        return control_fail(Kind::nothing_pending, {"no rules are on trial", {}, {}});
    Applied applied = trial_->told;
    // What would be cut is kept on.
    const std::string without = applied.cuts_session ? "" : applied.kept.value_or("");
    auto update = store_.apply(trial_->candidate, without);
    if (!update) return std::unexpected(update.error());
    if (!without.empty()) applied.kept.reset();
    applied.until.reset();
    applied.files = update->files;
    applied.rules = update->ruleset->size();
    log_line(Severity::notice, fmt::format("rules of {} confirmed", trial_->candidate.folder));
    trial_.reset();
    store_.folder().take_trial_note();
    if (auto done = put_loaded_in_force(std::move(update->ruleset)); !done)
        return std::unexpected(done.error());
    look_at_rules_later();
    return applied;
}

// Back to what was in force before, whatever is on disk by now; but for rules whose process has ended
// meanwhile.
Result<void> Daemon::end_trial() {
    Trial trial = std::move(*trial_);
    trial_.reset();
    store_.folder().take_trial_note();
    if (trial.told.kept) store_.forget(*trial.told.kept);
    std::shared_ptr<const Ruleset> rules = trial.before;
    auto without = store_.without_forgotten(*rules);
    forgotten_in_force_ = !without;
    if (without && *without) rules = std::move(*without);
    return put_in_force(std::move(rules), guard_->active()->mode);
}

Controlling<Reloaded> Daemon::revert() {
    if (!trial_)
        return control_fail(Kind::nothing_pending, {"no rules are on trial", {}, {}});
    log_line(Severity::notice, fmt::format("rules of {} given up: the former ones are in force again",
                                           trial_->candidate.folder));
    if (auto ended = end_trial(); !ended) return control_fail(Kind::failed, ended.error());
    return Reloaded{guard_->active()->rules->size(), guard_->generation()};
}

int Daemon::on_trial_over(sd_event_source*, std::uint64_t, void* self) {
    auto* daemon = static_cast<Daemon*>(self);
    log_line(Severity::warning, fmt::format("rules of {} not confirmed in time: the former ones are in force "
                                            "again", daemon->trial_->candidate.folder));
    (void)daemon->end_trial();  // an error is logged by put_in_force()
    return 0;
}

}  // namespace doorward

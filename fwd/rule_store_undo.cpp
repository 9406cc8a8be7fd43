// SPDX-License-Identifier: GPL-2.0-or-later
// RuleStore: taking the last change back.
#include "fwd/rule_store.hpp"

namespace doorward {

using Kind = ControlFailure::Kind;

Controlling<UndoUpdate> RuleStore::undo() {
    if (temporary_step_) return undo_temporary();
    const auto step = folder_.last_step();
    if (!step) return control_fail(Kind::failed, step.error());
    if (!*step)
        return control_fail(Kind::nothing_to_undo,
                            {"no command has changed the rules that could be taken back", {}, {}});
    const auto now = folder_.read();
    if (!now) return control_fail(Kind::reload_failed, now.error());
    const auto changes = backwards(**step, *now, folder_.path());
    if (!changes) return control_fail(Kind::failed, changes.error());
    const bool again = (*step)->taken_back;
    auto ruleset = write(with_changes(*now, *changes, folder_.path()), *changes, (*step)->what, !again);
    if (!ruleset) return std::unexpected(ruleset.error());
    const std::uint64_t rules = (*ruleset)->size();
    return UndoUpdate{std::move(*ruleset), {(*step)->what, again, rules}};
}

Controlling<UndoUpdate> RuleStore::undo_temporary() {
    const auto files = folder_.read();
    if (!files) return control_fail(Kind::reload_failed, files.error());
    const auto packs = cache_.parse(*files);
    if (!packs) return control_fail(Kind::reload_failed, packs.error());
    auto ruleset = compile(*packs, temporary_step_->other);
    if (!ruleset) return control_fail(Kind::reload_failed, ruleset.error());
    std::swap(temporary_, temporary_step_->other);
    const bool again = std::exchange(temporary_step_->taken_back, !temporary_step_->taken_back);
    const std::uint64_t rules = (*ruleset)->size();
    return UndoUpdate{std::move(*ruleset), {temporary_step_->what, again, rules}};
}

bool RuleStore::forget(std::string_view name) {
    if (temporary_step_ && temporary_step_->rule == name) temporary_step_.reset();
    if (temporary_step_) temporary_step_->other.remove(name);
    return temporary_.remove(name);
}

}  // namespace doorward

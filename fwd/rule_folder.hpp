// SPDX-License-Identifier: GPL-2.0-or-later
// The rule folder on disk. A change of it happens whole or, after a crash, not at all, and the last one
// can be taken back.
#pragma once

#include "fwd/rule_step.hpp"

namespace doorward {

// Of one thread. Before a change, what it takes to go back is written to `rules.pending` in the folder of
// state; when all files are in their places, that becomes `rules.undo`. Whoever finds `rules.pending`
// goes back.
class RuleFolder {
public:
    // `state`: a folder that only root can write to; empty: changes leave no step to take back.
    RuleFolder(std::string path, Trust trust, std::string state)
        : path_(std::move(path)), trust_(trust), state_(std::move(state)) {}

    const std::string& path() const { return path_; }
    Trust trust() const { return trust_; }
    Result<std::vector<RuleFile>> read() const { return read_rule_files(path_, trust_); }

    // `what` and `taken_back`: see RuleStep. On an error the files are as they were, unless that says
    // otherwise. Without changes, nothing is done.
    Result<void> change(const std::vector<FileChange>& changes, std::string what, bool taken_back);

    // The step that stands to be taken back. None: there is none.
    Result<std::optional<RuleStep>> last_step() const;

    // Before the first read(): goes back if a change was interrupted, and says which.
    Result<std::optional<std::string>> recover();

    // A note that outlives this process, until it is taken: what was on trial.
    Result<void> note_trial(const std::string& text);
    std::string take_trial_note();  // empty: there is none

private:
    Result<void> put(const std::string& name, const std::optional<RuleFile>& file) const;
    Result<void> put_back(const RuleStep& step) const;
    Result<std::optional<RuleStep>> read_step(const std::string& path) const;
    std::string pending() const { return state_ + "/rules.pending"; }
    std::string undo() const { return state_ + "/rules.undo"; }
    std::string trial() const { return state_ + "/rules.trial"; }

    std::string path_;
    Trust trust_;
    std::string state_;
};

}  // namespace doorward

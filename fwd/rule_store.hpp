// SPDX-License-Identifier: GPL-2.0-or-later
// The folder of rule files that the daemon runs by: loads it, and changes it by command.
#pragma once

#include <memory>
#include <string>

#include "fwd/control_types.hpp"
#include "fwd/rule_cache.hpp"
#include "fwd/rule_folder.hpp"
#include "fwd/temporary_rules.hpp"

namespace doorward {

// A change that is on disk, or in memory, already, and the ruleset to run from now on.
struct RuleUpdate {
    std::shared_ptr<const Ruleset> ruleset;
    RuleChange change;
};

struct UndoUpdate {
    std::shared_ptr<const Ruleset> ruleset;
    Undone undone;
};

struct ApplyUpdate {
    std::shared_ptr<const Ruleset> ruleset;
    std::uint64_t files = 0;  // that have changed
};

// Rules of another folder, as they were read: what becomes of its files meanwhile changes nothing.
struct Candidate {
    std::string folder;
    std::vector<RuleFile> files;
    Ruleset::Packs packs;  // one for each file
    std::shared_ptr<const Ruleset> ruleset;  // of these and the temporary rules
};

// Of one thread. Every change is made on the text of one file in memory; the whole folder is compiled with it, and
// only if that succeeds is the file replaced at once. On any error the disk is as it was. A file
// that was edited by hand since the last load takes effect with the change, as by a reload.
// Temporary rules are changed in memory only; all else is the same for them.
class RuleStore {
public:
    // Names within the folder: rules added first go to the top of one, rules added last to the end
    // of the other. No file name ever comes from a request.
    static constexpr std::string_view first_file = "00-command.yaml";
    static constexpr std::string_view last_file = "zz-command.yaml";

    // `cache_file`: where what was read is kept for the next start; empty: nowhere. `state`: see
    // RuleFolder.
    RuleStore(std::string folder, Defaults defaults, Environment environment, Trust trust,
              std::string cache_file = {}, std::string state = {})
        : folder_(std::move(folder), trust, std::move(state)), defaults_(defaults),
          environment_(std::move(environment)), cache_(std::move(cache_file)) {}

    // See RuleFolder: before the first load().
    RuleFolder& folder() { return folder_; }

    // Keeps what was read for the next start. Best called when it is in force.
    Result<void> save_cache() { return cache_.save(); }

    Result<std::shared_ptr<const Ruleset>> load();

    // `lifetime` says whether it is temporary; `process`: a pidfd, of one that lasts with a process.
    Controlling<RuleUpdate> add(const Rule& rule, bool first, const Lifetime& lifetime = {},
                                std::shared_ptr<const Fd> process = nullptr);
    Controlling<RuleUpdate> remove(const std::string& name);
    Controlling<RuleUpdate> set_enabled(const std::string& name, bool enabled);

    // Takes back the last of these changes, or does again what was taken back last.
    Controlling<UndoUpdate> undo();

    // Reads another folder, under the conditions for the rule folder. Nothing changes.
    Controlling<Candidate> read_candidate(const std::string& folder) const;
    // How many files that would change; 0 too if the rule folder can't be read.
    std::uint64_t files_changed_by(const Candidate& candidate) const;
    // Makes it the rule folder's files, all at once. `without`: a temporary rule that goes.
    Controlling<ApplyUpdate> apply(const Candidate& candidate, std::string_view without = {});
    // Adds a temporary rule before all others, also to the candidate, and says what it is called: it may
    // get a number behind its name.
    Controlling<std::string> keep_session(Rule rule, Candidate& candidate);

    const TemporaryRules& temporary() const { return temporary_; }
    // Forgets a temporary rule without a look at the disk; false: there is none of that name.
    bool forget(std::string_view name);
    // These rules, which are in force, without temporary ones that were forgotten: nothing else
    // changes, whatever is on disk by now. Null: there are none of those among them.
    Result<std::shared_ptr<const Ruleset>> without_forgotten(const Ruleset& in_force) const;

private:
    struct Contents;

    // The last change, if it was one of a temporary rule.
    struct TemporaryStep {
        TemporaryRules other;  // before it or, if it was taken back, behind it
        std::string rule;
        std::string what;
        bool taken_back = false;
    };

    Controlling<Contents> read();
    Controlling<RuleUpdate> add_temporary(const Contents& contents, const Rule& rule, bool first,
                                          const Lifetime& lifetime,
                                          std::shared_ptr<const Fd> process);
    Controlling<RuleUpdate> commit(std::vector<RuleFile> files, FileChange file, RuleChange change,
                                   std::string what);
    Controlling<RuleUpdate> commit(const Contents& contents, TemporaryRules temporary,
                                   RuleChange change, std::string what);
    Controlling<std::shared_ptr<const Ruleset>> write(const std::vector<RuleFile>& files,
                                                      const std::vector<FileChange>& changes,
                                                      std::string what, bool taken_back);
    Controlling<UndoUpdate> undo_temporary();
    Result<std::shared_ptr<const Ruleset>> compile(const Ruleset::Packs& files,
                                                   const TemporaryRules& temporary) const;

    RuleFolder folder_;
    Defaults defaults_;
    Environment environment_;
    RuleCache cache_;
    TemporaryRules temporary_;
    std::optional<TemporaryStep> temporary_step_;
};

}  // namespace doorward

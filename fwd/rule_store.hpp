// SPDX-License-Identifier: GPL-2.0-or-later
// The folder of rule files that the daemon runs by: loads it, and changes it by command.
#pragma once

#include <memory>
#include <string>

#include "fwd/control_types.hpp"
#include "fwd/rule_files.hpp"

namespace doorward {

// A change that is on disk already, and the ruleset to run from now on.
struct RuleUpdate {
    std::shared_ptr<const Ruleset> ruleset;
    RuleChange change;
};

// Every change is made on the text of one file in memory; the whole folder is compiled with it, and
// only if that succeeds is the file replaced at once. On any error the disk is as it was. A file
// that was edited by hand since the last load takes effect with the change, as by a reload.
class RuleStore {
public:
    // Names within the folder: rules added first go to the top of one, rules added last to the end
    // of the other. No file name ever comes from a request.
    static constexpr std::string_view first_file = "00-command.yaml";
    static constexpr std::string_view last_file = "zz-command.yaml";

    RuleStore(std::string folder, Defaults defaults, Environment environment, Trust trust)
        : folder_(std::move(folder)), defaults_(defaults), environment_(std::move(environment)),
          trust_(trust) {}

    Result<std::shared_ptr<const Ruleset>> load() const;

    Controlling<RuleUpdate> add(const Rule& rule, bool first) const;
    Controlling<RuleUpdate> remove(const std::string& name) const;
    Controlling<RuleUpdate> set_enabled(const std::string& name, bool enabled) const;

private:
    struct Contents;

    Controlling<Contents> read() const;
    Controlling<RuleUpdate> commit(std::vector<RuleFile> files, std::size_t changed,
                                   RuleChange change) const;
    Result<void> write(const RuleFile& file) const;

    std::string folder_;
    Defaults defaults_;
    Environment environment_;
    Trust trust_;
};

}  // namespace doorward

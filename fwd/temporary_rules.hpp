// SPDX-License-Identifier: GPL-2.0-or-later
// Rules that are in memory only: until the daemon ends, or until a process does. A value: changes are
// made to a copy, which replaces the original once it has compiled.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "fwd/handle.hpp"
#include "fwd/rule_lifetime.hpp"
#include "rules/ruleset.hpp"

namespace doorward {

class TemporaryRules {
public:
    static constexpr std::size_t most = 256;

    struct Entry {
        Rule rule;
        Lifetime lifetime;
        std::shared_ptr<const Fd> process;  // pidfd of the process that it lasts with; else null
        bool first = true;                  // before all files, or behind them
        std::shared_ptr<const RulePack> pack;  // of this rule alone; its file is place_name()
    };

    // In the order of evaluation, files left aside.
    const std::vector<Entry>& entries() const { return entries_; }
    std::size_t size() const { return entries_.size(); }
    const Entry* find(std::string_view name) const;  // valid until the next change

    // The newest of those before the files is the first of all, that of those behind them the last.
    // False: there are as many as there may be. The name must not be taken.
    bool add(const Rule& rule, bool first, const Lifetime& lifetime,
             std::shared_ptr<const Fd> process);
    bool remove(std::string_view name);  // false: there is none of that name; so too the next
    bool set_enabled(std::string_view name, bool enabled);

    // The packs of files, with these before and behind them.
    Ruleset::Packs around(const Ruleset::Packs& files) const;
    // Where the rule of that name is then, from 1, if all files have `rules` together.
    std::uint64_t position(std::string_view name, std::size_t rules) const;
    std::size_t before() const;  // how many are before the files

    // What stands where a file's name would: "(until restart)", "(until PID 123 ends)". No file that is
    // read has such a name: those have the path of their folder in front.
    static std::string place_name(const Lifetime& lifetime);
    static bool is_temporary(const RulePack& pack);

private:
    std::vector<Entry> entries_;
};

}  // namespace doorward

// SPDX-License-Identifier: GPL-2.0-or-later
// Folders of lists that OpenSnitch's rules name → sets made of the same files. Used by
// opensnitch_operators.cpp and import_opensnitch.cpp only.
#pragma once

#include <map>
#include <string>
#include <utility>
#include <vector>

#include "rules/imported.hpp"

namespace doorward {

class OpenSnitchLists {
public:
    explicit OpenSnitchLists(const ImportEnvironment& environment) : environment_(environment) {}

    // "set:NAME" for a folder, the same one each time. Only for lists that both programs read alike:
    // an error names the first thing that would be read differently.
    Result<std::string> set_of(SetKind kind, bool networks, const std::string& folder);

    const std::vector<SetDefinition>& sets() const { return sets_; }

private:
    Result<std::string> make(SetKind kind, bool networks, const std::string& folder);

    const ImportEnvironment& environment_;
    std::map<std::pair<std::string, int>, Result<std::string>> known_{};
    std::vector<SetDefinition> sets_{};
    UniqueNames names_{};
};

// How many entries OpenSnitch takes from a list of names, addresses or networks; an error where ours
// would take others.
Result<std::size_t> entries_read_alike(const ImportFile& file, SetKind kind, bool networks);

}  // namespace doorward

// SPDX-License-Identifier: GPL-2.0-or-later
// Rules of OpenSnitch → ours, deciding alike.
//
// OpenSnitch tries its rules in the order of their names. One that denies or rejects, or has precedence,
// ends the search; of the others, which allow, the last that matches counts. So those that end the
// search come first here, in the order of their names, and the others after them, last name first: the
// first match wins, and it is the same.
//
// A rule is carried whole or not at all, and never wider than it was.
#pragma once

#include <vector>

#include "rules/imported.hpp"

namespace doorward {

struct OpenSnitchOptions {
    // Where OpenSnitch ignores the case of letters in paths and names of interfaces, as it does by
    // default, rules that deny do too. Those that allow name them as they are written, which is easier
    // to read, and narrower; with this they ignore it as well.
    bool any_case = false;
    // Regular expressions on host names that are open at the end, "^(|.*\.)example\.org", as its own
    // dialogs write them for *.example.org: take them for closed. Rules become narrower by it.
    bool as_meant = false;
};

Imported import_opensnitch(const std::vector<ImportFile>& files, const ImportEnvironment& environment,
                           const OpenSnitchOptions& options = {});

}  // namespace doorward

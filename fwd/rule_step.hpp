// SPDX-License-Identifier: GPL-2.0-or-later
// One change of rule files that a command made, with what it takes to go back. Pure: values in, values
// out.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "fwd/rule_files.hpp"
#include "rules/content.hpp"

namespace doorward {

// A file of the rule folder that becomes another. None: it isn't there.
struct FileChange {
    std::string name;  // within the folder
    std::optional<RuleFile> before{};
    std::optional<RuleFile> after{};
};

// What makes `after` of `before`, both whole folders, by the names of the files. What is the same has no
// part in it.
std::vector<FileChange> changes_between(const std::vector<RuleFile>& before,
                                        const std::vector<RuleFile>& after);

// `files` with the changes made; what the changes say of `before` is not looked at. In byte order of the
// names, with `folder` in front.
std::vector<RuleFile> with_changes(std::vector<RuleFile> files,
                                   const std::vector<FileChange>& changes,
                                   const std::string& folder);

struct RuleStep {
    struct File {
        std::string name;
        std::optional<RuleFile> before;  // its path is the name
        std::optional<Sha256> after;     // of the text
    };
    std::string what;         // in words: "rule web removed"
    bool taken_back = false;  // the step was to take that back: taking back the step does it again
    std::vector<File> files;
};

RuleStep step_of(std::string what, bool taken_back, const std::vector<FileChange>& changes);

// What takes the step back. Errors: a file is not any more as the step has left it.
Result<std::vector<FileChange>> backwards(const RuleStep& step, const std::vector<RuleFile>& now,
                                          const std::string& folder);

// The form on disk: a digest and, behind it, what it is of. None: this is not ours, or not whole.
std::string encode_step(const RuleStep& step);
std::optional<RuleStep> decode_step(std::string_view bytes);
// The same without the digest.
std::optional<RuleStep> decode_step_body(std::string_view body);

}  // namespace doorward

// SPDX-License-Identifier: GPL-2.0-or-later
#include "fwd/rule_folder.hpp"

#include <cstdio>

#include <sys/stat.h>
#include <unistd.h>

#include "fwd/handle.hpp"
#include "fwd/replace_file.hpp"

namespace doorward {
namespace {

// All files of a folder may be in it.
constexpr std::size_t longest_step = RuleFileLimits{}.total_bytes + (std::size_t{16} << 20);

bool exists(const std::string& path) {
    struct stat info{};
    return ::lstat(path.c_str(), &info) == 0;
}

}  // namespace

Result<void> RuleFolder::put(const std::string& name, const std::optional<RuleFile>& file) const {
    if (file) return replace_file(path_, name, file->text, {file->mode, file->owner, file->group});
    if (::unlink((path_ + "/" + name).c_str()) == 0 || errno == ENOENT) return {};
    return sys_fail("remove " + path_ + "/" + name);
}

Result<void> RuleFolder::put_back(const RuleStep& step) const {
    for (const RuleStep::File& file : step.files)
        if (auto done = put(file.name, file.before); !done) return done;
    return {};
}

Result<void> RuleFolder::change(const std::vector<FileChange>& changes, std::string what,
                                bool taken_back) {
    if (changes.empty()) return {};
    const RuleStep step = step_of(std::move(what), taken_back, changes);
    if (!state_.empty())
        if (auto noted = replace_file(state_, "rules.pending", encode_step(step),
                                      {0600, ::geteuid(), ::getegid()});
            !noted)
            return noted;
    for (const FileChange& change : changes) {
        auto done = put(change.name, change.after);
        if (done) continue;
        if (auto back = put_back(step); !back) {
            // The next start tries once more.
            done.error().what += ", and going back: " + back.error().what;
            return done;
        }
        if (!state_.empty()) ::unlink(pending().c_str());
        return done;
    }
    if (state_.empty()) return {};
    // What was removed must be gone for good before nobody would put it back any more.
    sync_folder(path_);
    if (::rename(pending().c_str(), undo().c_str()) != 0) return sys_fail("rename " + pending());
    sync_folder(state_);
    return {};
}

Result<std::optional<RuleStep>> RuleFolder::read_step(const std::string& path) const {
    if (state_.empty() || !exists(path)) return std::nullopt;
    const auto file = read_rule_file(path, trust_, longest_step);
    if (!file) return std::unexpected(file.error());
    auto step = decode_step(file->text);
    if (!step)
        return fail(path + " is damaged, or of another version",
                    "look whether the rule files are as they should be, then remove it");
    return step;
}

Result<std::optional<RuleStep>> RuleFolder::last_step() const { return read_step(undo()); }

Result<std::optional<std::string>> RuleFolder::recover() {
    const auto step = read_step(pending());
    if (!step) return std::unexpected(step.error());
    if (!*step) return std::nullopt;
    if (auto back = put_back(**step); !back) return std::unexpected(back.error());
    if (::unlink(pending().c_str()) != 0) return sys_fail("remove " + pending());
    return (*step)->what;
}

Result<void> RuleFolder::note_trial(const std::string& text) {
    if (state_.empty()) return {};
    return replace_file(state_, "rules.trial", text, {0600, ::geteuid(), ::getegid()});
}

std::string RuleFolder::take_trial_note() {
    if (state_.empty() || !exists(trial())) return {};
    const auto file = read_rule_file(trial(), trust_, 65536);
    ::unlink(trial().c_str());
    return file ? file->text : "a folder that is not known any more";
}

}  // namespace doorward

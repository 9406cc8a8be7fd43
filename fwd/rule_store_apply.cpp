// SPDX-License-Identifier: GPL-2.0-or-later
// RuleStore: another folder's rules in place of those that are there.
#include <algorithm>
#include <cerrno>

#include <fmt/format.h>
#include <sys/stat.h>

#include "fwd/rule_store.hpp"

namespace doorward {
namespace {

using Kind = ControlFailure::Kind;

constexpr int most_names = 100;

bool same_place(const std::string& a, const std::string& b) {
    struct stat first{};
    struct stat second{};
    return ::stat(a.c_str(), &first) == 0 && ::stat(b.c_str(), &second) == 0 &&
           first.st_dev == second.st_dev && first.st_ino == second.st_ino;
}

std::string file_name(const std::string& path) { return path.substr(path.rfind('/') + 1); }

// The candidate's texts at the paths of the rule folder. A file that is there keeps its owner and mode.
std::vector<RuleFile> put_into(const std::string& folder, const std::vector<RuleFile>& candidate,
                               const std::vector<RuleFile>& there) {
    std::vector<RuleFile> files;
    for (const RuleFile& from : candidate) {
        const std::string path = folder + "/" + file_name(from.path);
        const auto old = std::ranges::find(there, path, &RuleFile::path);
        files.push_back(old == there.end()
                            ? RuleFile{path, from.text, 0644, ::geteuid(), ::getegid()}
                            : RuleFile{path, from.text, old->mode, old->owner, old->group});
    }
    return files;
}

}  // namespace

Controlling<Candidate> RuleStore::read_candidate(const std::string& folder) const {
    if (!folder.starts_with('/'))
        return control_fail(Kind::invalid_rule, {folder + " is no whole path", {}, {}});
    if (same_place(folder, folder_.path()))
        return control_fail(Kind::invalid_rule,
                            {folder + " is the rule folder itself",
                             "copy it, change the copy and apply that", {}});
    if (struct stat info{}; ::stat(folder.c_str(), &info) != 0 && errno == ENOENT)
        return control_fail(Kind::candidate_refused,
                            {"doorwardd sees no folder " + folder,
                             "put it where the daemon can see it, as below /etc/doorward", {}});
    Candidate candidate{folder, {}, {}, nullptr};
    auto files = read_rule_files(folder, folder_.trust());
    if (!files) return control_fail(Kind::candidate_refused, files.error());
    candidate.files = std::move(*files);
    if (candidate.files.empty())
        return control_fail(Kind::candidate_refused,
                            {folder + " has no rule files",
                             "an empty one, as none.yaml, is enough to apply no rules at all", {}});
    auto packs = RuleCache().parse(candidate.files);
    if (!packs) return control_fail(Kind::candidate_refused, packs.error());
    candidate.packs = std::move(*packs);
    auto ruleset = compile(candidate.packs, temporary_);
    if (!ruleset) return control_fail(Kind::candidate_refused, ruleset.error());
    candidate.ruleset = std::move(*ruleset);
    return candidate;
}

Controlling<std::string> RuleStore::keep_session(Rule rule, Candidate& candidate) {
    const std::string base = rule.name;
    const auto taken = [&] {
        return temporary_.find(rule.name) || candidate.ruleset->find(rule.name);
    };
    for (int number = 2; taken() && number <= most_names; ++number)
        rule.name = fmt::format("{}-{}", base, number);
    TemporaryRules changed = temporary_;
    if (taken() || !changed.add(rule, true, {Lifetime::Until::restart}, nullptr))
        return control_fail(Kind::failed, {"there is no room for a rule that keeps the session",
                                           "remove temporary rules", {}});
    auto ruleset = compile(candidate.packs, changed);
    if (!ruleset) return control_fail(Kind::candidate_refused, ruleset.error());
    candidate.ruleset = std::move(*ruleset);
    temporary_ = std::move(changed);
    return rule.name;
}

std::uint64_t RuleStore::files_changed_by(const Candidate& candidate) const {
    const auto there = folder_.read();
    if (!there) return 0;
    return changes_between(*there, put_into(folder_.path(), candidate.files, *there)).size();
}

Controlling<ApplyUpdate> RuleStore::apply(const Candidate& candidate, std::string_view without) {
    const auto there = folder_.read();
    if (!there) return control_fail(Kind::failed, there.error());
    const auto files = put_into(folder_.path(), candidate.files, *there);
    const auto changes = changes_between(*there, files);
    TemporaryRules before = temporary_;
    temporary_.remove(without);
    auto ruleset = write(files, changes, "folder " + candidate.folder + " applied", false);
    if (ruleset) return ApplyUpdate{std::move(*ruleset), changes.size()};
    temporary_ = std::move(before);
    if (ruleset.error().kind == Kind::reload_failed)
        ruleset.error().kind = Kind::candidate_refused;
    return std::unexpected(ruleset.error());
}

}  // namespace doorward

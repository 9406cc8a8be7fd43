// SPDX-License-Identifier: GPL-2.0-or-later
#include "fwd/rule_store.hpp"

#include <algorithm>
#include <unordered_set>

#include <fmt/format.h>

#include "rules/rule_edit.hpp"
#include "rules/yaml_rules.hpp"

namespace doorward {
namespace {

using Kind = ControlFailure::Kind;

constexpr std::string_view new_file_head =
    "# Rules added with the doorward command. May be edited by hand.\n"
    "rules:\n";

std::string indented(const std::string& lines, std::size_t spaces) {
    std::string out;
    for (std::size_t at = 0; at < lines.size();) {
        const std::size_t end = std::min(lines.find('\n', at), lines.size() - 1) + 1;
        out.append(spaces, ' ').append(lines, at, end - at);
        at = end;
    }
    return out;
}

// The counterpart of insert_first(), for a file whose rules are its last key.
Result<std::string> append_last(const std::string& text, const Rule& rule,
                                const std::string& file_name) {
    const auto pack = parse_rule_pack(text, file_name);
    if (!pack) return std::unexpected(pack.error());
    if ((*pack)->size() == 0) return insert_first(text, rule, file_name);
    // The place is that of the first key, behind "- ".
    const int dash = std::max((*pack)->first_item().column - 3, 0);
    std::string longer = text + (text.ends_with('\n') ? "" : "\n");
    longer += indented(format_rule(rule), static_cast<std::size_t>(dash));
    auto rules = (*pack)->rules();
    rules.push_back(rule);
    const auto read_again = parse_rules(longer, file_name);
    if (!read_again || !same_rules(*read_again, rules))
        return fail("can't append a rule without touching the rest of the file",
                    "write it there by hand", {file_name, 0, 0});
    return longer;
}

// The rule alone, by the rules of a rule file: what is wrong then is the rule's own fault.
Result<Rule> read_alone(const Rule& rule) {
    auto parsed = parse_rules("rules:\n" + format_rule(rule), "rule");
    if (parsed) return std::move(parsed->front());
    return fail(parsed.error().what, parsed.error().remedy);
}

std::unexpected<ControlFailure> no_such_rule(const std::string& name) {
    return control_fail(Kind::rule_not_found, {"there is no rule \"" + name + "\"",
                                               "see the names with: doorward rules list", {}});
}

std::unexpected<ControlFailure> name_is_taken(const std::string& name, const Place& where) {
    return control_fail(Kind::rule_exists, {"there is a rule \"" + name + "\" already",
                                            "choose another name, or remove that rule first", where});
}

// A file that was written by hand may use the name of a temporary rule.
Result<void> names_are_free(const Ruleset::Packs& files, const TemporaryRules& temporary) {
    std::unordered_set<std::string_view> names;
    for (const auto& entry : temporary.entries()) names.insert(entry.rule.name);
    if (names.empty()) return {};
    for (const auto& pack : files)
        for (std::size_t at = 0; at < pack->size(); ++at)
            if (const auto name = pack->text(pack->packed(at).name); names.contains(name))
                return fail(fmt::format("rule name \"{}\" is taken by a temporary rule", name),
                            "give it another name, or: doorward rules remove " + std::string(name),
                            pack->place(pack->packed(at)));
    return {};
}

// An error in a file that was sound before is the fault of the rule that was put there.
Controlling<RuleUpdate> blame_rule(Controlling<RuleUpdate> update, const std::string& place) {
    if (update || update.error().kind != Kind::reload_failed ||
        update.error().error.place.file != place)
        return update;
    return control_fail(Kind::invalid_rule,
                        {update.error().error.what, update.error().error.remedy, {}});
}

std::string file_name(const std::string& path) { return path.substr(path.rfind('/') + 1); }

RuleUpdate update_of(std::shared_ptr<const Ruleset> ruleset, RuleChange change) {
    change.rules = ruleset->size();
    if (const auto position = ruleset->find(change.name)) change.position = *position + 1;
    return {std::move(ruleset), std::move(change)};
}

}  // namespace

struct RuleStore::Contents {
    std::vector<RuleFile> files;
    Ruleset::Packs packs;  // one for each file

    std::size_t rules() const {
        std::size_t count = 0;
        for (const auto& pack : packs) count += pack->size();
        return count;
    }

    // Where a rule stands; none: there is no such rule.
    struct Found {
        std::size_t file;
        Place place;
        std::uint64_t position;  // in evaluation order, from 1, temporary rules left aside
    };
    std::optional<Found> find(const std::string& name) const {
        std::uint64_t position = 0;
        for (std::size_t file = 0; file < packs.size(); ++file)
            for (std::size_t at = 0; at < packs[file]->size(); ++at) {
                ++position;
                const RulePack::PackedRule& rule = packs[file]->packed(at);
                if (packs[file]->text(rule.name) == name)
                    return Found{file, packs[file]->place(rule), position};
            }
        return std::nullopt;
    }
    // The file of this path, made in memory at its place in the order if it isn't there yet, and what
    // is on disk of it.
    std::pair<std::size_t, FileChange> file_at(const std::string& path) {
        const auto at = std::ranges::lower_bound(files, path, {}, &RuleFile::path);
        const auto index = static_cast<std::size_t>(at - files.begin());
        if (at != files.end() && at->path == path) return {index, change_of(index)};
        files.insert(at, {path, std::string(new_file_head), 0644, ::geteuid(), ::getegid()});
        return {index, {file_name(path), {}, {}}};
    }
    FileChange change_of(std::size_t file) const {
        return {file_name(files[file].path), files[file], {}};
    }
};

Result<std::shared_ptr<const Ruleset>> RuleStore::load() {
    const auto files = folder_.read();
    if (!files) return std::unexpected(files.error());
    auto packs = cache_.parse(*files);
    if (!packs) return std::unexpected(packs.error());
    return compile(*packs, temporary_);
}

Controlling<RuleStore::Contents> RuleStore::read() {
    auto files = folder_.read();
    if (!files) return control_fail(Kind::reload_failed, files.error());
    auto packs = cache_.parse(*files);
    if (!packs) return control_fail(Kind::reload_failed, packs.error());
    return Contents{std::move(*files), std::move(*packs)};
}

Controlling<RuleUpdate> RuleStore::add(const Rule& rule, bool first, const Lifetime& lifetime,
                                       std::shared_ptr<const Fd> process) {
    const auto sound = read_alone(rule);
    if (!sound) return control_fail(Kind::invalid_rule, sound.error());
    auto contents = read();
    if (!contents) return std::unexpected(contents.error());
    if (const auto other = contents->find(rule.name)) return name_is_taken(rule.name, other->place);
    if (const auto* other = temporary_.find(rule.name))
        return name_is_taken(rule.name, {other->pack->file(), 0, 0});
    if (lifetime.temporary())
        return add_temporary(*contents, *sound, first, lifetime, std::move(process));
    const std::string path = folder_.path() + "/" + std::string(first ? first_file : last_file);
    auto [at, change] = contents->file_at(path);
    RuleFile& file = contents->files[at];
    auto text = first ? insert_first(file.text, rule, file.path)
                      : append_last(file.text, rule, file.path);
    if (!text) return control_fail(Kind::failed, text.error());
    file.text = std::move(*text);
    change.after = file;
    return blame_rule(commit(std::move(contents->files), std::move(change),
                             {rule.name, path, 0, 0}, "rule " + rule.name + " added"),
                      path);
}

Controlling<RuleUpdate> RuleStore::add_temporary(const Contents& contents, const Rule& rule,
                                                 bool first, const Lifetime& lifetime,
                                                 std::shared_ptr<const Fd> process) {
    TemporaryRules changed = temporary_;
    if (!changed.add(rule, first, lifetime, std::move(process)))
        return control_fail(Kind::failed,
                            {fmt::format("there are {} temporary rules, as many as there may be",
                                         TemporaryRules::most),
                             "remove one, or add the rule without a lifetime", {}});
    const std::string place = TemporaryRules::place_name(lifetime);
    return blame_rule(commit(contents, std::move(changed), {rule.name, place, 0, 0},
                             "rule " + rule.name + " added"),
                      place);
}

Controlling<RuleUpdate> RuleStore::remove(const std::string& name) {
    auto contents = read();
    if (!contents) return std::unexpected(contents.error());
    if (TemporaryRules changed = temporary_; changed.remove(name))
        return commit(*contents, std::move(changed),
                      {name, temporary_.find(name)->pack->file(),
                       temporary_.position(name, contents->rules()), 0},
                      "rule " + name + " removed");
    const auto found = contents->find(name);
    if (!found) return no_such_rule(name);
    FileChange change = contents->change_of(found->file);
    RuleFile& file = contents->files[found->file];
    auto text = remove_rule(file.text, name, file.path);
    if (!text) return control_fail(Kind::failed, text.error());
    file.text = std::move(*text);
    change.after = file;
    const RuleChange told{name, file.path, temporary_.before() + found->position, 0};
    return commit(std::move(contents->files), std::move(change), told, "rule " + name + " removed");
}

Controlling<RuleUpdate> RuleStore::set_enabled(const std::string& name, bool enabled) {
    const std::string what = "rule " + name + (enabled ? " enabled" : " disabled");
    auto contents = read();
    if (!contents) return std::unexpected(contents.error());
    if (TemporaryRules changed = temporary_; changed.set_enabled(name, enabled))
        return commit(*contents, std::move(changed),
                      {name, temporary_.find(name)->pack->file(), 0, 0}, what);
    const auto found = contents->find(name);
    if (!found) return no_such_rule(name);
    FileChange change = contents->change_of(found->file);
    RuleFile& file = contents->files[found->file];
    auto text = doorward::set_enabled(file.text, name, enabled, file.path);
    if (!text) return control_fail(Kind::failed, text.error());
    file.text = std::move(*text);
    change.after = file;
    const RuleChange told{name, file.path, 0, 0};
    return commit(std::move(contents->files), std::move(change), told, what);
}

Controlling<RuleUpdate> RuleStore::commit(std::vector<RuleFile> files, FileChange file,
                                          RuleChange change, std::string what) {
    std::vector<FileChange> changes;
    if (!file.before || file.before->text != file.after->text) changes.push_back(std::move(file));
    auto ruleset = write(files, changes, std::move(what), false);
    if (!ruleset) return std::unexpected(ruleset.error());
    return update_of(std::move(*ruleset), std::move(change));
}

Controlling<std::shared_ptr<const Ruleset>> RuleStore::write(const std::vector<RuleFile>& files,
                                                             const std::vector<FileChange>& changes,
                                                             std::string what, bool taken_back) {
    auto packs = cache_.parse(files);
    if (!packs) return control_fail(Kind::reload_failed, packs.error());
    auto ruleset = compile(*packs, temporary_);
    if (!ruleset) return control_fail(Kind::reload_failed, ruleset.error());
    if (auto written = folder_.change(changes, std::move(what), taken_back); !written)
        return control_fail(Kind::failed, written.error());
    if (!changes.empty()) temporary_step_.reset();
    return std::move(*ruleset);
}

Controlling<RuleUpdate> RuleStore::commit(const Contents& contents, TemporaryRules temporary,
                                          RuleChange change, std::string what) {
    auto ruleset = compile(contents.packs, temporary);
    if (!ruleset) return control_fail(Kind::reload_failed, ruleset.error());
    temporary_step_ = {std::exchange(temporary_, std::move(temporary)), change.name,
                       std::move(what), false};
    return update_of(std::move(*ruleset), std::move(change));
}

Result<std::shared_ptr<const Ruleset>> RuleStore::compile(const Ruleset::Packs& files,
                                                          const TemporaryRules& temporary) const {
    if (auto free = names_are_free(files, temporary); !free) return std::unexpected(free.error());
    return Ruleset::compile(temporary.around(files), defaults_, environment_);
}

Result<std::shared_ptr<const Ruleset>> RuleStore::without_forgotten(const Ruleset& in_force) const {
    const auto forgotten = [this](const std::shared_ptr<const RulePack>& pack) {
        return TemporaryRules::is_temporary(*pack) &&
               std::ranges::find(temporary_.entries(), pack, &TemporaryRules::Entry::pack) ==
                   temporary_.entries().end();
    };
    Ruleset::Packs packs = in_force.packs();
    if (std::erase_if(packs, forgotten) == 0) return nullptr;
    return Ruleset::compile(std::move(packs), defaults_, environment_);
}

}  // namespace doorward

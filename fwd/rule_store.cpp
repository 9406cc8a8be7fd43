// SPDX-License-Identifier: GPL-2.0-or-later
#include "fwd/rule_store.hpp"

#include <algorithm>

#include "fwd/replace_file.hpp"
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
    auto rules = parse_rules(text, file_name);
    if (!rules) return std::unexpected(rules.error());
    if (rules->empty()) return insert_first(text, rule, file_name);
    // The place is that of the first key, behind "- ".
    const int dash = std::max(rules->front().place.column - 3, 0);
    std::string longer = text + (text.ends_with('\n') ? "" : "\n");
    longer += indented(format_rule(rule), static_cast<std::size_t>(dash));
    rules->push_back(rule);
    const auto read_again = parse_rules(longer, file_name);
    if (!read_again || !same_rules(*read_again, *rules))
        return fail("can't append a rule without touching the rest of the file",
                    "write it there by hand", {file_name, 0, 0});
    return longer;
}

// The rule alone, by the rules of a rule file: what is wrong then is the rule's own fault.
Result<void> check_alone(const Rule& rule, Defaults defaults, const Environment& environment) {
    auto parsed = parse_rules("rules:\n" + format_rule(rule), "rule");
    if (parsed) {
        const auto compiled = Ruleset::compile(std::move(*parsed), defaults, environment);
        if (compiled) return {};
        return fail(compiled.error().what, compiled.error().remedy);
    }
    return fail(parsed.error().what, parsed.error().remedy);
}

std::unexpected<ControlFailure> no_such_rule(const std::string& name) {
    return control_fail(Kind::rule_not_found, {"there is no rule \"" + name + "\"",
                                               "see the names with: doorward rules list", {}});
}

}  // namespace

struct RuleStore::Contents {
    std::vector<RuleFile> files;
    std::vector<Rule> rules;

    const Rule* find(const std::string& name) const {
        const auto found = std::ranges::find(rules, name, &Rule::name);
        return found == rules.end() ? nullptr : &*found;
    }
    std::size_t file_of(const Rule& rule) const {
        const auto found = std::ranges::find(files, rule.place.file, &RuleFile::path);
        return static_cast<std::size_t>(found - files.begin());
    }
    std::uint64_t position_of(const Rule& rule) const {
        return static_cast<std::uint64_t>(&rule - rules.data()) + 1;
    }
    // The file of this path, made in memory at its place in the order if it isn't there yet.
    std::size_t file_at(const std::string& path) {
        const auto at = std::ranges::lower_bound(files, path, {}, &RuleFile::path);
        const auto index = static_cast<std::size_t>(at - files.begin());
        if (at == files.end() || at->path != path)
            files.insert(at, {path, std::string(new_file_head), 0644, ::geteuid(), ::getegid()});
        return index;
    }
};

Result<std::shared_ptr<const Ruleset>> RuleStore::load() const {
    const auto files = read_rule_files(folder_, trust_);
    if (!files) return std::unexpected(files.error());
    auto rules = parse_rule_files(*files);
    if (!rules) return std::unexpected(rules.error());
    return Ruleset::compile(std::move(*rules), defaults_, environment_);
}

Controlling<RuleStore::Contents> RuleStore::read() const {
    Contents contents;
    auto files = read_rule_files(folder_, trust_);
    if (!files) return control_fail(Kind::reload_failed, files.error());
    auto rules = parse_rule_files(*files);
    if (!rules) return control_fail(Kind::reload_failed, rules.error());
    return Contents{std::move(*files), std::move(*rules)};
}

Controlling<RuleUpdate> RuleStore::add(const Rule& rule, bool first) const {
    if (auto sound = check_alone(rule, defaults_, environment_); !sound)
        return control_fail(Kind::invalid_rule, sound.error());
    auto contents = read();
    if (!contents) return std::unexpected(contents.error());
    if (const Rule* other = contents->find(rule.name))
        return control_fail(Kind::rule_exists,
                            {"there is a rule \"" + rule.name + "\" already",
                             "choose another name, or remove that rule first", other->place});
    const std::size_t at =
        contents->file_at(folder_ + "/" + std::string(first ? first_file : last_file));
    RuleFile& file = contents->files[at];
    auto text = first ? insert_first(file.text, rule, file.path)
                      : append_last(file.text, rule, file.path);
    if (!text) return control_fail(Kind::failed, text.error());
    file.text = std::move(*text);
    return commit(std::move(contents->files), at, {rule.name, file.path, 0, 0});
}

Controlling<RuleUpdate> RuleStore::remove(const std::string& name) const {
    auto contents = read();
    if (!contents) return std::unexpected(contents.error());
    const Rule* rule = contents->find(name);
    if (!rule) return no_such_rule(name);
    const std::size_t at = contents->file_of(*rule);
    RuleFile& file = contents->files[at];
    auto text = remove_rule(file.text, name, file.path);
    if (!text) return control_fail(Kind::failed, text.error());
    file.text = std::move(*text);
    const RuleChange change{name, file.path, contents->position_of(*rule), 0};
    return commit(std::move(contents->files), at, change);
}

Controlling<RuleUpdate> RuleStore::set_enabled(const std::string& name, bool enabled) const {
    auto contents = read();
    if (!contents) return std::unexpected(contents.error());
    const Rule* rule = contents->find(name);
    if (!rule) return no_such_rule(name);
    const std::size_t at = contents->file_of(*rule);
    RuleFile& file = contents->files[at];
    auto text = doorward::set_enabled(file.text, name, enabled, file.path);
    if (!text) return control_fail(Kind::failed, text.error());
    file.text = std::move(*text);
    return commit(std::move(contents->files), at, {name, file.path, 0, 0});
}

Controlling<RuleUpdate> RuleStore::commit(std::vector<RuleFile> files, std::size_t changed,
                                          RuleChange change) const {
    auto rules = parse_rule_files(files);
    if (!rules) return control_fail(Kind::reload_failed, rules.error());
    auto ruleset = Ruleset::compile(std::move(*rules), defaults_, environment_);
    if (!ruleset) return control_fail(Kind::reload_failed, ruleset.error());
    if (auto written = write(files[changed]); !written)
        return control_fail(Kind::failed, written.error());
    const std::vector<Rule>& all = (*ruleset)->rules();
    change.rules = all.size();
    const auto found = std::ranges::find(all, change.name, &Rule::name);
    if (found != all.end())
        change.position = static_cast<std::uint64_t>(found - all.begin()) + 1;
    return RuleUpdate{std::move(*ruleset), std::move(change)};
}

Result<void> RuleStore::write(const RuleFile& file) const {
    return replace_file(folder_, file.path.substr(folder_.size() + 1), file.text,
                        {file.mode, file.owner, file.group});
}

}  // namespace doorward

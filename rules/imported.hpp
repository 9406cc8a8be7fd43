// SPDX-License-Identifier: GPL-2.0-or-later
// What comes of reading other firewalls' rules: rules of ours, and an account of all that they can't say.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "rules/rule.hpp"

namespace doorward {

// A file as it was read; its path is used in findings only.
struct ImportFile {
    std::string path;
    std::string text;
};

// What an import must ask of the system. Any of these may be missing: then nothing is known.
struct ImportEnvironment {
    // As in Environment (rules/ruleset.hpp).
    std::function<std::optional<std::uint32_t>(std::string_view)> user_id{};
    std::function<std::string(const std::string&)> resolve_path{};
    // The files of a folder of lists: those with a dot in their names that are not hidden, by name.
    std::function<Result<std::vector<ImportFile>>(const std::string& folder)> read_lists{};
    // Whether the daemon would take this file for a set: an error says why not.
    std::function<Result<void>(const std::string& path, SetKind kind)> check_list{};
};

struct Finding {
    enum class Kind : std::uint8_t {
        left_out,  // a rule, or something that stands for one, is not carried
        note,      // carried, but a detail of it is not, or it was none to begin with
    };
    Kind kind = Kind::left_out;
    bool denies = false;  // left out, and it would have denied: what it stopped may now pass
    Place place{};        // line 0: the whole file
    std::string object;   // "rule \"deny-telnet\""
    std::string key;      // what of it: "process.command"; may be empty
    std::string reason;
    std::string remedy;   // may be empty
};

// One line without its end. What files said is in it as they said it.
std::string finding_text(const Finding& finding);

struct Imported {
    std::vector<std::string> remarks;  // for the head of the file, a line each
    std::string group;                 // name of a group that all rules go in; empty: none
    std::vector<Term> shared;          // the group's conditions
    std::vector<SetDefinition> sets;
    std::vector<Rule> rules;           // in evaluation order, by their own terms
    std::vector<Finding> findings;
    std::size_t found = 0;             // rules that there were

    std::size_t left_out() const;
};

// A rule file in its canonical form. An error says that it is not one that loads, which is a mistake of
// this program's.
Result<std::string> write_imported(const Imported& imported, const std::string& file_name);

// A name of a rule, or with `word` one of a set, made of what another program calls it: what can't
// stand in one becomes '-'. Different texts may come to the same name.
std::string name_from(std::string_view text, bool word);

// Gives names that were given before a number: "web", "web-2", …
class UniqueNames {
public:
    std::string unique(const std::string& name);

private:
    std::set<std::string> taken_{};
    std::map<std::string, std::size_t> last_{};  // number that was given to a name
};

// One line that parse_comment() takes: control characters become blanks, what is too long is cut.
std::string comment_from(std::string_view text);

}  // namespace doorward

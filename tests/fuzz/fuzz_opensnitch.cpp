// SPDX-License-Identifier: GPL-2.0-or-later
// Any bytes as rules of OpenSnitch, one to a file, files apart by a NUL, and as a list that they name.
// What comes of it is a rule file that loads, in canonical form, and all that was found is accounted for.
#include <cstdint>

#include "one_of.hpp"
#include "require.hpp"
#include "rules/file_format.hpp"
#include "rules/import_opensnitch.hpp"
#include "rules/ruleset.hpp"
#include "rules/yaml_rules.hpp"

using namespace doorward;

namespace {

Environment environment() {
    return {[](std::string_view name) { return name == "alice" ? std::optional(1000u) : std::nullopt; },
            [](const std::string& path) { return path; }, [](std::string_view) { return std::optional(7u); },
            [](const std::string&, SetKind) -> Result<std::shared_ptr<const ListedValues>> {
                return std::make_shared<const ListedValues>();
            }};
}

void check_written(const Imported& imported) {
    const auto text = write_imported(imported, "f");
    require(text.has_value());
    require(format_rule_file(*text, "f").value() == *text);
    const auto pack = parse_rule_pack(*text, "f");
    require(pack && (*pack)->size() == imported.rules.size());
    require(Ruleset::compile(Ruleset::Packs{*pack}, Defaults{}, environment()).has_value());
    for (const Rule& rule : imported.rules) require(parse_rules("rules:\n" + format_rule(rule), "f").has_value());
}

Imported check(const std::vector<ImportFile>& files, const OpenSnitchOptions& options, std::string_view list) {
    ImportEnvironment system;
    system.user_id = environment().user_id;
    system.resolve_path = [](const std::string& path) { return path == "/a" ? "/b" : path; };
    system.read_lists = [&](const std::string&) -> Result<std::vector<ImportFile>> {
        return std::vector<ImportFile>{{"/lists/a.txt", std::string(list)}};
    };
    Imported imported = import_opensnitch(files, system, options);
    require(imported.found == files.size());
    for (const Finding& finding : imported.findings)
        require(!finding.reason.empty() && !finding.place.file.empty() && !finding_text(finding).empty());
    // What is left out is not carried.
    if (imported.left_out() == files.size()) require(imported.rules.empty());
    return imported;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    std::string_view rest(reinterpret_cast<const char*>(data), size);
    std::vector<ImportFile> files;
    while (!rest.empty() && files.size() < 8) {
        const auto end = rest.find('\0');
        files.push_back({std::to_string(files.size()) + ".json", std::string(rest.substr(0, end))});
        rest.remove_prefix(end == rest.npos ? rest.size() : end + 1);
    }
    if (files.empty()) return 0;
    const std::string list = files.back().text;
    for (const bool option : {false, true}) {
        const Imported imported = check(files, {.any_case = option, .as_meant = option}, list);
        if (one_of(8, data, size)) check_written(imported);
    }
    return 0;
}

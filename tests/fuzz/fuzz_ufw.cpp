// SPDX-License-Identifier: GPL-2.0-or-later
// Any bytes as ufw's profiles and rules of both families, apart by NULs. What comes of it is a rule file
// that loads, in canonical form, and all that was found is accounted for.
#include <cstdint>

#include "one_of.hpp"
#include "require.hpp"
#include "rules/file_format.hpp"
#include "rules/import_ufw.hpp"
#include "rules/ruleset.hpp"
#include "rules/yaml_rules.hpp"

using namespace doorward;

namespace {

std::string cut(std::string_view& rest) {
    const auto end = rest.find('\0');
    const std::string out(rest.substr(0, end));
    rest.remove_prefix(end == rest.npos ? rest.size() : end + 1);
    return out;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    std::string_view rest(reinterpret_cast<const char*>(data), size);
    UfwFiles files;
    files.profiles.push_back({"profiles", cut(rest)});
    files.rules.push_back({"user.rules", cut(rest)});
    files.rules_v6.push_back({"user6.rules", std::string(rest)});
    const Imported imported = import_ufw(files);
    for (const Finding& finding : imported.findings)
        require(!finding.reason.empty() && !finding.place.file.empty());
    if (imported.found == 0) require(imported.rules.empty());
    if (!one_of(8, data, size)) return 0;
    const auto text = write_imported(imported, "f");
    require(text.has_value());
    require(format_rule_file(*text, "f").value() == *text);
    const auto pack = parse_rule_pack(*text, "f");
    require(pack && (*pack)->size() == imported.rules.size() && (*pack)->sets().size() == imported.sets.size());
    const Environment none{[](std::string_view) { return std::nullopt; }, [](const std::string& path) { return path; }};
    require(Ruleset::compile(Ruleset::Packs{*pack}, Defaults{}, none).has_value());
    return 0;
}

// SPDX-License-Identifier: GPL-2.0-or-later
#include "rules/ufw_profile.hpp"

#include <algorithm>
#include <charconv>
#include <set>

#include <fmt/format.h>

#include "rules/list_lines.hpp"
#include "rules/text.hpp"

namespace doorward {

namespace {

constexpr std::size_t longest_name = 64, longest_value = 1024, most_ports = 15;

bool is_digit(char c) { return c >= '0' && c <= '9'; }
bool is_alnum(char c) { return is_digit(c) || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }

// A key of a section with its value, lines that continue it joined by a blank.
struct Entry {
    std::string key, value;
    int line = 0, column = 0;  // of the value
    bool continued = false;
};

struct Section {
    std::string name;
    int line = 0;
    std::vector<Entry> entries;
};

// INI as Python's configparser reads it. It gives up on a file at its first mistake, and so does this.
class IniReader {
public:
    explicit IniReader(const ImportFile& file) : file_(file) {}

    Result<std::vector<Section>> read() {
        if (const auto bad = find_bad_character(file_.text))
            return fail(bad->what, "profiles are text in UTF-8", {file_.path, bad->line, bad->column});
        for (std::string_view rest = file_.text; !rest.empty();) {
            ++line_;
            if (auto done = line(cut_line(rest)); !done) return std::unexpected(done.error());
        }
        return std::move(sections_);
    }

private:
    std::unexpected<Error> wrong(std::string what, std::size_t column = 1) const {
        return fail(std::move(what), "ufw passes over the whole file", {file_.path, line_, static_cast<int>(column)});
    }

    Result<void> line(std::string_view text) {
        const std::string_view content = trimmed(text);
        if (content.empty() || content[0] == '#' || content[0] == ';') return {};
        const auto indent = static_cast<std::size_t>(content.data() - text.data());
        if (indent > indent_ && !sections_.empty() && !sections_.back().entries.empty())
            return continuation(content);
        indent_ = indent;
        if (content[0] == '[') return section(content);
        return entry(text, content);
    }

    Result<void> continuation(std::string_view content) {
        Entry& last = sections_.back().entries.back();
        last.value += (last.value.empty() ? "" : " ") + std::string(content);
        last.continued = true;
        return {};
    }

    Result<void> section(std::string_view content) {
        const auto end = content.rfind(']');
        if (end == content.npos || end < 2) return wrong("a section has no name, or no ]");
        std::string name(content.substr(1, end - 1));
        if (name == "DEFAULT") return wrong("a section DEFAULT would count for all others");
        if (!names_.insert(name).second) return wrong("a second section " + name);
        sections_.push_back({std::move(name), line_, {}});
        return {};
    }

    Result<void> entry(std::string_view text, std::string_view content) {
        if (sections_.empty()) return wrong("there is no [section] above this");
        const auto end = content.find_first_of("=:");
        if (end == content.npos || end == 0) return wrong("this is neither a section nor KEY=VALUE");
        std::string key(trimmed(content.substr(0, end)));
        for (char& c : key)
            if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
        auto& entries = sections_.back().entries;
        if (std::ranges::find(entries, key, &Entry::key) != entries.end()) return wrong("a second " + key);
        const std::string_view value = trimmed(content.substr(end + 1));
        const auto column = value.empty() ? text.size() + 1 : static_cast<std::size_t>(value.data() - text.data()) + 1;
        entries.push_back({std::move(key), std::string(value), line_, static_cast<int>(column), false});
        return {};
    }

    const ImportFile& file_;
    std::vector<Section> sections_{};
    std::set<std::string> names_{};
    int line_ = 0;
    std::size_t indent_ = 0;
};

bool is_profile_name(std::string_view name) {
    const bool number = std::ranges::all_of(name, is_digit);
    return !name.empty() && name != "all" && !number && is_alnum(name[0]) &&
           std::ranges::all_of(name, [](char c) { return is_alnum(c) || std::string_view(" _-.+").contains(c); });
}

std::optional<std::uint16_t> port(std::string_view text) {
    unsigned number = 0;
    if (text.empty() || !std::ranges::all_of(text, is_digit)) return std::nullopt;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
    if (error != std::errc{} || number < 1 || number > 65535) return std::nullopt;
    return static_cast<std::uint16_t>(number);
}

std::string_view cut(std::string_view& text, char separator) {
    const auto end = text.find(separator);
    const std::string_view part = text.substr(0, end);
    text.remove_prefix(end == text.npos ? text.size() : end + 1);
    return part;
}

Result<void> add_ports(std::string_view part, std::vector<UfwPorts>& out) {
    const auto slash = part.find('/');
    const std::string_view protocol = slash == part.npos ? "any" : part.substr(slash + 1);
    const std::string_view numbers = part.substr(0, slash);
    if (protocol != "tcp" && protocol != "udp" && protocol != "any")
        return fail(fmt::format("\"{}\" is no protocol with ports", protocol.substr(0, 40)), "write tcp or udp");
    if (protocol == "any" && numbers.find_first_of(",:") != numbers.npos)
        return fail("several ports without a protocol", "write /tcp or /udp behind them");
    auto ranges = parse_ufw_ports(numbers);
    if (!ranges) return std::unexpected(ranges.error());
    const auto kind = protocol == "tcp" ? UfwProtocol::tcp : protocol == "udp" ? UfwProtocol::udp : UfwProtocol::any;
    auto same = std::ranges::find(out, kind, &UfwPorts::protocol);
    if (same == out.end()) same = out.insert(out.end(), {{}, kind});
    same->ranges.insert(same->ranges.end(), ranges->begin(), ranges->end());
    return {};
}

Result<UfwProfile> profile_of(const Section& section, const std::string& file) {
    const Place place{file, section.line, 1};
    UfwProfile out{section.name, {}, {}, place};
    if (section.name.size() > longest_name || !is_profile_name(section.name))
        return fail("this is no name of a profile", "ufw passes over it", place);
    const Entry* ports = nullptr;
    for (const char* key : {"title", "description", "ports"}) {
        const auto entry = std::ranges::find(section.entries, key, &Entry::key);
        if (entry == section.entries.end() || entry->value.empty())
            return fail(fmt::format("there is no {}", key), "ufw passes over it", place);
        if (std::string_view(key) == "title") out.title = entry->value;
        ports = &*entry;
    }
    for (const Entry& entry : section.entries)
        if (entry.key.size() > longest_name || entry.value.size() > longest_value)
            return fail("a key or a value is too long", "ufw passes over it", place);
    const Place at{file, ports->line, ports->column};
    if (ports->continued) return fail("ports over several lines", "write them in one", at);
    for (std::string_view rest = ports->value; !rest.empty();)
        if (auto done = add_ports(cut(rest, '|'), out.ports); !done)
            return fail(done.error().what, done.error().remedy, at);
    return out;
}

}  // namespace

Result<std::vector<PortRange>> parse_ufw_ports(std::string_view text) {
    std::vector<PortRange> out;
    if (text.empty() || text.ends_with(',') || std::ranges::count_if(text, [](char c) { return c == ',' || c == ':'; }) >= std::ptrdiff_t{most_ports})
        return fail(fmt::format("\"{}\" is no list of at most {} ports", text.substr(0, 80), most_ports),
                    "write numbers, as in 80,443 or 6000:6007");
    while (!text.empty()) {
        std::string_view part = cut(text, ',');
        const std::string whole(part.substr(0, 40));
        const bool range = part.find(':') != part.npos;
        const auto first = port(cut(part, ':')), last = range ? port(part) : first;
        if (!first || !last)
            return fail(fmt::format("\"{}\" is no port", whole), "write numbers from 1 to 65535, no names of services");
        if (range && *first >= *last) return fail(fmt::format("the range \"{}\" runs backwards", whole));
        out.push_back({*first, *last});
    }
    return out;
}

std::vector<UfwProfile> read_ufw_profiles(const ImportFile& file, std::vector<Finding>& findings) {
    std::vector<UfwProfile> out;
    const auto add = [&](std::string object, const Error& error) {
        findings.push_back({Finding::Kind::left_out, false, error.place, std::move(object), "", error.what, error.remedy});
    };
    const auto sections = IniReader(file).read();
    if (!sections) return add("", sections.error()), out;
    for (const Section& section : *sections) {
        auto profile = profile_of(section, file.path);
        if (profile) out.push_back(std::move(*profile));
        else add("profile \"" + section.name.substr(0, 80) + '"', profile.error());
    }
    return out;
}

}  // namespace doorward

// SPDX-License-Identifier: GPL-2.0-or-later
// The values of the keys that say what a process is: group, unit, slice, container, parent, script.
#include <algorithm>
#include <array>

#include <fmt/format.h>

#include "rules/condition_text.hpp"
#include "rules/control_group.hpp"
#include "rules/glob.hpp"
#include "rules/script.hpp"

namespace doorward {

namespace {

constexpr std::size_t max_name = 255;  // of a unit; of a cgroup's file name too

constexpr std::array<std::string_view, 9> runtimes{
    "docker", "podman", "containerd", "crio", "cri", "lxc", "machine", "flatpak", "snap"};
// Their containers are called by the 64 digits of their id.
constexpr std::array<std::string_view, 5> id_runtimes{"docker", "podman", "containerd", "crio",
                                                      "cri"};

bool has_control(std::string_view text) {
    return std::ranges::any_of(text, [](char c) { return (c >= 0 && c < ' ') || c == '\x7f'; });
}

std::string quoted(std::string_view text) {
    return fmt::format("\"{}{}\"", text.substr(0, 80), text.size() > 80 ? "…" : "");
}

// Unlike in a path, a backslash alone makes no pattern: units have them in their names.
bool is_name_pattern(std::string_view text) {
    return text.find_first_of("*?[") != std::string_view::npos;
}

Result<Pattern> parse_name(std::string_view text, std::string_view what, std::string_view example) {
    const std::string_view name = without_user(text);
    if (name.empty() || name.size() > max_name || has_control(name) || name.contains('/'))
        return fail(fmt::format("{} is not the name of {}", quoted(text), what),
                    fmt::format("write it as in {}", example));
    if (!is_name_pattern(name)) return Pattern{std::string(text), false};
    if (auto glob = Glob::parse(text); !glob)
        return fail(fmt::format("{}, character {}: {}", quoted(text), glob.error().offset + 1,
                                glob.error().what),
                    glob.error().remedy);
    return Pattern{std::string(text), true};
}

bool ends_as_unit(std::string_view name) {
    constexpr std::array<std::string_view, 7> suffixes{".service", ".scope", ".socket", ".mount",
                                                       ".swap",    ".timer", ".path"};
    return std::ranges::any_of(suffixes, [name](auto suffix) {
        return name.size() > suffix.size() && name.ends_with(suffix);
    });
}

bool is_hex(std::string_view text) {
    return std::ranges::all_of(text, [](char c) {
        return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f');
    });
}

// What is no pattern must be a name that can occur: else the rule would silently never match.
Result<void> check_container(std::string_view text) {
    const std::string_view name = without_user(text);
    const auto colon = name.find(':');
    const auto runtime = name.substr(0, colon);
    if (colon == std::string_view::npos || colon + 1 == name.size() ||
        std::ranges::find(runtimes, runtime) == runtimes.end())
        return fail(quoted(text) + " does not say whose container it is",
                    fmt::format("write RUNTIME:NAME with one of {}, such as lxc:web or docker:*",
                                fmt::join(runtimes, ", ")));
    const auto id = name.substr(colon + 1);
    if (std::ranges::find(id_runtimes, runtime) != id_runtimes.end() &&
        !(id.size() == 64 && is_hex(id)))
        return fail(fmt::format("{} is not the whole id of a container", quoted(text)),
                    fmt::format("write all 64 digits, or the first ones and a star: {}:{}*",
                                runtime, id.size() < 64 && is_hex(id) ? id : "0123456789ab"));
    if (runtime == "flatpak" && name == text)
        return fail("Flatpak runs applications below the manager of their user",
                    fmt::format("write {}{}", user_prefix, text));
    return {};
}

}  // namespace

Result<std::string> parse_group(std::string_view text) {
    auto group = parse_user(text);
    if (!group)
        return fail(quoted(text) + " is not a group", "use the name of a group, or a gid");
    return group;
}

Result<Pattern> parse_unit(std::string_view text) {
    auto unit = parse_name(text, "a systemd unit", "ssh.service or user:app-*.scope");
    if (unit && !unit->glob && !ends_as_unit(without_user(text)))
        return fail(quoted(text) + " has no ending that a unit with processes has",
                    fmt::format("write {}.service, or what `systemctl status PID` says", text));
    return unit;
}

Result<Pattern> parse_parent(std::string_view text) {
    auto app = parse_app(text);
    if (app && app->kind == AppPattern::Kind::unknown)
        return fail(quoted(text) + " is not a program", "write a path, or /** for any known program");
    if (!app) return std::unexpected(app.error());
    return Pattern{app->text, app->kind == AppPattern::Kind::glob};
}

Result<Pattern> parse_script(std::string_view text) {
    for (const auto prefix : {module_prefix, class_prefix})
        if (text.starts_with(prefix) && text.size() > prefix.size())
            return parse_name(text, "a module", "module:http.server or class:org.example.Main");
    if (!is_whole_path(text))
        return fail(quoted(text) + " is neither an absolute path nor a module",
                    "write the whole path of the script, or module:NAME for python -m NAME");
    auto path = parse_app(text);
    if (!path) return std::unexpected(path.error());
    return Pattern{path->text, path->kind == AppPattern::Kind::glob};
}

Result<Pattern> parse_slice(std::string_view text) {
    auto slice = parse_name(text, "a slice", "user-1000.slice or user:app.slice");
    const std::string_view name = without_user(text);
    if (slice && !slice->glob && !(name.ends_with(".slice") && name.size() > 6))
        return fail(quoted(text) + " does not end in .slice", fmt::format("write {}.slice", text));
    return slice;
}

Result<Pattern> parse_container(std::string_view text) {
    auto container = parse_name(text, "a container", "docker:* or user:podman:*");
    if (!container || container->glob) return container;
    if (auto sound = check_container(text); !sound) return std::unexpected(sound.error());
    return container;
}

}  // namespace doorward

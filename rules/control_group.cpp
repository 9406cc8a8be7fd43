// SPDX-License-Identifier: GPL-2.0-or-later
#include "rules/control_group.hpp"

#include <algorithm>
#include <optional>

namespace doorward {

namespace {

constexpr std::size_t longest_unit_name = 255;
constexpr std::size_t container_id_length = 64;

constexpr std::string_view suffixes[] = {
    ".service", ".scope", ".socket", ".mount", ".swap", ".slice",
    ".target", ".device", ".automount", ".timer", ".path",
};

bool is_unit_char(char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
           std::string_view(":-_.\\@").contains(c);
}

bool is_digit(char c) { return c >= '0' && c <= '9'; }
bool is_hex(char c) { return is_digit(c) || (c >= 'a' && c <= 'f'); }

bool all_digits(std::string_view text) {
    return !text.empty() && std::ranges::all_of(text, is_digit);
}

bool is_unit_name(std::string_view name) {
    if (name.size() > longest_unit_name || !std::ranges::all_of(name, is_unit_char)) return false;
    if (name.starts_with(user_prefix)) return false;  // can't be told from a user's own unit
    const auto suffix = std::ranges::find_if(
        suffixes, [name](std::string_view ending) { return name.ends_with(ending); });
    if (suffix == std::end(suffixes)) return false;
    const std::string_view stem = name.substr(0, name.size() - suffix->size());
    // "foo@.service" is a template: nothing runs in it.
    return !stem.empty() && !stem.starts_with('@') && !stem.ends_with('@');
}

// Takes what is between two ends off a name; nothing if it doesn't have both.
std::optional<std::string_view> between(std::string_view name, std::string_view front,
                                        std::string_view back) {
    if (name.size() <= front.size() + back.size() || !name.starts_with(front) ||
        !name.ends_with(back))
        return std::nullopt;
    return name.substr(front.size(), name.size() - front.size() - back.size());
}

bool is_user_manager(std::string_view name) {
    const auto uid = between(name, "user@", ".service");
    return uid && all_digits(*uid);
}

bool is_container_id(std::string_view text) {
    return text.size() == container_id_length && std::ranges::all_of(text, is_hex);
}

std::string named(std::string_view runtime, std::string_view name) {
    return std::string(runtime).append(":").append(name);
}

// systemd writes what a unit's name can't hold as \xHH.
std::string unescaped_unit(std::string_view text) {
    const auto value = [](char c) { return is_digit(c) ? c - '0' : c - 'a' + 10; };
    std::string out;
    while (!text.empty()) {
        const bool escape = text.size() >= 4 && text.starts_with("\\x") && is_hex(text[2]) &&
                            is_hex(text[3]);
        out += escape ? static_cast<char>(value(text[2]) * 16 + value(text[3])) : text[0];
        text.remove_prefix(escape ? 4 : 1);
    }
    return out;
}

struct IdPattern {
    std::string_view front, back, runtime;
};

// A name that holds a container's id. The monitors that stand beside ("libpod-conmon-…") don't
// match, since what is left of their names is no id.
constexpr IdPattern id_patterns[] = {
    {"docker-", ".scope", "docker"},          {"cri-containerd-", ".scope", "containerd"},
    {"nerdctl-", ".scope", "containerd"},     {"crio-", ".scope", "crio"},
    {"libpod-", ".scope", "podman"},          {"libpod-payload-", "", "podman"},
    {"libpod-", "", "podman"},                {"crio-", "", "crio"},
};

std::string container_with_id(std::string_view name) {
    for (const IdPattern& pattern : id_patterns)
        if (const auto id = between(name, pattern.front, pattern.back); id && is_container_id(*id))
            return named(pattern.runtime, *id);
    return {};
}

// "snap.firefox.firefox-0d3b….scope", "snap.lxd.daemon.service" → firefox, lxd.
std::string snap_of(std::string_view unit) {
    if (!unit.starts_with("snap.")) return {};
    unit.remove_prefix(5);
    const auto dot = unit.find('.');
    // After the name there is at least the application's, then the suffix.
    if (dot == 0 || dot == std::string_view::npos || unit.find('.', dot + 1) == unit.npos) return {};
    return named("snap", unescaped_unit(unit.substr(0, dot)));
}

// "app-flatpak-org.mozilla.firefox-4242.scope" → org.mozilla.firefox.
std::string flatpak_of(std::string_view unit) {
    const auto name = between(unit, "app-flatpak-", ".scope");
    if (!name) return {};
    const auto dash = name->rfind('-');
    if (dash == 0 || dash == std::string_view::npos || !all_digits(name->substr(dash + 1)))
        return {};
    return named("flatpak", unescaped_unit(name->substr(0, dash)));
}

std::string machine_of(std::string_view unit) {
    for (const auto& name : {between(unit, "systemd-nspawn@", ".service"),
                             between(unit, "machine-", ".scope")})
        if (name) return named("machine", unescaped_unit(*name));
    return {};
}

std::string container_of_unit(std::string_view unit) {
    for (auto* parse : {container_with_id, snap_of, flatpak_of, machine_of})
        if (auto container = parse(unit); !container.empty()) return container;
    return {};
}

class Path {
public:
    explicit Path(std::string_view path) : rest_(path) {}

    // Empty at the end. A cgroup whose name would clash with a kernel file has an underscore in
    // front.
    std::string_view next() {
        while (rest_.starts_with('/')) rest_.remove_prefix(1);
        std::string_view part = rest_.substr(0, rest_.find('/'));
        rest_.remove_prefix(part.size());
        if (part.starts_with('_')) part.remove_prefix(1);
        return part;
    }

private:
    std::string_view rest_;
};

// Runtimes that make their cgroups without systemd: /docker/ID, /kubepods/burstable/podUID/ID,
// /lxc/NAME, /lxc.payload.NAME, /libpod_parent/libpod-ID.
std::string bare_container(std::string_view part, Path path) {
    if (const auto name = between(part, "lxc.payload.", "")) return named("lxc", *name);
    if (part == "lxc" || part == "lxc.payload") {
        const auto name = path.next();
        return name.empty() ? std::string() : named("lxc", name);
    }
    if (part == "docker") {
        const auto id = path.next();
        return is_container_id(id) ? named("docker", id) : std::string();
    }
    const bool pods = part == "kubepods";
    if (!pods && part != "libpod_parent") return {};
    for (auto name = path.next(); !name.empty(); name = path.next()) {
        if (auto container = container_with_id(name); !container.empty()) return container;
        if (pods && is_container_id(name)) return named("cri", name);
    }
    return {};
}

// Reads what one manager has made: slices, then a unit, or what is no unit at all.
class Reader {
public:
    Reader(Path path, ControlGroup& out) : path_(path), out_(out) {}

    void read() {
        std::string_view part = take_slices("");
        if (!is_unit_name(part)) return set_container(bare_container(part, path_), "");
        out_.units.emplace_back(part);
        if (!is_user_manager(part)) {
            set_container(container_of_unit(part), "");
            return below_unit();
        }
        part = take_slices(user_prefix);
        if (!is_unit_name(part)) return set_container(bare_container(part, path_), user_prefix);
        out_.units.push_back(std::string(user_prefix).append(part));
        set_container(container_of_unit(part), user_prefix);
        below_unit();
    }

private:
    std::string_view take_slices(std::string_view prefix) {
        for (;;) {
            const std::string_view part = path_.next();
            if (!is_unit_name(part) || !part.ends_with(".slice")) return part;
            out_.slices.push_back(std::string(prefix).append(part));
        }
    }

    void set_container(std::string name, std::string_view prefix) {
        if (out_.container.empty() && !name.empty()) out_.container = std::string(prefix) + name;
    }

    // Podman in a service of its own ("split" cgroups) puts the container below it.
    void below_unit() {
        const std::string_view part = path_.next();
        if (part.starts_with("libpod-payload-")) set_container(container_with_id(part), user_prefix);
    }

    Path path_;
    ControlGroup& out_;
};

}  // namespace

ControlGroup parse_control_group(std::string_view path) {
    ControlGroup group;
    if (!path.starts_with('/')) return group;
    group.known = true;
    Reader(Path(path), group).read();
    return group;
}

}  // namespace doorward

// SPDX-License-Identifier: GPL-2.0-or-later
// The values of a rule's keys, from the text that people write. Errors say what is wrong and what
// was expected, without a place: the caller knows where the text came from.
#pragma once

#include <string_view>

#include "rules/port_range.hpp"
#include "rules/rule.hpp"

namespace doorward {

// One value of `app:`. Which fields count depends on `kind`.
struct AppPattern {
    enum class Kind : std::uint8_t { path, glob, unknown };
    Kind kind = Kind::path;
    std::string text;                  // path or glob, as written
    std::optional<Unknown> reason;     // kind unknown: only this reason; none: any reason
};

// A value, or a glob over such values: a path (`parent`, `script`), or the name of a unit, a slice or
// a container.
struct Pattern {
    std::string text;                  // as written
    bool glob = false;
};

// Letters, digits, '.', '_', '-'; 1 to 64 of them. Names end up in tables, shells and file names.
Result<std::string> parse_rule_name(std::string_view text);

// "/usr/bin/curl", "/opt/*/bin/tool" (see rules/glob.hpp), "unknown", "unknown:no-binding".
Result<AppPattern> parse_app(std::string_view text);

// A user name or a decimal uid.
Result<std::string> parse_user(std::string_view text);

// A group name or a decimal gid.
Result<std::string> parse_group(std::string_view text);

// "ssh.service", "backup-*.service"; "user:app-*.scope" for a unit of a user's manager.
Result<Pattern> parse_unit(std::string_view text);

// "user-1000.slice", "user:app.slice", or a pattern.
Result<Pattern> parse_slice(std::string_view text);

// "docker:" and all 64 digits, "podman:0123456789ab*", "user:flatpak:org.example.App", "lxc:*".
Result<Pattern> parse_container(std::string_view text);

// 64 hexadecimal digits of either case.
Result<Sha256> parse_sha256(std::string_view text);

// "sha256:<64 digits>" or "sha512:<128 digits>"; returned in lower case.
Result<std::string> parse_verity(std::string_view text);

// The name of a package, or a pattern over such names.
Result<Pattern> parse_package(std::string_view text);

// "example.org", or "*.example.org" for all names below it.
Result<std::string> parse_domain(std::string_view text);

// An absolute path or a pattern, as in `app`: of an ancestor's executable.
Result<Pattern> parse_parent(std::string_view text);

// The same of a script; or "module:NAME", "class:NAME", and patterns of them.
Result<Pattern> parse_script(std::string_view text);

// "443" or "8000-8080".
Result<PortRange> parse_ports(std::string_view text);

// As Prefix::parse, with the reason for a refusal.
Result<Prefix> parse_prefix(std::string_view text);

// "eth0", "wlan*", at most 15 bytes that a network interface's name can have.
Result<Pattern> parse_interface(std::string_view text);

// Of a profile, a set or a tag: lower-case letters, digits, '_', '-'; 1 to 64, a letter first.
Result<std::string> parse_word(std::string_view text);

// One line of text.
Result<std::string> parse_comment(std::string_view text);

}  // namespace doorward

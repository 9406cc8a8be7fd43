// SPDX-License-Identifier: GPL-2.0-or-later
#include "rules/condition_text.hpp"

#include <algorithm>
#include <charconv>

#include <fmt/format.h>

#include "rules/control_group.hpp"
#include "rules/domain_name.hpp"
#include "rules/glob.hpp"

namespace doorward {

namespace {

constexpr std::size_t max_name = 64;
constexpr std::size_t max_path = 4095;  // the kernel's PATH_MAX without its NUL
constexpr std::size_t max_user = 256;
constexpr std::size_t max_package = 256;
constexpr std::size_t max_comment = 1024;

bool is_name_character(char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' ||
           c == '_' || c == '-';
}

bool is_digit(char c) { return c >= '0' && c <= '9'; }
bool is_hex_digit(char c) {
    return is_digit(c) || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
}
bool has_control(std::string_view text) {
    return std::ranges::any_of(text, [](char c) { return (c >= 0 && c < ' ') || c == '\x7f'; });
}

// Values are quoted in errors; a long one would hide the rest of the line.
std::string quoted(std::string_view text) {
    constexpr std::size_t most = 80;
    std::size_t end = std::min(text.size(), most);
    while (end < text.size() && end > 0 && (static_cast<unsigned char>(text[end]) & 0xc0) == 0x80)
        --end;
    return fmt::format("\"{}{}\"", text.substr(0, end), end < text.size() ? "…" : "");
}

std::string unknown_reasons() {
    std::string out;
    for (unsigned number = 1; number < 32; ++number) {
        const auto name = unknown_name(static_cast<Unknown>(number));
        if (parse_unknown(name) != static_cast<Unknown>(number)) break;
        out += out.empty() ? "" : ", ";
        out += name;
    }
    return out;
}

Result<AppPattern> parse_unknown_app(std::string_view text) {
    AppPattern app{AppPattern::Kind::unknown, std::string(text), std::nullopt};
    const auto colon = text.find(':');
    if (colon == std::string_view::npos) return app;
    app.reason = parse_unknown(text.substr(colon + 1));
    if (!app.reason || *app.reason == Unknown::none)
        return fail(quoted(text) + " names no reason for which a process can be unknown",
                    "use one of " + unknown_reasons() + ", or unknown alone for all of them");
    return app;
}

// A path that the kernel never reports would be a rule that silently never matches.
Result<void> check_components(std::string_view path) {
    for (std::size_t start = 1; start <= path.size();) {
        const auto end = std::min(path.find('/', start), path.size());
        const auto component = path.substr(start, end - start);
        if (component == "." || component == "..")
            return fail(fmt::format("{} has a \"{}\" in it", quoted(path), component),
                        "write the path without it");
        if (component.empty())
            return fail(end == path.size() ? quoted(path) + " ends with a /"
                                           : quoted(path) + " has an empty part between two /",
                        "give the path of an executable file, without needless /");
        start = end + 1;
    }
    return {};
}

std::optional<std::uint16_t> parse_port(std::string_view text) {
    if (text.empty() || (text.size() > 1 && text[0] == '0')) return std::nullopt;
    std::uint16_t port = 0;
    const char* const end = text.data() + text.size();
    const auto [stop, error] = std::from_chars(text.data(), end, port);
    if (error != std::errc{} || stop != end) return std::nullopt;
    return port;
}

// "203.0.113.7/24" → "203.0.113.0/24"; empty if the text has another fault.
std::string without_host_bits(std::string_view text) {
    const auto slash = text.find('/');
    if (slash == std::string_view::npos) return {};
    const auto address = Address::parse(text.substr(0, slash));
    const auto bits = parse_port(text.substr(slash + 1));
    if (!address || !bits || *bits > (address->is_v4() ? 32 : 128)) return {};
    const bool v4 = address->is_v4();
    const auto prefix = Prefix::around(*address, static_cast<std::uint8_t>(*bits + (v4 ? 96 : 0)));
    return Prefix::parse(prefix.to_string()) ? prefix.to_string() : std::string();
}

}  // namespace

Result<std::string> parse_rule_name(std::string_view text) {
    if (!text.empty() && text.size() <= max_name && std::ranges::all_of(text, is_name_character))
        return std::string(text);
    return fail(quoted(text) + " is not a rule name",
                fmt::format("use 1 to {} letters, digits, '.', '_' or '-'", max_name));
}

Result<AppPattern> parse_app(std::string_view text) {
    if (text == "unknown" || text.starts_with("unknown:")) return parse_unknown_app(text);
    if (!is_whole_path(text))
        return fail(quoted(text) + " is not an absolute path",
                    "write the whole path of the program, such as /usr/bin/curl, or unknown");
    if (text.size() > max_path || has_control(text))
        return fail(quoted(text) + " can't be the path of a program",
                    fmt::format("use at most {} bytes, and no control characters", max_path));
    if (auto normal = check_components(without_user(text)); !normal) return std::unexpected(normal.error());
    if (!Glob::is_pattern(text))
        return AppPattern{AppPattern::Kind::path, std::string(text), std::nullopt};
    if (auto glob = Glob::parse(text); !glob)
        return fail(fmt::format("{}, character {}: {}", quoted(text), glob.error().offset + 1,
                                glob.error().what),
                    glob.error().remedy);
    return AppPattern{AppPattern::Kind::glob, std::string(text), std::nullopt};
}

Result<std::string> parse_user(std::string_view text) {
    const bool number = !text.empty() && std::ranges::all_of(text, is_digit);
    if (number && !parse_uid(text))
        return fail(quoted(text) + " is not a uid",
                    "use a number from 0 to 4294967294 without leading zeros, or a user name");
    const bool odd_name = text.empty() || text.size() > max_user || has_control(text) ||
                          text.contains(':') || text[0] == '-' || text[0] == '+';
    if (!number && odd_name)
        return fail(quoted(text) + " is not a user", "use the name of a user, or a uid");
    return std::string(text);
}

Result<std::string> parse_domain(std::string_view text) {
    const auto wrong = [&](const char* what, const char* remedy) {
        return fail(quoted(text) + what, remedy);
    };
    if (Address::parse(text) || Prefix::parse(text))
        return wrong(" is an address, not a host name", "write it under to");
    if (std::ranges::any_of(text, [](char c) { return static_cast<unsigned char>(c) >= 0x80; }))
        return wrong(" has characters that DNS does not carry",
                     "write the name in its xn-- form, such as xn--bcher-kva.example");
    if (text == "*" || text == "*.")
        return wrong(" is every name and none",
                     "leave domain out for any destination, or write *.example.org");
    if (text.ends_with('.'))
        return wrong(" ends with a dot", "leave the last dot out: host names are always whole");
    const bool below = text.starts_with("*.");
    const auto name = normal_host_name(below ? text.substr(2) : text);
    if (name) return (below ? "*." : "") + *name;
    if (text.contains('*'))
        return wrong(" has a * where none can be",
                     "write *. in front of a name, as in *.example.org, and no other *");
    return wrong(" is no host name", "write a name such as example.org, or *.example.org for all "
                                     "names below it, without scheme, port and path");
}

Result<Sha256> parse_sha256(std::string_view text) {
    if (const auto digest = parse_sha256_hex(text)) return *digest;
    return fail(quoted(text) + " is not a SHA-256 digest",
                "use 64 hexadecimal digits, as `sha256sum` prints them");
}

Result<std::string> parse_verity(std::string_view text) {
    const auto colon = text.find(':');
    const auto kind = text.substr(0, colon);
    const std::size_t length = kind == "sha256" ? 64 : kind == "sha512" ? 128 : 0;
    const auto hex = colon == std::string_view::npos ? "" : text.substr(colon + 1);
    if (length == 0 || hex.size() != length || !std::ranges::all_of(hex, is_hex_digit))
        return fail(quoted(text) + " is not an fs-verity digest",
                    "use sha256: and 64 hexadecimal digits, or sha512: and 128, as "
                    "`fsverity measure` prints them");
    std::string normal(text);
    for (char& c : normal)
        if (c >= 'A' && c <= 'F') c = static_cast<char>(c - 'A' + 'a');
    return normal;
}

Result<Pattern> parse_package(std::string_view text) {
    if (text.empty() || text.size() > max_package || has_control(text) || text.contains('/') ||
        text.contains(' '))
        return fail(quoted(text) + " is not the name of a package",
                    "use a name such as curl, or a pattern such as python3*");
    if (text.contains(':'))
        return fail(quoted(text) + " has a colon in it",
                    "write the name without architecture, such as libc6");
    if (!Glob::is_pattern(text)) return Pattern{std::string(text), false};
    if (auto glob = Glob::parse(text); !glob)
        return fail(fmt::format("{}, character {}: {}", quoted(text), glob.error().offset + 1,
                                glob.error().what),
                    glob.error().remedy);
    return Pattern{std::string(text), true};
}

std::string PortRange::to_string() const {
    return first == last ? std::to_string(first) : fmt::format("{}-{}", first, last);
}

Result<Pattern> parse_interface(std::string_view text) {
    constexpr std::size_t most = 15;  // IFNAMSIZ without its NUL
    const bool glob = Glob::is_pattern(text);
    if (text.empty() || (!glob && text.size() > most) || text.size() > max_name ||
        has_control(text) || text.find_first_of("/ :") != std::string_view::npos)
        return fail(quoted(text) + " is not the name of a network interface",
                    "use a name as `ip link` shows it, such as eth0, or a pattern such as wl*");
    if (glob)
        if (auto parsed = Glob::parse(text); !parsed)
            return fail(fmt::format("{}, character {}: {}", quoted(text), parsed.error().offset + 1,
                                    parsed.error().what),
                        parsed.error().remedy);
    return Pattern{std::string(text), glob};
}

Result<std::string> parse_word(std::string_view text) {
    const auto fits = [](char c) {
        return (c >= 'a' && c <= 'z') || is_digit(c) || c == '_' || c == '-';
    };
    if (!text.empty() && text.size() <= max_name && std::ranges::all_of(text, fits) &&
        text[0] >= 'a' && text[0] <= 'z')
        return std::string(text);
    return fail(quoted(text) + " is not a name of this kind",
                fmt::format("use 1 to {} of a-z, 0-9, '-' and '_', a letter first", max_name));
}

Result<PortRange> parse_ports(std::string_view text) {
    const auto dash = text.find('-');
    const auto first = parse_port(text.substr(0, dash));
    const auto last = dash == std::string_view::npos ? first : parse_port(text.substr(dash + 1));
    if (!first || !last)
        return fail(quoted(text) + " is neither a port nor a range of ports",
                    "use a number from 0 to 65535, or two of them such as 8000-8080");
    if (*first > *last)
        return fail("the range " + quoted(text) + " runs backwards",
                    fmt::format("write {}-{}", *last, *first));
    return PortRange{*first, *last};
}

Result<Prefix> parse_prefix(std::string_view text) {
    if (const auto prefix = Prefix::parse(text)) return *prefix;
    if (const auto base = without_host_bits(text); !base.empty())
        return fail(quoted(text) + " has bits set beyond its prefix length",
                    "write " + base + ", or leave the length out for the one address");
    return fail(quoted(text) + " is neither an address nor a prefix",
                "use numbers, such as 203.0.113.7, 203.0.113.0/24 or 2001:db8::/32; "
                "host names belong under domain");
}

Result<std::string> parse_comment(std::string_view text) {
    if (text.size() <= max_comment && !has_control(text)) return std::string(text);
    return fail("the comment is longer than one line can hold",
                fmt::format("use one line of at most {} bytes; # comments may be longer",
                            max_comment));
}

}  // namespace doorward

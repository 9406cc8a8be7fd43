// SPDX-License-Identifier: GPL-2.0-or-later
#include "fwd/lists_config.hpp"

#include <algorithm>

#include "fwd/config_section.hpp"
#include "fwd/rule_files.hpp"
#include "rules/yaml_source.hpp"

namespace doorward {
namespace {

constexpr std::size_t max_config_bytes = 1 << 20;
constexpr std::size_t max_lists = 256;
constexpr std::size_t max_url = 2000;
constexpr std::size_t max_path = 4095;
constexpr std::uint64_t max_list_bytes = std::uint64_t{1} << 30;

constexpr std::array shrinks = {Shrink::refuse, Shrink::allow};

std::string_view shrink_name(Shrink shrink) {
    return shrink == Shrink::allow ? "allow" : "refuse";
}

Result<void> check_name(const std::string& name) {
    if (is_list_name(name)) return {};
    return fail(fmt::format("name: \"{}\" is no name for a list", name.substr(0, 80)),
                "use up to 64 small letters, digits, \"-\" and \"_\"");
}

Result<void> check_url(const ListSource& list) {
    const std::string& url = list.url;
    const bool https = url.starts_with("https://");
    if (!https && !url.starts_with("http://"))
        return fail("url: it is neither https:// nor http://", "give the list's whole address");
    if (!https && !list.insecure)
        return fail("url: whoever is on the way can change what comes over http",
                    "use https://, or say insecure: true");
    const auto odd = [](char c) { return c <= ' ' || c > '~'; };
    if (url.size() > max_url || std::ranges::any_of(url, odd))
        return fail(fmt::format("url: it has blanks, other scripts, or more than {} bytes", max_url),
                    "write it in its %-encoded form");
    const auto host = url.find("://") + 3;
    const std::string authority = url.substr(host, url.find_first_of("/?#", host) - host);
    if (authority.empty() || authority.contains('@'))
        return fail("url: it has no host, or a user's name before the host",
                    "use an address that needs no password");
    return {};
}

Result<void> check_path(std::string_view key, const std::string& path) {
    if (path.starts_with('/') && path.size() <= max_path) return {};
    return fail(fmt::format("{}: \"{}\" is not an absolute path", key, path.substr(0, 80)),
                "begin it with \"/\"");
}

Result<void> check_proxy(const std::string& proxy) {
    for (const char* scheme : {"http://", "https://", "socks5h://"})
        if (proxy.starts_with(scheme) && proxy.size() <= max_url) return {};
    return fail("proxy: it begins with none of http://, https:// and socks5h://",
                "use the proxy's address, such as http://proxy.example:3128");
}

Result<void> check_source(const YamlValue& value, const ListSource& list) {
    if (list.name.empty()) return value.error("it has no name", "add a line `name: …`");
    if (list.url.empty() == list.file.empty())
        return value.error("it needs either url or file", "give one of the two");
    return {};
}

Result<ListSource> read_source(const YamlValue& value) {
    static constexpr std::array<std::string_view, 10> keys = {
        "name",      "url",      "file",   "format", "refresh_hours",
        "max_bytes", "insecure", "shrink", "ca_file", "timeout_seconds"};
    ListSource list;
    // `insecure` first: what a URL may be hangs on it.
    const auto read = Section(value, keys, "lists.")
                          .flag("insecure", list.insecure)
                          .text("name", list.name)
                          .check("name", check_name(list.name))
                          .text("url", list.url)
                          .check("url", check_url(list))
                          .text("file", list.file)
                          .check("file", check_path("file", list.file))
                          .text("ca_file", list.ca_file)
                          .check("ca_file", check_path("ca_file", list.ca_file))
                          .choice("format", list.format, {all_list_formats(), list_format_name})
                          .number("refresh_hours", list.refresh_hours, 1, 24 * 365)
                          .number("max_bytes", list.max_bytes, 1, max_list_bytes)
                          .number("timeout_seconds", list.timeout_seconds, 1, 3600)
                          .choice("shrink", list.shrink, {shrinks, shrink_name})
                          .finish();
    if (!read) return std::unexpected(read.error());
    if (auto good = check_source(value, list); !good) return std::unexpected(good.error());
    return list;
}

Result<void> read_sources(const YamlValue& value, std::vector<ListSource>& lists) {
    const auto items = yaml_items(value);
    if (!items) return std::unexpected(items.error());
    if (items->size() > max_lists)
        return value.error(fmt::format("more than {} lists", max_lists), "take some out");
    for (const YamlValue& item : *items) {
        auto list = read_source(item);
        if (!list) return std::unexpected(list.error());
        if (std::ranges::find(lists, list->name, &ListSource::name) != lists.end())
            return item.error(fmt::format("there are two lists \"{}\"", list->name),
                              "give each list a name of its own");
        lists.push_back(*std::move(list));
    }
    return {};
}

}  // namespace

bool is_list_name(std::string_view name) {
    constexpr std::size_t longest = 64;
    const auto plain = [](char c) { return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9'); };
    return !name.empty() && name.size() <= longest && plain(name[0]) &&
           std::ranges::all_of(name, [&](char c) { return plain(c) || c == '-' || c == '_'; });
}

Result<ListsConfig> parse_lists_config(std::string_view text, const std::string& file_name) {
    static constexpr std::array<std::string_view, 2> keys = {"proxy", "lists"};
    const auto node = load_yaml(text, file_name, max_config_bytes);
    if (!node) return std::unexpected(node.error());
    ListsConfig config;
    if (node->is_null()) return config;  // nothing but comments: no lists
    const YamlValue top = yaml_top(*node, "the configuration", file_name);
    const auto read = Section(top, keys)
                          .text("proxy", config.proxy)
                          .check("proxy", check_proxy(config.proxy))
                          .take("lists", [&](const YamlValue& value) {
                              return read_sources(value, config.lists);
                          })
                          .finish();
    if (!read) return std::unexpected(read.error());
    return config;
}

// Whoever starts the program chose the file; it never runs with more rights than a user has.
Result<ListsConfig> read_lists_config(const std::string& path) {
    const auto file = read_rule_file(path, Trust::anybody, max_config_bytes);
    if (!file) return fail(file.error().what, "what it holds is in doorward-lists(8)");
    return parse_lists_config(file->text, path);
}

}  // namespace doorward

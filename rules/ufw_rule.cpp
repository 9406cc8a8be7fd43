// SPDX-License-Identifier: GPL-2.0-or-later
#include "rules/ufw_rule.hpp"

#include <algorithm>
#include <array>

#include <fmt/format.h>

#include "rules/condition_text.hpp"
#include "rules/list_lines.hpp"
#include "rules/text.hpp"
#include "rules/ufw_profile.hpp"

namespace doorward {

namespace {

constexpr std::string_view mark = "### tuple ###";
constexpr std::size_t longest_line = 4096;

// Protocols without ports that ufw knows, and their numbers.
constexpr std::array<std::pair<std::string_view, std::string_view>, 6> numbers{
    {{"ipv6", "41"}, {"esp", "50"}, {"ah", "51"}, {"igmp", "2"}, {"gre", "47"}, {"vrrp", "112"}}};

std::string with_blanks(std::string text) {
    for (auto at = text.find("%20"); at != text.npos; at = text.find("%20", at)) text.replace(at, 3, " ");
    return text;
}

std::optional<std::string> from_hex(std::string_view hex) {
    std::string out;
    const auto digit = [](char c) {
        return c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
    };
    if (hex.size() % 2 != 0) return std::nullopt;
    for (std::size_t at = 0; at < hex.size(); at += 2) {
        const int high = digit(hex[at]), low = digit(hex[at + 1]);
        if (high < 0 || low < 0) return std::nullopt;
        out += static_cast<char>(high * 16 + low);
    }
    return out;
}

class TupleReader {
public:
    TupleReader(std::string_view line, bool v6) : v6_(v6) {
        line = trimmed(line.substr(mark.size()));
        if (const auto at = line.find(" comment="); at != line.npos) {
            comment_ = trimmed(line.substr(at + 9));
            line = trimmed(line.substr(0, at));
        }
        out_.tuple = line;
        for (auto word = cut_word(line); !word.empty(); word = cut_word(line)) words_.emplace_back(word);
    }

    // The key names what of the tuple is at fault.
    Result<UfwRule> read() {
        if (words_.size() < 6 || words_.size() > 9) return at("", fail("it has not 6 to 9 parts", "ufw passes over it"));
        auto done = action();
        if (done) done = protocol_and_ports();
        if (done) done = addresses();
        if (done) done = direction();
        if (!done) return std::unexpected(done.error());
        texts();
        return std::move(out_);
    }

    const std::string& key() const { return key_; }
    bool denies() const { return !words_.empty() && !words_[0].starts_with("allow") && !words_[0].starts_with("route:allow"); }

private:
    std::unexpected<Error> at(std::string key, std::unexpected<Error> error) {
        key_ = std::move(key);
        return error;
    }

    Result<void> add(Condition condition, std::vector<std::string> values, const char* key) {
        for (std::string& value : values) {
            auto canonical = condition_info(condition).canonical(value);
            if (!canonical) return at(key, std::unexpected(canonical.error()));
            value = std::move(*canonical);
        }
        out_.rule.add(condition, std::move(values));
        return {};
    }

    Result<void> action() {
        std::string_view text = words_[0];
        forward_ = text.starts_with("route:");
        if (forward_) text.remove_prefix(6);
        const auto underline = text.find('_');
        const std::string_view log = underline == text.npos ? "" : text.substr(underline + 1);
        text = text.substr(0, underline);
        if (text == "limit")
            return at("limit", fail("rules here don't count how often somebody comes", "write it with action: accept, or leave it out"));
        if (text == "allow") out_.rule.action = Action::accept;
        else if (text == "deny") out_.rule.action = Action::drop;
        else if (text == "reject") out_.rule.action = Action::reject;
        else return at("action", fail(fmt::format("\"{}\" is no action", text.substr(0, 40))));
        if (!log.empty() && log != "log" && log != "log-all") return at("log", fail("it is no kind of log", "ufw passes over it"));
        if (!log.empty()) out_.rule.log = LogLevel::journal;
        out_.logs_all = log == "log-all";
        return {};
    }

    Result<void> protocol_and_ports() {
        const std::string& protocol = words_[1];
        if (words_[4] != "any")
            return at("source port", fail("rules here don't look at the port of the side that opens a flow"));
        const bool ports = words_[2] != "any";
        const auto number = std::ranges::find(numbers, protocol, [](const auto& each) { return each.first; });
        if (protocol == "tcp" || protocol == "udp") {
            if (auto done = add(Condition::protocol, {protocol}, "protocol"); !done) return done;
        } else if (number != numbers.end() && !ports) {
            if (auto done = add(Condition::protocol, {std::string(number->second)}, "protocol"); !done) return done;
        } else if (protocol != "any") {
            return at("protocol", fail(fmt::format("\"{}\" is not known, or has no ports", protocol.substr(0, 40)), "write protocol: with its number"));
        } else if (ports) {
            if (auto done = add(Condition::protocol, {"tcp", "udp"}, "protocol"); !done) return done;
        }
        if (!ports) return {};
        const auto ranges = parse_ufw_ports(words_[2]);
        if (!ranges) return at("port", std::unexpected(ranges.error()));
        std::vector<std::string> texts;
        for (const PortRange& range : *ranges) texts.push_back(range.to_string());
        return add(Condition::port, std::move(texts), "port");
    }

    Result<void> addresses() {
        const std::string any = v6_ ? "::/0" : "0.0.0.0/0";
        const auto is_any = [&](const std::string& text) { return text == any || text == "any"; };
        out_.any_address = is_any(words_[3]) && is_any(words_[5]);
        for (const auto& [word, condition, key] : {std::tuple(3, Condition::to, "destination"), std::tuple(5, Condition::from, "source")}) {
            const std::string& text = words_[static_cast<std::size_t>(word)];
            if (is_any(text)) continue;
            const auto prefix = parse_prefix(text);
            if (!prefix) return at(key, std::unexpected(prefix.error()));
            if (prefix->base.is_v4() == v6_) return at(key, fail("it is of the other family", "ufw can't mean that"));
            if (auto done = add(condition, {text}, key); !done) return done;
        }
        return {};
    }

    // "in", "out_eth0", "in_eth0!out_eth1"; tuples of 6 and 8 parts are inbound.
    Result<void> direction() {
        const bool given = words_.size() == 7 || words_.size() == 9;
        const std::string_view text = given ? std::string_view(words_.back()) : "in";
        const auto underline = text.find('_');
        const std::string_view way = text.substr(0, underline);
        if (way != "in" && way != "out") return at("direction", fail(fmt::format("\"{}\" is no direction", text.substr(0, 40))));
        std::string interface(underline == text.npos ? "" : text.substr(underline + 1));
        if (interface.contains('!') || (forward_ && !interface.empty() && way == "in"))
            return at("interface", fail("rules here look at the interface that a forwarded flow leaves by only"));
        if (auto done = add(Condition::direction, {forward_ ? "forward" : std::string(way)}, "direction"); !done) return done;
        if (interface.empty()) return {};
        // A + at the end stands for anything, as in iptables.
        if (interface.ends_with('+')) interface.back() = '*';
        return add(Condition::interface, {interface}, "interface");
    }

    void texts() {
        if (words_.size() >= 8 && words_[6] != "-") out_.profile = with_blanks(words_[6]);
        const auto said = from_hex(comment_);
        const std::string own = said ? comment_from(*said) : "";
        const std::string separator = own.empty() || out_.profile.empty() ? "" : ": ";
        out_.rule.comment = comment_from(out_.profile + separator + own);
    }

    const bool v6_;
    bool forward_ = false;
    std::vector<std::string> words_{};
    std::string comment_{}, key_{};
    UfwRule out_{};
};

}  // namespace

UfwRules read_ufw_rules(const ImportFile& file, bool v6, std::vector<Finding>& findings) {
    UfwRules out;
    int number = 0;
    if (const auto bad = find_bad_character(file.text)) {
        findings.push_back({Finding::Kind::left_out, true, {file.path, bad->line, bad->column}, "", "", bad->what,
                            "rules of ufw are text in UTF-8"});
        return out;
    }
    for (std::string_view rest = file.text; !rest.empty();) {
        const std::string_view line = cut_line(rest);
        ++number;
        if (!line.starts_with(mark)) continue;
        ++out.found;
        TupleReader reader(line.substr(0, longest_line), v6);
        auto rule = line.size() > longest_line ? Result<UfwRule>(fail("it is too long")) : reader.read();
        const Place place{file.path, number, 1};
        if (rule) {
            rule->rule.place = place;
            out.rules.push_back(std::move(*rule));
            continue;
        }
        findings.push_back({Finding::Kind::left_out, reader.denies(), place,
                            fmt::format("rule \"{}\"", comment_from(trimmed(line.substr(mark.size(), 120)))),
                            reader.key(), rule.error().what, rule.error().remedy});
    }
    return out;
}

}  // namespace doorward

// SPDX-License-Identifier: GPL-2.0-or-later
#include "cli/rule_options.hpp"

#include <charconv>

#include <fmt/format.h>

#include "cli/app_path.hpp"
#include "fwd/proc_files.hpp"
#include "rules/condition_text.hpp"

namespace doorward {
namespace {

void add_list(CLI::App& command, const std::string& name, std::vector<std::string>& values,
              const std::string& type, const std::string& description) {
    // One value for each use of the option: a second word is the next argument, not a second value.
    command.add_option(name, values, description)
        ->allow_extra_args(false)
        ->delimiter(',')
        ->type_name(type);
}

Result<void> read_apps(const std::vector<std::string>& texts, NewRule& made) {
    for (const std::string& text : texts) {
        auto path = resolve_app(text);
        if (!path) return std::unexpected(path.error());
        if (path->note) made.notes.push_back(std::move(*path->note));
        auto app = parse_app(path->pattern);
        if (!app) return std::unexpected(app.error());
        made.rule.add(Condition::app, {app->text});
    }
    return {};
}

Result<void> read_conditions(const std::map<Condition, std::vector<std::string>>& given,
                             bool negated, Rule& rule) {
    for (const auto& [condition, texts] : given) {
        const ConditionInfo& info = condition_info(condition);
        for (const std::string& text : texts) {
            auto value = info.canonical(text);
            if (!value)
                return fail(fmt::format("--{}{}: {}", negated ? "not-" : "", info.key,
                                        value.error().what),
                            value.error().remedy);
            rule.add(condition, {std::move(*value)}, negated);
        }
    }
    return {};
}

Result<void> read_expiry(const std::string& duration, std::int64_t now, Rule& rule) {
    if (duration.empty()) return {};
    const auto seconds = parse_duration(duration);
    if (!seconds) return std::unexpected(seconds.error());
    rule.expires = now + *seconds;
    return {};
}

// Only what a rule's name may have.
std::string name_part(std::string_view text) {
    std::string out;
    for (const char c : text) {
        const bool fits = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
                          (c >= '0' && c <= '9') || c == '.' || c == '_';
        if (fits) out += c;
        else if (!out.empty() && out.back() != '-') out += '-';
    }
    while (out.ends_with('-')) out.pop_back();
    return out.substr(0, 24);
}

std::string app_part(const std::string& app) {
    if (!app.starts_with('/')) return name_part(app);
    return name_part(std::string_view(app).substr(app.rfind('/') + 1));
}

std::string domain_part(std::string_view domain) {
    return name_part(domain.substr(domain.starts_with("*.") ? 2 : 0));
}

// What stands in help texts for a value.
std::string type_of(std::string_view key) {
    std::string type(key);
    for (char& c : type)
        if (c >= 'a' && c <= 'z') c = static_cast<char>(c - 'a' + 'A');
    return type;
}

void add_lifetime_options(CLI::App& command, RuleOptions& options) {
    auto* duration =
        command.add_option("--for", options.duration, "expire after this time: 90s, 20m, 2h, 7d")
            ->type_name("TIME");
    auto* restart = command.add_flag("--until-restart", options.until_restart,
                                     "keep it in memory only: gone when the daemon is restarted");
    auto* exit = command.add_option("--until-exit", options.until_exit,
                                    "keep it in memory only: gone when this process ends")
                     ->type_name("PID");
    duration->excludes(restart)->excludes(exit);
    restart->excludes(exit);
}

}  // namespace

void add_rule_options(CLI::App& command, RuleOptions& options) {
    for (const ConditionInfo& info : conditions()) {
        if (info.single) continue;  // the direction, which has flags of its own
        const std::string key(info.key);
        if (info.condition != Condition::app)
            add_list(command, "--" + key, options.conditions[info.condition], type_of(key),
                     fmt::format("{}; may be repeated", info.value));
        add_list(command, "--not-" + key, options.negated[info.condition], type_of(key),
                 fmt::format("but not this {}", key));
    }
    command.add_flag("--in", options.in, "inbound flows");
    command.add_flag("--out", options.out, "outbound flows");
    add_lifetime_options(command, options);
    add_list(command, "--tag", options.tags, "TAG", "a word to find the rule by; may be repeated");
    command.add_option("--comment", options.comment, "a remark to keep with the rule")
        ->type_name("TEXT");
    CLI::Option* const journal =
        command.add_flag("--journal", options.journal, "tell the system journal too when it matches");
    command.add_flag("--each", options.each, "give each flow a row of its own in the log")->excludes(journal);
    command.add_flag("--last", options.last, "put it after the other rules instead of before them");
    command.add_flag("--json", options.json, "print JSON");
}

Result<NewRule> make_rule(const RuleOptions& options, Action action, std::int64_t now) {
    NewRule made;
    Rule& rule = made.rule;
    rule.action = action;
    rule.log = options.journal ? LogLevel::journal : options.each ? LogLevel::each : LogLevel::audit;
    if (options.in != options.out)
        rule.add(Condition::direction, {options.in ? "in" : "out"});
    if (!options.name.empty()) {
        auto name = parse_rule_name(options.name);
        if (!name) return std::unexpected(name.error());
        rule.name = std::move(*name);
    }
    if (!options.comment.empty()) {
        auto comment = parse_comment(options.comment);
        if (!comment) return fail("--comment: " + comment.error().what, comment.error().remedy);
        rule.comment = std::move(*comment);
    }
    if (auto done = read_apps(options.apps, made); !done) return std::unexpected(done.error());
    if (auto done = read_conditions(options.conditions, false, rule); !done)
        return std::unexpected(done.error());
    if (auto done = read_conditions(options.negated, true, rule); !done)
        return std::unexpected(done.error());
    for (const std::string& text : options.tags) {
        auto tag = parse_word(text);
        if (!tag) return fail("--tag: " + tag.error().what, tag.error().remedy);
        rule.tags.push_back(std::move(*tag));
    }
    if (auto done = read_expiry(options.duration, now, rule); !done)
        return std::unexpected(done.error());
    if (options.until_restart) made.lifetime.until = Lifetime::Until::restart;
    if (!options.until_exit.empty()) {
        auto lifetime = parse_until_exit(options.until_exit);
        if (!lifetime) return std::unexpected(lifetime.error());
        made.lifetime = *lifetime;
    }
    return made;
}

Result<std::int64_t> parse_duration(const std::string& text, const std::string& option) {
    const std::string_view units = "smhd";
    constexpr std::int64_t lengths[] = {1, 60, 3600, 86400};
    constexpr std::int64_t longest = 36500;  // of any unit: a century in days
    std::int64_t number = 0;
    const char* end = text.data() + text.size();
    const auto [stopped, error] = std::from_chars(text.data(), end, number);
    const std::size_t unit = stopped + 1 == end ? units.find(*stopped) : std::string_view::npos;
    if (error != std::errc{} || unit == std::string_view::npos || number <= 0 || number > longest)
        return fail(option + ": \"" + text + "\" is no length of time",
                    "use a number from 1 to 36500 and s, m, h or d, as 20m");
    return number * lengths[unit];
}

Result<Lifetime> parse_until_exit(const std::string& text) {
    std::uint32_t pid = 0;
    const char* end = text.data() + text.size();
    const auto [stopped, error] = std::from_chars(text.data(), end, pid);
    if (error != std::errc{} || stopped != end || pid == 0 || pid > INT32_MAX)
        return fail("--until-exit: \"" + text + "\" is no process",
                    "use the number of one, as $$ in a shell");
    Lifetime lifetime{Lifetime::Until::exit, pid};
    // Whether there is such a process is for the daemon to say.
    if (const auto folder = ProcFolder::open("/proc", pid))
        if (const auto stat = folder->stat()) lifetime.started = stat->start_ticks;
    return lifetime;
}

std::string suggested_name(const std::string& verb, const Rule& rule) {
    std::string name = verb;
    const auto add = [&](const std::string& part) {
        if (!part.empty()) name += "-" + part;
    };
    const auto first = [&](Condition condition) -> const std::string* {
        const Term* term = rule.find(condition);
        return term ? &term->values.front().text : nullptr;
    };
    const std::string* app = first(Condition::app);
    add(app ? app_part(*app) : "any");
    if (const auto* port = first(Condition::port)) add(name_part(*port));
    else if (const auto* domain = first(Condition::domain)) add(domain_part(*domain));
    else if (const auto* to = first(Condition::to)) add(name_part(*to));
    return name;
}

}  // namespace doorward

// SPDX-License-Identifier: GPL-2.0-or-later
#include "rules/ruleset.hpp"

#include <array>
#include <limits>

#include "rules/domain_name.hpp"
#include "rules/matcher.hpp"

namespace doorward {

namespace {

// Lets an index be asked with a view of a path or name, without building a string.
struct TextHash {
    using is_transparent = void;
    std::size_t operator()(std::string_view text) const {
        return std::hash<std::string_view>{}(text);
    }
};

using Positions = std::vector<std::uint32_t>;  // ascending positions in the list of rules

using Index = std::unordered_map<std::string, Positions, TextHash, std::equal_to<>>;

// Walks several ascending lists as one, each position once.
class Merged {
public:
    static constexpr std::uint32_t end = std::numeric_limits<std::uint32_t>::max();

    // False if there is no room for one more.
    bool add(const Positions& list) {
        if (count_ == cursors_.size()) return false;
        if (!list.empty()) cursors_[count_++] = {list.data(), list.data() + list.size()};
        return true;
    }

    std::uint32_t next() {
        std::uint32_t least = end;
        for (std::size_t i = 0; i < count_; ++i)
            if (cursors_[i].at != cursors_[i].stop) least = std::min(least, *cursors_[i].at);
        for (std::size_t i = 0; i < count_; ++i)
            if (cursors_[i].at != cursors_[i].stop && *cursors_[i].at == least) ++cursors_[i].at;
        return least;
    }

    std::size_t size() const { return count_; }
    void shrink(std::size_t count) { count_ = count; }

private:
    struct Cursor {
        const std::uint32_t* at;
        const std::uint32_t* stop;
    };
    std::array<Cursor, 16> cursors_;
    std::size_t count_ = 0;
};

}  // namespace

struct Ruleset::Impl {
    std::vector<Rule> rules;
    std::vector<CompiledRule> compiled;  // one for each rule, pointing into `rules`
    Defaults defaults;
    bool about_apps = false;             // any enabled rule has an `app`
    Index by_path;
    Index by_domain;                     // by domain_key()
    Positions with_domain;               // all that are in by_domain
    Positions others;                    // enabled rules that no index can hold

    void index(std::uint32_t position) {
        const CompiledRule& rule = compiled[position];
        if (!rule.rule->enabled) return;
        if (!rule.rule->apps.empty()) about_apps = true;
        if (rule.only_paths()) {
            for (const auto& path : rule.paths) by_path[path].push_back(position);
        } else if (!rule.domains.empty()) {
            for (const auto& key : rule.domains) by_domain[key].push_back(position);
            with_domain.push_back(position);
        } else {
            others.push_back(position);
        }
    }

    Merged candidates(const Flow& flow) const {
        Merged order;
        order.add(others);
        if (flow.process) {
            add_by_path(flow.process->exe, order);
            add_by_path(flow.process->appimage, order);
        }
        add_by_domain(flow, order);
        return order;
    }

    void add_by_path(std::string_view path, Merged& order) const {
        if (path.empty()) return;
        if (const auto found = by_path.find(path); found != by_path.end()) order.add(found->second);
    }

    // Only the rules about one of the flow's names; all about any name where those are too many
    // lists to walk at a time.
    void add_by_domain(const Flow& flow, Merged& order) const {
        if (with_domain.empty() || flow.direction != Direction::out) return;
        const std::size_t before = order.size();
        const auto no_room = [&](std::string_view key) {
            const auto found = by_domain.find(key);
            return found != by_domain.end() && !order.add(found->second);
        };
        for (const std::string_view name : flow.names) {
            if (!any_domain_key(name, no_room)) continue;
            order.shrink(before);
            order.add(with_domain);
            return;
        }
    }

    // What the index has looked at on the way to the rule at `winner`.
    void note_domains(const Flow& flow, std::uint32_t winner, Inputs& inputs) const {
        if (with_domain.empty() || with_domain.front() >= winner) return;
        inputs.add(Input::direction);
        if (flow.direction == Direction::out) inputs.add(Input::domain);
    }
};

namespace {

Result<void> check_names(const std::vector<Rule>& rules) {
    std::unordered_map<std::string_view, const Rule*> seen;
    for (const auto& rule : rules) {
        const auto [first, fresh] = seen.emplace(rule.name, &rule);
        if (fresh) continue;
        const Place& other = first->second->place;
        return fail("rule name \"" + rule.name + "\" is taken: it is first used in " + other.file +
                        ":" + std::to_string(other.line) + ":" + std::to_string(other.column),
                    "give one of the two another name", rule.place);
    }
    return {};
}

}  // namespace

Result<std::shared_ptr<const Ruleset>> Ruleset::compile(std::vector<Rule> rules, Defaults defaults,
                                                        const Environment& environment) {
    if (rules.size() >= Merged::end)
        return fail("more rules than can be numbered", "split them between hosts");
    if (auto unique = check_names(rules); !unique) return std::unexpected(unique.error());
    auto impl = std::make_unique<Impl>();
    impl->rules = std::move(rules);
    impl->defaults = defaults;
    impl->compiled.reserve(impl->rules.size());
    for (const auto& rule : impl->rules) {
        auto compiled = compile_rule(rule, environment);
        if (!compiled) return std::unexpected(compiled.error());
        impl->compiled.push_back(std::move(*compiled));
        impl->index(static_cast<std::uint32_t>(impl->compiled.size() - 1));
    }
    return std::shared_ptr<const Ruleset>(new Ruleset(std::move(impl)));
}

Ruleset::Ruleset(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Ruleset::~Ruleset() = default;

const std::vector<Rule>& Ruleset::rules() const { return impl_->rules; }
const Defaults& Ruleset::defaults() const { return impl_->defaults; }

Decision Ruleset::decide(const Flow& flow, std::int64_t now) const {
    Decision decision;
    if (impl_->about_apps) decision.depends_on.add(Input::executable);
    Merged order = impl_->candidates(flow);
    for (auto at = order.next(); at != Merged::end; at = order.next()) {
        const CompiledRule& compiled = impl_->compiled[at];
        if (first_unmet(compiled, flow, now, decision.depends_on) != Condition::none) continue;
        decision.action = compiled.rule->action;
        decision.rule = compiled.rule;
        impl_->note_domains(flow, at, decision.depends_on);
        return decision;
    }
    decision.depends_on.add(Input::direction);
    impl_->note_domains(flow, Merged::end, decision.depends_on);
    decision.action = impl_->defaults.of(flow.direction);
    return decision;
}

std::vector<Trial> Ruleset::explain(const Flow& flow, std::int64_t now) const {
    std::vector<Trial> trials;
    Inputs inputs;
    for (const auto& compiled : impl_->compiled) {
        trials.push_back({compiled.rule, first_unmet(compiled, flow, now, inputs)});
        if (trials.back().failed == Condition::none) break;
    }
    return trials;
}

Facts unanswered(const Decision& decision, const Flow& flow) {
    if (!flow.process) return {};  // no file to look into
    Facts facts;
    if (decision.depends_on.has(Input::sha256)) facts.add(Fact::sha256);
    if (decision.depends_on.has(Input::verity)) facts.add(Fact::verity);
    if (decision.depends_on.has(Input::package)) facts.add(Fact::package);
    return flow.content ? facts.without(flow.content->asked) : facts;
}

std::string_view condition_name(Condition condition) {
    switch (condition) {
        case Condition::none: return "none";
        case Condition::enabled: return "enabled";
        case Condition::direction: return "direction";
        case Condition::protocol: return "protocol";
        case Condition::app: return "app";
        case Condition::user: return "user";
        case Condition::to: return "to";
        case Condition::port: return "port";
        case Condition::group: return "group";
        case Condition::unit: return "unit";
        case Condition::slice: return "slice";
        case Condition::container: return "container";
        case Condition::parent: return "parent";
        case Condition::script: return "script";
        case Condition::domain: return "domain";
        case Condition::from: return "from";
        case Condition::package: return "package";
        case Condition::verity: return "verity";
        case Condition::sha256: return "sha256";
        case Condition::expires: return "expires";
    }
    return "none";
}

}  // namespace doorward

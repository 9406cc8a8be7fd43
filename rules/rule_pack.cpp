// SPDX-License-Identifier: GPL-2.0-or-later
#include "rules/rule_pack.hpp"

namespace doorward {

namespace {

std::uint32_t number(std::size_t size) { return static_cast<std::uint32_t>(size); }

template <class T>
std::size_t bytes_of(const std::vector<T>& values) {
    return values.capacity() * sizeof(T);
}

}  // namespace

std::string_view RulePack::text(TextId id) const {
    const std::uint32_t begin = id == 0 ? 0 : ends_[id - 1];
    return std::string_view(arena_).substr(begin, ends_[id] - begin);
}

std::span<const RulePack::PackedTerm> RulePack::terms(const PackedRule& rule) const {
    return std::span(terms_).subspan(rule.first_term, rule.terms);
}

std::span<const RulePack::PackedValue> RulePack::values(const PackedTerm& term) const {
    return std::span(values_).subspan(term.first, term.count);
}

Place RulePack::place(std::uint32_t line, std::uint32_t column) const {
    return {file_, static_cast<int>(line), static_cast<int>(column)};
}

Rule RulePack::rule(std::size_t at) const {
    const PackedRule& packed = rules_[at];
    const auto value = [this](const PackedValue& from) {
        return Value{std::string(text(from.text)), static_cast<int>(from.line),
                     static_cast<int>(from.column)};
    };
    Rule rule;
    rule.name = text(packed.name);
    rule.action = packed.action;
    rule.log = packed.log;
    rule.enabled = packed.enabled;
    if (packed.may_expire) rule.expires = packed.expires;
    for (const PackedTerm& from : terms(packed)) {
        Term& term = rule.terms.emplace_back(
            Term{from.condition, from.negated, from.inherited, {}});
        for (const PackedValue& each : values(from)) term.values.push_back(value(each));
    }
    for (std::uint32_t i = 0; i < packed.tags; ++i)
        rule.tags.emplace_back(text(values_[packed.first_tag + i].text));
    rule.comment = text(packed.comment);
    rule.place = place(packed);
    return rule;
}

std::vector<Rule> RulePack::rules() const {
    std::vector<Rule> out;
    out.reserve(size());
    for (std::size_t at = 0; at < size(); ++at) out.push_back(rule(at));
    return out;
}

std::size_t RulePack::memory() const {
    return sizeof *this + arena_.capacity() + bytes_of(ends_) + bytes_of(values_) +
           bytes_of(terms_) + bytes_of(rules_);
}

RulePackBuilder::RulePackBuilder(std::string file)
    : pack_(std::make_shared<RulePack>()), known_(64, Hash{pack_.get()}, Equal{pack_.get()}) {
    pack_->file_ = std::move(file);
    intern("");  // number 0
}

RulePack::TextId RulePackBuilder::intern(std::string_view text) {
    if (const auto found = known_.find(text); found != known_.end()) return *found;
    const auto id = number(pack_->ends_.size());
    pack_->arena_ += text;
    pack_->ends_.push_back(number(pack_->arena_.size()));
    known_.insert(id);
    return id;
}

void RulePackBuilder::add_value(const Value& value) {
    pack_->values_.push_back({intern(value.text), static_cast<std::uint32_t>(value.line),
                              static_cast<std::uint32_t>(value.column)});
}

void RulePackBuilder::add(const Rule& rule) {
    RulePack::PackedRule packed;
    packed.name = intern(rule.name);
    packed.comment = intern(rule.comment);
    packed.action = rule.action;
    packed.log = rule.log;
    packed.enabled = rule.enabled;
    packed.may_expire = rule.expires.has_value();
    packed.expires = rule.expires.value_or(0);
    packed.line = static_cast<std::uint32_t>(rule.place.line);
    packed.column = static_cast<std::uint32_t>(rule.place.column);
    packed.first_term = number(pack_->terms_.size());
    packed.terms = number(rule.terms.size());
    for (const Term& term : rule.terms) {
        const auto first = number(pack_->values_.size());
        for (const Value& value : term.values) add_value(value);
        pack_->terms_.push_back({first, number(term.values.size()), term.condition, term.negated,
                                 term.inherited, 0});
    }
    packed.first_tag = number(pack_->values_.size());
    packed.tags = number(rule.tags.size());
    for (const std::string& tag : rule.tags) add_value({tag});
    pack_->rules_.push_back(packed);
}

std::shared_ptr<const RulePack> RulePackBuilder::finish() {
    known_.clear();
    pack_->arena_.shrink_to_fit();
    pack_->ends_.shrink_to_fit();
    pack_->values_.shrink_to_fit();
    pack_->terms_.shrink_to_fit();
    pack_->rules_.shrink_to_fit();
    return std::move(pack_);
}

}  // namespace doorward

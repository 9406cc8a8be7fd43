// SPDX-License-Identifier: GPL-2.0-or-later
#include "rules/rule_pack_codec.hpp"

#include <algorithm>
#include <cstring>
#include <type_traits>

namespace doorward {

namespace {

class Writer {
public:
    explicit Writer(std::string& out) : out_(out) {}

    template <class T>
        requires std::is_trivially_copyable_v<T>
    void number(const T& value) {
        out_.append(reinterpret_cast<const char*>(&value), sizeof value);
    }
    void text(std::string_view text) {
        number(static_cast<std::uint32_t>(text.size()));
        out_ += text;
    }
    template <class T>
        requires std::is_trivially_copyable_v<T>
    void numbers(const std::vector<T>& values) {
        number(static_cast<std::uint32_t>(values.size()));
        out_.append(reinterpret_cast<const char*>(values.data()), values.size() * sizeof(T));
    }
    void texts(const std::vector<std::string>& values) {
        number(static_cast<std::uint32_t>(values.size()));
        for (const std::string& value : values) text(value);
    }

private:
    std::string& out_;
};

// After the first thing that is not there, nothing more is, and ok() says so.
class Reader {
public:
    explicit Reader(std::string_view& bytes) : bytes_(bytes) {}

    bool ok() const { return ok_; }

    template <class T>
        requires std::is_trivially_copyable_v<T>
    T number() {
        T value{};
        const std::string_view part = bytes(sizeof value);
        if (ok_) std::memcpy(&value, part.data(), sizeof value);
        return value;
    }
    std::string text() { return std::string(bytes(number<std::uint32_t>())); }

    template <class T>
        requires std::is_trivially_copyable_v<T>
    void numbers(std::vector<T>& out) {
        const std::size_t count = number<std::uint32_t>();
        const std::string_view part = bytes(count * sizeof(T));
        if (!ok_) return;
        out.resize(count);
        if (count > 0) std::memcpy(out.data(), part.data(), part.size());
    }
    std::vector<std::string> texts() {
        std::vector<std::string> out;
        for (auto count = number<std::uint32_t>(); ok_ && count > 0; --count) out.push_back(text());
        return out;
    }

private:
    std::string_view bytes(std::size_t count) {
        if (count > bytes_.size()) ok_ = false;
        if (!ok_) return {};
        const std::string_view part = bytes_.substr(0, count);
        bytes_.remove_prefix(count);
        return part;
    }

    std::string_view& bytes_;
    bool ok_ = true;
};

void put(Writer& writer, const Place& place) {
    writer.number(place.line);
    writer.number(place.column);
}

Place take_place(Reader& reader, const std::string& file) {
    Place place{file, 0, 0};
    place.line = reader.number<int>();
    place.column = reader.number<int>();
    return place;
}

void put(Writer& writer, const SetDefinition& set) {
    writer.text(set.name);
    writer.number(set.kind);
    put(writer, set.place);
    writer.number(static_cast<std::uint32_t>(set.values.size()));
    for (const Value& value : set.values) {
        writer.text(value.text);
        writer.number(value.line);
        writer.number(value.column);
    }
}

SetDefinition take_set(Reader& reader, const std::string& file) {
    SetDefinition set;
    set.name = reader.text();
    set.kind = static_cast<SetKind>(reader.number<std::uint8_t>());
    set.place = take_place(reader, file);
    for (auto count = reader.number<std::uint32_t>(); reader.ok() && count > 0; --count) {
        Value value;
        value.text = reader.text();
        value.line = reader.number<int>();
        value.column = reader.number<int>();
        set.values.push_back(std::move(value));
    }
    return set;
}

void put(Writer& writer, const ProfileDefinition& profile) {
    writer.text(profile.name);
    put(writer, profile.place);
    for (const auto* list : {&profile.gateways, &profile.gateway_macs, &profile.interfaces,
                             &profile.domains})
        writer.texts(*list);
}

ProfileDefinition take_profile(Reader& reader, const std::string& file) {
    ProfileDefinition profile;
    profile.name = reader.text();
    profile.place = take_place(reader, file);
    for (auto* list : {&profile.gateways, &profile.gateway_macs, &profile.interfaces,
                       &profile.domains})
        *list = reader.texts();
    return profile;
}

bool within(std::size_t first, std::size_t count, std::size_t size) {
    return first <= size && count <= size - first;
}

// A bool that is neither 0 nor 1 is no bool; read as what it is, it would be undefined.
bool is_flag(const bool& flag) {
    std::uint8_t byte;
    std::memcpy(&byte, &flag, sizeof byte);
    return byte <= 1;
}

bool sound(const SetDefinition& set) {
    return set.kind >= SetKind::addresses && set.kind <= SetKind::sha256;
}

}  // namespace

// Every number points to something.
bool RulePack::sound() const {
    const auto is_text = [&](TextId id) { return id < ends_.size(); };
    if (ends_.empty() || !std::ranges::is_sorted(ends_) || ends_.back() > arena_.size()) return false;
    for (const PackedValue& value : values_)
        if (!is_text(value.text)) return false;
    for (const PackedTerm& term : terms_)
        if (!within(term.first, term.count, values_.size()) || term.count == 0 ||
            !find_condition(condition_name_of(term)) || !is_flag(term.negated) ||
            !is_flag(term.inherited))
            return false;
    for (const PackedRule& rule : rules_)
        if (!is_text(rule.name) || !is_text(rule.comment) ||
            !within(rule.first_term, rule.terms, terms_.size()) ||
            !within(rule.first_tag, rule.tags, values_.size()) || rule.action > Action::reject ||
            rule.log > LogLevel::each || !is_flag(rule.enabled) || !is_flag(rule.may_expire))
            return false;
    return std::ranges::all_of(sets_, [](const auto& set) { return doorward::sound(set); });
}

std::string_view RulePack::condition_name_of(const PackedTerm& term) {
    if (term.condition > Condition::expires) return {};
    return term.condition == Condition::none ? std::string_view() : condition_name(term.condition);
}

void RulePackCodec::append(const RulePack& pack, std::string& out) {
    Writer writer(out);
    writer.number(version);
    writer.text(pack.file_);
    writer.text(pack.arena_);
    writer.numbers(pack.ends_);
    writer.numbers(pack.values_);
    writer.numbers(pack.terms_);
    writer.numbers(pack.rules_);
    put(writer, pack.first_item_);
    writer.number(static_cast<std::uint32_t>(pack.sets_.size()));
    for (const SetDefinition& set : pack.sets_) put(writer, set);
    writer.number(static_cast<std::uint32_t>(pack.profiles_.size()));
    for (const ProfileDefinition& profile : pack.profiles_) put(writer, profile);
}

std::shared_ptr<const RulePack> RulePackCodec::take(std::string_view& bytes) {
    Reader reader(bytes);
    if (reader.number<std::uint32_t>() != version) return nullptr;
    auto pack = std::make_shared<RulePack>();
    pack->file_ = reader.text();
    pack->arena_ = reader.text();
    reader.numbers(pack->ends_);
    reader.numbers(pack->values_);
    reader.numbers(pack->terms_);
    reader.numbers(pack->rules_);
    pack->first_item_ = take_place(reader, pack->file_);
    for (auto count = reader.number<std::uint32_t>(); reader.ok() && count > 0; --count)
        pack->sets_.push_back(take_set(reader, pack->file_));
    for (auto count = reader.number<std::uint32_t>(); reader.ok() && count > 0; --count)
        pack->profiles_.push_back(take_profile(reader, pack->file_));
    if (!reader.ok() || !pack->sound()) return nullptr;
    return pack;
}

}  // namespace doorward

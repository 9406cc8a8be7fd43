// SPDX-License-Identifier: GPL-2.0-or-later
#include "rules/rule_index.hpp"

#include <algorithm>
#include <bit>
#include <utility>

#include "rules/index_keys.hpp"

namespace doorward {

namespace {

using Kind = RuleIndex::Kind;

void insert(std::vector<std::uint8_t>& sorted, std::uint8_t value) {
    const auto at = std::ranges::lower_bound(sorted, value);
    if (at == sorted.end() || *at != value) sorted.insert(at, value);
}

// How much a decision suffers from having looked at it: what a cache can key on suffers little.
std::uint32_t weight(Kind kind) {
    switch (kind) {
        case Kind::path:
        case Kind::folder:
        case Kind::user:
        case Kind::to:
        case Kind::port: return 1;
        default: return 32;
    }
}

// About how many rules have a key. Too many where keys share a place, never too few.
class Counts {
public:
    explicit Counts(std::size_t rules)
        : counts_(std::bit_ceil(std::clamp<std::size_t>(rules * 4, 64, std::size_t{1} << 22))) {}

    std::uint32_t& of(std::uint64_t hash) { return counts_[hash & (counts_.size() - 1)]; }

private:
    std::vector<std::uint32_t> counts_;
};

}  // namespace

bool Candidates::add(const std::uint32_t* first, const std::uint32_t* last) {
    if (first == last) return true;
    // Several names of a flow may stand below the same domain.
    for (std::size_t i = 0; i < count_; ++i)
        if (cursors_[i].stop == last) return true;
    if (count_ == cursors_.size()) return false;
    cursors_[count_++] = {*first, first + 1, last};
    return true;
}

bool Candidates::add(std::uint32_t position) {
    for (std::size_t i = 0; i < count_; ++i)
        if (cursors_[i].head == position && !cursors_[i].stop) return true;
    if (count_ == cursors_.size()) return false;
    cursors_[count_++] = {position, nullptr, nullptr};
    return true;
}

std::uint32_t Candidates::next() {
    std::uint32_t least = end;
    for (std::size_t i = 0; i < count_; ++i) least = std::min(least, cursors_[i].head);
    if (least == end) return end;
    for (std::size_t i = 0; i < count_;) {
        Cursor& cursor = cursors_[i];
        if (cursor.head == least && cursor.rest == cursor.stop) {
            cursor = cursors_[--count_];
            continue;
        }
        if (cursor.head == least) cursor.head = *cursor.rest++;
        ++i;
    }
    return least;
}

class RuleIndex::Builder {
public:
    Builder(RuleIndex& index, const CompiledRules& rules, const Terms& terms)
        : index_(index), rules_(rules), terms_(terms), counts_(rules.size()) {}

    void build() {
        index_.first_.fill(Candidates::end);
        for (const CompiledRule& rule : rules_)
            if (rule.enabled) each_term(rule, [&] { count(); });
        for (std::uint32_t at = 0; at < rules_.size(); ++at)
            if (rules_[at].enabled) place(at);
        std::ranges::sort(entries_);
        index_.table_ = IndexTable(entries_);
        index_.everywhere_.shrink_to_fit();
        index_.enabled_.shrink_to_fit();
    }

private:
    void each_term(const CompiledRule& rule, const auto& act) {
        for (std::uint32_t i = 0; i < rule.terms; ++i) {
            keys_of(terms_.term(rule, i), terms_, keys_);
            if (keys_.kind != Kind::none) act();
        }
    }

    void count() {
        for (const std::uint64_t key : keys_.keys) counts_.of(key)++;
    }

    void place(std::uint32_t at) {
        index_.enabled_.push_back(at);
        TermKeys best;
        std::uint64_t least = ~std::uint64_t{0};
        each_term(rules_[at], [&] {
            std::uint64_t cost = keys_.keys.size() / 8;
            for (const std::uint64_t key : keys_.keys)
                cost = std::max<std::uint64_t>(cost, counts_.of(key));
            cost *= weight(keys_.kind);
            if (cost >= least) return;
            least = cost;
            best = keys_;
        });
        if (best.kind == Kind::none) {
            index_.everywhere_.push_back(at);
            return;
        }
        for (const std::uint64_t key : best.keys) entries_.emplace_back(key, at);
        for (const std::uint8_t length : best.lengths) note_length(best, length);
        auto& first = index_.first_[static_cast<std::size_t>(best.kind)];
        first = std::min(first, at);
    }

    void note_length(const TermKeys& keys, std::uint8_t length) {
        if (keys.kind == Kind::port) return insert(index_.port_lengths_, length);
        Lengths& lengths = index_.lengths_[keys.kind == Kind::from];
        if (keys.v4) insert(lengths.v4, length);
        if (keys.v6) insert(lengths.v6, length);
    }

    RuleIndex& index_;
    const CompiledRules& rules_;
    const Terms& terms_;
    Counts counts_;
    TermKeys keys_;
    std::vector<IndexTable::Entry> entries_;
};

RuleIndex::RuleIndex(const CompiledRules& rules, const Terms& terms) {
    Builder(*this, rules, terms).build();
}

void RuleIndex::add_folders(std::string_view path, Lookups& out) const {
    IndexHash hash(Kind::folder);
    for (const char c : path) {
        hash.add_byte(static_cast<std::uint8_t>(c));
        if (c == '/') out.add(hash.value());
    }
}

void RuleIndex::add_control_group(const ControlGroup& group, Lookups& out) const {
    if (has(Kind::unit))
        for (const auto& unit : group.units) out.add(text_key(Kind::unit, unit));
    if (has(Kind::slice))
        for (const auto& slice : group.slices) out.add(text_key(Kind::slice, slice));
    if (has(Kind::container)) out.add(text_key(Kind::container, group.container));
}

void RuleIndex::add_process(const Process& process, Lookups& out) const {
    for (const std::string_view path : {std::string_view(process.exe),
                                        std::string_view(process.appimage)}) {
        if (path.empty()) continue;
        if (has(Kind::path)) out.add(text_key(Kind::path, path));
        if (has(Kind::folder)) add_folders(path, out);
    }
    if (has(Kind::user)) out.add(number_key(Kind::user, process.uid));
    if (has(Kind::group)) out.add(number_key(Kind::group, process.gid));
    add_control_group(process.control_group, out);
    if (has(Kind::parent))
        for (const auto& parent : process.ancestors) out.add(text_key(Kind::parent, parent));
    if (has(Kind::script)) out.add(text_key(Kind::script, process.script));
}

void RuleIndex::add_addresses(Kind kind, const Address& address, Lookups& out) const {
    if (!has(kind)) return;
    const Lengths& lengths = lengths_[kind == Kind::from];
    for (const std::uint8_t length : address.is_v4() ? lengths.v4 : lengths.v6)
        out.add(prefix_key(kind, address, length));
}

void RuleIndex::add_ports(std::uint16_t port, Lookups& out) const {
    for (const std::uint8_t length : port_lengths_) out.add(port_key(port, length));
}

void RuleIndex::add_domains(const Flow& flow, Lookups& out) const {
    if (!has(Kind::domain) || flow.direction != Direction::out) return;
    for (const std::string_view name : flow.names) {
        // The keys of a name end as it does: from the back, one pass makes them all.
        IndexHash hash(Kind::domain);
        for (std::size_t at = name.size(); at-- > 0;) {
            hash.add_byte(static_cast<std::uint8_t>(name[at]));
            if (name[at] == '.' || at == 0) out.add(hash.value());
        }
    }
}

void RuleIndex::add_all(const Flow& flow, Lookups& out) const {
    if (flow.process) add_process(*flow.process, out);
    add_addresses(Kind::to, flow.destination(), out);
    add_addresses(Kind::from, flow.source(), out);
    if (has(Kind::port) && has_ports(flow.protocol)) add_ports(flow.destination_port(), out);
    add_domains(flow, out);
}

void RuleIndex::candidates(const Flow& flow, Candidates& out) const {
    if (table_.empty()) return;  // no rules
    out.add(everywhere_.data(), everywhere_.data() + everywhere_.size());
    Lookups lookups(table_, out);
    add_all(flow, lookups);
    if (lookups.finish()) return;
    out.clear();
    out.add(enabled_.data(), enabled_.data() + enabled_.size());
}

void RuleIndex::note(const Flow& flow, std::uint32_t winner, Inputs& inputs) const {
    const auto looked = [&](Kind kind) {
        return first_[static_cast<std::size_t>(kind)] < winner;
    };
    const bool out = flow.direction != Direction::in;
    if (table_.empty()) return;
    if (looked(Kind::path) || looked(Kind::folder)) inputs.add(Input::executable);
    if (looked(Kind::user)) inputs.add(Input::user);
    if (looked(Kind::group)) inputs.add(Input::group);
    if (looked(Kind::unit) || looked(Kind::slice) || looked(Kind::container))
        inputs.add(Input::control_group);
    if (looked(Kind::parent)) inputs.add(Input::ancestors);
    if (looked(Kind::script)) inputs.add(Input::script);
    if (looked(Kind::to)) inputs.add(out ? Input::remote_address : Input::local_address);
    if (looked(Kind::from)) inputs.add(out ? Input::local_address : Input::remote_address);
    if (looked(Kind::port)) inputs.add(Input::protocol);
    if (looked(Kind::port) && has_ports(flow.protocol))
        inputs.add(out ? Input::remote_port : Input::local_port);
    if (looked(Kind::domain) && flow.direction == Direction::out) inputs.add(Input::domain);
    if (looked(Kind::to) || looked(Kind::from) || looked(Kind::port) || looked(Kind::domain))
        inputs.add(Input::direction);
}

std::size_t RuleIndex::memory() const {
    return table_.memory() +
           (everywhere_.capacity() + enabled_.capacity()) * sizeof(std::uint32_t);
}

}  // namespace doorward

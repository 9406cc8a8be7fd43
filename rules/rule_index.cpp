// SPDX-License-Identifier: GPL-2.0-or-later
#include "rules/rule_index.hpp"

#include <algorithm>
#include <bit>
#include <utility>

#include "rules/index_keys.hpp"

namespace doorward {

namespace {

using Kind = RuleIndex::Kind;

std::uint32_t tag_of(std::uint64_t hash) { return static_cast<std::uint32_t>(hash >> 32); }
std::uint8_t filter_of(std::uint64_t hash) { return static_cast<std::uint8_t>(hash >> 56 | 1); }

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
    Builder(RuleIndex& index, const std::vector<CompiledRule>& rules, const Terms& terms)
        : index_(index), rules_(rules), terms_(terms), counts_(rules.size()) {}

    void build() {
        index_.first_.fill(Candidates::end);
        for (const CompiledRule& rule : rules_)
            if (rule.enabled) each_term(rule, [&] { count(); });
        for (std::uint32_t at = 0; at < rules_.size(); ++at)
            if (rules_[at].enabled) place(at);
        std::ranges::sort(entries_);
        fill();
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

    void fill() {
        const auto distinct = [&] {
            std::size_t count = 0;
            for (std::size_t i = 0; i < entries_.size(); ++i)
                count += i == 0 || entries_[i].first != entries_[i - 1].first;
            return count;
        }();
        const std::size_t room = std::bit_ceil(std::max<std::size_t>(distinct * 3 / 2, 1) + 1);
        index_.slots_.resize(room);
        index_.filter_.resize(room);
        index_.lists_.push_back(0);  // so that no list is number 0
        for (std::size_t i = 0; i < entries_.size();) {
            std::size_t end = i;
            while (end < entries_.size() && entries_[end].first == entries_[i].first) ++end;
            put(i, end);
            i = end;
        }
        index_.lists_.shrink_to_fit();
    }

    void put(std::size_t first, std::size_t last) {
        auto& slots = index_.slots_;
        const std::uint64_t hash = entries_[first].first;
        std::size_t at = hash & (slots.size() - 1);
        while (index_.filter_[at] != 0) at = (at + 1) & (slots.size() - 1);
        index_.filter_[at] = filter_of(hash);
        slots[at].tag = tag_of(hash);
        if (last - first == 1) {
            slots[at].list = entries_[first].second * 2 + 1;
            return;
        }
        slots[at].list = static_cast<std::uint32_t>(index_.lists_.size()) * 2;
        index_.lists_.push_back(0);
        const std::size_t begin = index_.lists_.size();
        for (; first < last; ++first)
            if (index_.lists_.size() == begin || index_.lists_.back() != entries_[first].second)
                index_.lists_.push_back(entries_[first].second);
        index_.lists_[begin - 1] = static_cast<std::uint32_t>(index_.lists_.size() - begin);
    }

    RuleIndex& index_;
    const std::vector<CompiledRule>& rules_;
    const Terms& terms_;
    Counts counts_;
    TermKeys keys_;
    std::vector<std::pair<std::uint64_t, std::uint32_t>> entries_;
};

RuleIndex::RuleIndex(const std::vector<CompiledRule>& rules, const Terms& terms) {
    Builder(*this, rules, terms).build();
}

// Another hash with the same tag that was displaced to near this place is taken for it, too.
bool RuleIndex::look_up(std::uint64_t hash, Candidates& out) const {
    const std::size_t mask = slots_.size() - 1;
    const std::uint32_t tag = tag_of(hash);
    const std::uint8_t filter = filter_of(hash);
    for (std::size_t at = hash & mask; filter_[at] != 0; at = (at + 1) & mask) {
        if (filter_[at] != filter || slots_[at].tag != tag) continue;
        const std::uint32_t list = slots_[at].list;
        if (list & 1) {
            if (!out.add(list / 2)) return false;
        } else {
            const std::uint32_t* const size = lists_.data() + list / 2;
            if (!out.add(size + 1, size + 1 + *size)) return false;
        }
    }
    return true;
}

bool RuleIndex::add_folders(std::string_view path, Candidates& out) const {
    IndexHash hash(Kind::folder);
    for (const char c : path) {
        hash.add_byte(static_cast<std::uint8_t>(c));
        if (c == '/' && !look_up(hash.value(), out)) return false;
    }
    return true;
}

bool RuleIndex::add_control_group(const ControlGroup& group, Candidates& out) const {
    if (has(Kind::unit))
        for (const auto& unit : group.units)
            if (!look_up(text_key(Kind::unit, unit), out)) return false;
    if (has(Kind::slice))
        for (const auto& slice : group.slices)
            if (!look_up(text_key(Kind::slice, slice), out)) return false;
    return !has(Kind::container) || look_up(text_key(Kind::container, group.container), out);
}

bool RuleIndex::add_process(const Process& process, Candidates& out) const {
    for (const std::string_view path : {std::string_view(process.exe),
                                        std::string_view(process.appimage)}) {
        if (path.empty()) continue;
        if (has(Kind::path) && !look_up(text_key(Kind::path, path), out)) return false;
        if (has(Kind::folder) && !add_folders(path, out)) return false;
    }
    if (has(Kind::user) && !look_up(number_key(Kind::user, process.uid), out)) return false;
    if (has(Kind::group) && !look_up(number_key(Kind::group, process.gid), out)) return false;
    if (!add_control_group(process.control_group, out)) return false;
    if (has(Kind::parent))
        for (const auto& parent : process.ancestors)
            if (!look_up(text_key(Kind::parent, parent), out)) return false;
    return !has(Kind::script) || look_up(text_key(Kind::script, process.script), out);
}

bool RuleIndex::add_addresses(Kind kind, const Address& address, Candidates& out) const {
    if (!has(kind)) return true;
    const Lengths& lengths = lengths_[kind == Kind::from];
    for (const std::uint8_t length : address.is_v4() ? lengths.v4 : lengths.v6)
        if (!look_up(prefix_key(kind, address, length), out)) return false;
    return true;
}

bool RuleIndex::add_ports(std::uint16_t port, Candidates& out) const {
    for (const std::uint8_t length : port_lengths_)
        if (!look_up(port_key(port, length), out)) return false;
    return true;
}

bool RuleIndex::add_domains(const Flow& flow, Candidates& out) const {
    if (!has(Kind::domain) || flow.direction != Direction::out) return true;
    for (const std::string_view name : flow.names) {
        // The keys of a name end as it does: from the back, one pass makes them all.
        IndexHash hash(Kind::domain);
        for (std::size_t at = name.size(); at-- > 0;) {
            hash.add_byte(static_cast<std::uint8_t>(name[at]));
            if ((name[at] == '.' || at == 0) && !look_up(hash.value(), out)) return false;
        }
    }
    return true;
}

bool RuleIndex::add_all(const Flow& flow, Candidates& out) const {
    if (flow.process && !add_process(*flow.process, out)) return false;
    if (!add_addresses(Kind::to, flow.destination(), out)) return false;
    if (!add_addresses(Kind::from, flow.source(), out)) return false;
    if (has(Kind::port) && has_ports(flow.protocol) && !add_ports(flow.destination_port(), out))
        return false;
    return add_domains(flow, out);
}

void RuleIndex::candidates(const Flow& flow, Candidates& out) const {
    if (slots_.empty()) return;  // no rules
    out.add(everywhere_.data(), everywhere_.data() + everywhere_.size());
    if (add_all(flow, out)) return;
    out.clear();
    out.add(enabled_.data(), enabled_.data() + enabled_.size());
}

void RuleIndex::note(const Flow& flow, std::uint32_t winner, Inputs& inputs) const {
    const auto looked = [&](Kind kind) {
        return first_[static_cast<std::size_t>(kind)] < winner;
    };
    const bool out = flow.direction != Direction::in;
    if (slots_.empty()) return;
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
    return slots_.capacity() * sizeof(Slot) + filter_.capacity() +
           (lists_.capacity() + everywhere_.capacity() + enabled_.capacity()) *
               sizeof(std::uint32_t);
}

}  // namespace doorward

// SPDX-License-Identifier: GPL-2.0-or-later
#include "fwd/verdict_cache.hpp"

#include <algorithm>
#include <cstring>

#include "fwd/bindings.hpp"

namespace doorward {
namespace {

// What the key tells, and what can't change without a new generation.
constexpr std::uint32_t keyed =
    static_cast<std::uint32_t>(Input::executable) | static_cast<std::uint32_t>(Input::user) |
    static_cast<std::uint32_t>(Input::group) | static_cast<std::uint32_t>(Input::direction) |
    static_cast<std::uint32_t>(Input::protocol) | static_cast<std::uint32_t>(Input::remote_address) |
    static_cast<std::uint32_t>(Input::remote_port) | static_cast<std::uint32_t>(Input::network) |
    static_cast<std::uint32_t>(Input::injected);

std::uint64_t state_of(const Decided& decided, std::uint64_t generation) {
    return generation << DW_VERDICT_BITS |
           (decided.verdict == Action::accept ? DW_VERDICT_ACCEPT : DW_VERDICT_DENY);
}

// The kernel reads and counts there meanwhile.
void store(dw_u64& word, std::uint64_t value) { __atomic_store_n(&word, value, __ATOMIC_RELEASE); }
std::uint64_t load(const dw_u64& word) { return __atomic_load_n(&word, __ATOMIC_ACQUIRE); }

dw_process_key key_of(const Process& process) {
    return {.start_ns = process.start_ns, .exec_id = process.exec_id, .pid = process.pid, .pad = 0};
}

// What is known if any process of that program, and user, may have been the one.
std::shared_ptr<const Process> program_of(const Process& process) {
    auto program = std::make_shared<Process>();
    program->exe = process.exe;
    program->uid = process.uid;
    program->gid = process.gid;
    program->injected = process.injected;
    return program;
}

}  // namespace

std::optional<dw_verdict_key> verdict_key(const Decided& decided, Inputs depends_on) {
    const Flow& flow = decided.flow;
    if ((depends_on.bits() & ~keyed) != 0 || flow.direction != Direction::out) return std::nullopt;
    if (!decided.process || decided.identity == 0 || !has_sockets(flow.protocol)) return std::nullopt;
    dw_verdict_key key{};
    key.identity = decided.identity;
    std::memcpy(key.remote, flow.remote.bytes.data(), sizeof(key.remote));
    key.uid = decided.process->uid;
    key.gid = decided.process->gid;
    key.remote_port = flow.remote_port;
    key.protocol = static_cast<dw_u8>(flow.protocol);
    return key;
}

std::size_t VerdictCache::HashKey::operator()(const dw_verdict_key& key) const {
    return HashBytes{}(key);
}

bool VerdictCache::SameKey::operator()(const dw_verdict_key& a, const dw_verdict_key& b) const {
    return std::memcmp(&a, &b, sizeof(a)) == 0;
}

VerdictCache::VerdictCache(VerdictMemory memory) : memory_(std::move(memory)) {}

void VerdictCache::suspend() {
    if (dw_verdict_state* state = memory_.state()) store(state->generation, 0);
}

void VerdictCache::resume(std::uint64_t generation) {
    generation_ = generation;
    if (dw_verdict_state* state = memory_.state()) store(state->generation, generation);
}

void VerdictCache::remember(const Decided& decided, Inputs depends_on, std::uint64_t generation,
                            std::uint64_t now_ns, const Sink& sink) {
    if (memory_.capacity() == 0 || generation != generation_) return;
    const auto key = verdict_key(decided, depends_on);
    if (!key) return;
    const std::uint64_t state = state_of(decided, generation);
    if (const auto known = index_.find(*key); known != index_.end()) {
        Entry& entry = entries_[known->second];
        // Another packet of the kind was on its way here already.
        if (load(memory_.slot(entry.slot).state) == state) return;
        dw_verdict_slot& slot = memory_.slot(entry.slot);
        store(slot.state, 0);
        report(entry, decided.time_us, sink);
        // The kernel may be about to count one more of those before.
        const dw_process_key who = key_of(*decided.process);
        const bool others = load(slot.by_others) != 0 || std::memcmp(&who, &slot.who, sizeof(who)) != 0 ||
                            slot.cgroup_id != decided.process->cgroup_id;
        count_denials(entry, -1);
        fill(entry, decided, state, others, now_ns);
        return;
    }
    Entry* entry = take_entry();
    if (entry == nullptr || !memory_.put(*key, entry->slot)) {
        if (entry != nullptr) free_.push_back(entry->slot);
        no_room_++;
        return;
    }
    entry->key = *key;
    index_.emplace(*key, entry->slot);
    live_ = index_.size();
    fill(*entry, decided, state, false, now_ns);
}

VerdictCache::Entry* VerdictCache::take_entry() {
    if (!free_.empty()) {
        Entry& entry = entries_[free_.back()];
        free_.pop_back();
        return &entry;
    }
    if (entries_.size() >= memory_.capacity()) return nullptr;
    const auto slot = static_cast<std::uint32_t>(entries_.size());
    entries_.emplace_back().slot = slot;
    return &entries_.back();
}

void VerdictCache::fill(Entry& entry, const Decided& decided, std::uint64_t state, bool by_others,
                        std::uint64_t now_ns) {
    dw_verdict_slot& slot = memory_.slot(entry.slot);
    entry.decided = decided;
    become_repeat(entry.decided);
    entry.by_others = false;
    entry.used_ns = now_ns;
    entry.retired_ns = 0;
    entry.collected = load(slot.count);
    slot.key = entry.key;
    slot.who = key_of(*decided.process);
    slot.cgroup_id = decided.process->cgroup_id;
    store(slot.by_others, by_others ? 1 : 0);
    count_denials(entry, 1);
    store(slot.state, state);
}

void VerdictCache::count_denials(const Entry& entry, int by) {
    if (entry.decided.verdict == Action::accept) return;
    denials_ += static_cast<std::uint64_t>(static_cast<std::int64_t>(by));
    store(memory_.state()->denials, denials_);
}

// The count first: what it counts has been said in `by_others` before.
void VerdictCache::report(Entry& entry, std::int64_t time_us, const Sink& sink) {
    const dw_verdict_slot& slot = memory_.slot(entry.slot);
    const std::uint64_t count = load(slot.count);
    const std::uint64_t times = count - entry.collected;
    if (times == 0) return;
    entry.collected = count;
    if (!entry.by_others && load(slot.by_others) != 0) {
        entry.by_others = true;
        entry.decided.process = program_of(*entry.decided.process);
        entry.decided.flow.process = entry.decided.process.get();
    }
    given_ += times;
    Decided repeats = entry.decided;
    repeats.time_us = time_us;
    repeats.count = times;
    sink(std::move(repeats));
}

// The kernel may be about to count once more.
void VerdictCache::retire(Entry& entry, std::uint64_t now_ns) {
    store(memory_.slot(entry.slot).state, 0);
    entry.retired_ns = now_ns;
}

void VerdictCache::collect(std::uint64_t now_ns, std::int64_t time_us, const Sink& sink) {
    collect_at_ns_ = now_ns + interval_ns;
    if (dw_verdict_state* state = memory_.state()) store(state->until_ns, now_ns + alive_ns);
    for (auto next = index_.begin(); next != index_.end();) {
        Entry& entry = entries_[next->second];
        const std::uint64_t before = entry.collected;
        report(entry, time_us, sink);
        if (entry.collected != before) entry.used_ns = now_ns;
        if (entry.retired_ns == 0) {
            const std::uint64_t state = load(memory_.slot(entry.slot).state);
            if (state >> DW_VERDICT_BITS != generation_) retire(entry, now_ns);
        } else if (now_ns - entry.retired_ns >= interval_ns) {
            memory_.remove(entry.key);
            count_denials(entry, -1);
            entry.decided = {};  // holds rules
            free_.push_back(entry.slot);
            next = index_.erase(next);
            continue;
        }
        ++next;
    }
    live_ = index_.size();
    if (free_.empty() && entries_.size() >= memory_.capacity()) make_room(now_ns);
}

// An eighth of all, of those that were not used in the last interval: they can be had again by the next
// collect().
void VerdictCache::make_room(std::uint64_t now_ns) {
    std::vector<Entry*> idle;
    for (Entry& entry : entries_)
        if (entry.retired_ns == 0 && entry.used_ns + interval_ns < now_ns) idle.push_back(&entry);
    const std::size_t wanted = std::min(idle.size(), memory_.capacity() / 8 + 1);
    std::ranges::partial_sort(idle, idle.begin() + static_cast<std::ptrdiff_t>(wanted), {}, &Entry::used_ns);
    for (std::size_t i = 0; i < wanted; ++i) retire(*idle[i], now_ns);
    displaced_ += wanted;
}

VerdictCounters VerdictCache::counters() const {
    return {live_, memory_.capacity(), given_, displaced_, no_room_};
}

}  // namespace doorward

// SPDX-License-Identifier: GPL-2.0-or-later
#include "fwd/guard.hpp"

#include <algorithm>
#include <random>

#include <sys/eventfd.h>

#include "fwd/run_delay.hpp"
#include "rules/glob.hpp"

namespace doorward {
namespace {

constexpr std::size_t processes_shown = 256;  // remembered between two looks at the open flows

// An eighth for one file: a large one must not keep the programs with small ones waiting.
ParkedPackets::Limits parking_of(const DigestLimits& limits) {
    return {.packets = limits.parked_packets,
            .of_one_file = std::max<std::size_t>(limits.parked_packets / 8, 1),
            .wait_ns = std::uint64_t{limits.wait_ms} * 1'000'000};
}

// So that a program which sends one packet and is gone need not be met twice.
void prefetch_contents(ContentWorker& contents, const Ruleset& rules) {
    for (const auto& pack : rules.packs())
        for (std::size_t at = 0; at < pack->size(); ++at) {
            const RulePack::PackedRule& rule = pack->packed(at);
            Facts wanted;
            std::vector<std::string> paths;
            for (const RulePack::PackedTerm& term : pack->terms(rule)) {
                if (term.condition == Condition::sha256) wanted.add(Fact::sha256);
                if (term.condition == Condition::verity) wanted.add(Fact::verity);
                if (term.condition == Condition::package) wanted.add(Fact::package);
                if (term.condition != Condition::app || term.negated) continue;
                for (const RulePack::PackedValue& value : pack->values(term))
                    if (const auto text = pack->text(value.text);
                        text.starts_with('/') && !Glob::is_pattern(text))
                        paths.emplace_back(text);
            }
            if (rule.enabled && !wanted.none()) contents.prefetch(std::move(paths), wanted);
        }
}

}  // namespace

Guard::Guard(const Config& config)
    : marks_(config.mark_mask), first_generation_(std::random_device{}()),
      parking_(parking_of(config.digests)),
      queues_(config.queues != 0 ? config.queues : queues_for(usable_processors(), config.queue)),
      busy_wait_(config.busy_wait && usable_processors() > queues_), name_sources_(config.dns) {}

Result<std::unique_ptr<Guard>> Guard::attach(const Config& config) {
    std::unique_ptr<Guard> guard(new Guard(config));
    const auto cookie = netns_cookie();
    if (!cookie) return std::unexpected(cookie.error());
    auto probes = Probes::attach({.hooks = config.hooks,
                                  .limits = config.limits,
                                  .packet_sockets = config.packet_sockets,
                                  .netns_cookie = *cookie,
                                  .names = config.dns.enabled,
                                  .foreign = config.forward == PassPolicy::filter,
                                  .verdicts = config.verdict_cache,
                                  .denied_as = config.denied_as,
                                  .slot_shift = guard->marks_.slot_shift()});
    if (!probes) return std::unexpected(probes.error());
    guard->probes_.emplace(std::move(*probes));
    return guard;
}

Result<void> Guard::begin(const Config& config, std::shared_ptr<const Ruleset> rules,
                          std::shared_ptr<const NetworkState> network, Pipeline::Sink sink) {
    network_ = std::move(network);
    const std::uint32_t mark = marks_.generation(first_generation_ + applied_);
    name_sources_.refresh();
    active_ = std::make_shared<const ActiveRules>(std::move(rules), config.mode, mark, with_names(), nullptr);
    measures_delay_ = RunDelay::open().has_value();
    lost_event_ = Fd(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
    if (!lost_event_) return sys_fail("create an event descriptor");

    // After the hooks, which thus have seen all that is queued, also by the table of a daemon that was
    // killed. Before all else: the queues are what a second daemon in this namespace is refused by.
    if (auto opened = open_queues(config); !opened) return opened;

    auto conntrack = Conntrack::open();
    if (!conntrack) return std::unexpected(conntrack.error());
    conntrack_.emplace(std::move(*conntrack));

    ContentWorker::Options options;
    options.cached = config.digests.files;
    auto contents = ContentWorker::start(std::move(options));
    if (!contents) return std::unexpected(contents.error());
    contents_ = std::move(*contents);
    prefetch_contents(*contents_, *active_.load()->rules);

    if (auto opened = open_names(config); !opened) return opened;
    processes_.emplace(ProcessTable::of_maps(probes_->processes_fd(), probes_->programs_fd(),
                                             config.limits.processes));
    for (const auto& reader : readers_)
        if (auto known = reader->know_senders(*probes_, *processes_); !known) return known;
    flow_senders_.emplace(Senders::of_map(probes_->senders_fd()), Bindings::of_table(probes_->bindings()),
                          ProcessTable::of_maps(probes_->processes_fd(), probes_->programs_fd(),
                                                processes_shown));
    if (auto opened = open_verdicts(config); !opened) return opened;
    grants_.emplace(Grants::of_map(probes_->grants_fd()), probes_->grant_state());
    pipeline_.emplace(marks_, *names_, active_, *contents_, parking_, *verdicts_, *grants_, std::move(sink));
    auto open = accept_open();
    if (!open) return std::unexpected(open.error());
    start_threads();
    return close_gate(config, mark, *open);
}

// Connections that a daemon before this one has accepted, and that these rules accept as well. Decided while its
// table still lets them pass, they don't have to wait for the queue, which may be flooded: TCP waits twice as long
// each time that a packet is lost. And they go on if this daemon dies before their next packet.
Result<OpenConnections> Guard::accept_open() {
    const auto flows = conntrack_->list();
    if (!flows) return std::unexpected(flows.error());
    OpenConnections accepted;
    for (const TrackedFlow& flow : *flows)
        if (marks_.ours(flow.mark) != 0 && pipeline_->accept_open(flow, readers_.front()->lane())) accepted.add(flow);
    return accepted;
}

Result<void> Guard::open_names(const Config& config) {
    std::optional<DnsRing> ring;
    if (config.dns.enabled) {
        auto opened = DnsRing::open(probes_->dns_ring_fd(), DW_DNS_RING_BYTES);
        if (!opened) return std::unexpected(opened.error());
        ring.emplace(std::move(*opened));
    }
    names_.emplace(std::move(ring), NameTable::Limits{config.limits.names, config.limits.dns_queries,
                                                      config.dns.minimum_ttl});
    names_->set_hosts(name_sources_.hosts());
    return probes_->believe(name_sources_.resolvers());
}

Result<void> Guard::open_verdicts(const Config& config) {
    VerdictMemory memory;
    if (config.verdict_cache) {
        auto mapped = probes_->verdict_memory(config.limits.verdicts);
        if (!mapped) return std::unexpected(mapped.error());
        memory = std::move(*mapped);
    }
    verdicts_.emplace(std::move(memory));
    return {};
}

Result<void> Guard::refresh_names() {
    if (!name_sources_.refresh()) return {};
    names_->set_hosts(name_sources_.hosts());
    if (auto believed = probes_->believe(name_sources_.resolvers()); !believed) return believed;
    return update_network();
}

Result<void> Guard::set_network(std::shared_ptr<const NetworkState> network) {
    network_ = std::move(network);
    return update_network();
}

std::shared_ptr<const NetworkState> Guard::with_names() const {
    if (!network_) return nullptr;
    auto state = std::make_shared<NetworkState>(*network_);
    state->network.dns = name_sources_.servers();
    state->network.domains = name_sources_.search_domains();
    return state;
}

Result<void> Guard::update_network() {
    auto network = with_names();
    const auto now = active_.load();
    if (network && now->network ? *network == *now->network : network == now->network) return {};
    if (now->rules->asks_network()) return publish(now->rules, now->mode, std::move(network));
    // No decision depends on it; but an address that is this host's own now may pass over loopback, unasked.
    verdicts_->suspend();
    active_ = std::make_shared<const ActiveRules>(now->rules, now->mode, now->accept_mark,
                                                  std::move(network), now.get());
    verdicts_->resume(now->generation + 1);
    return {};
}

// The daemon first, the table second: a packet decided in between carries a mark that the table
// doesn't take for a decision, and its flow is asked about once more. The other way round, an
// old decision would be taken for a new one.
Result<void> Guard::publish(std::shared_ptr<const Ruleset> rules, Mode mode,
                            std::shared_ptr<const NetworkState> network) {
    applied_++;
    const std::uint32_t mark = marks_.generation(first_generation_ + applied_);
    const auto now = active_.load();
    verdicts_->suspend();
    active_ = std::make_shared<const ActiveRules>(std::move(rules), mode, mark, std::move(network),
                                                  now.get());
    grants_->begin(active_.load()->granted_as);
    if (auto set = table_->set_generation(mark); !set) return set;
    verdicts_->resume(now->generation + 1);
    return next_generation();
}

// From the first line on packets are queued, and somebody is there to answer. Before the first
// generation no flow counts as decided: so no mark that an earlier daemon's table has left, or still leaves, can be
// taken for one of ours when ours begin to count.
Result<void> Guard::close_gate(const Config& config, std::uint32_t mark, const OpenConnections& open) {
    auto table = NftTable::install({.queue = config.queue,
                                    .queues = queues_,
                                    .marks = marks_,
                                    .generation_mark = marks_.none_yet(),
                                    .bypass = config.mode == Mode::observe,
                                    .filter_loopback = config.loopback == PassPolicy::filter,
                                    .filter_forward = config.forward == PassPolicy::filter,
                                    .programs = probes_->table_programs()});
    if (!table) return std::unexpected(table.error());
    table_.emplace(std::move(*table));
    const auto carried = [&](const TrackedFlow& flow) { return open.has(flow) ? mark : 0; };
    if (auto changed = conntrack_->change_marks(marks_.mask(), carried); !changed)
        return std::unexpected(changed.error());
    grants_->begin(active_.load()->granted_as);
    if (auto set = table_->set_generation(mark); !set) return set;
    verdicts_->resume(active_.load()->generation);
    if (table_->knows_senders()) probes_->leave_datagrams_to_table();
    return {};
}

std::vector<MissingFeature> Guard::missing() const {
    auto missing = probes_->missing();
    if (!table_->knows_senders())
        missing.push_back({"xt_bpf, the BPF match of netfilter",
                           "senders on raw sockets, and without fentry and kprobes also on connected UDP and "
                           "ping sockets, stay unknown; a datagram socket that takes over another "
                           "program's port within conntrack's time-out inherits its verdict; no "
                           "flow is accepted by the kernel itself; host names are known from the hosts file only"});
    if (!table_->asks_source())
        missing.push_back({"nft_fib, netfilter's look-up of addresses",
                           "a program that sends over loopback in another host's name (IPv6) has the kernel answer "
                           "that host with what it sent; what is sent to all of a network is named after one of "
                           "its receivers"});
    if (busy_wait_ && !measures_delay_)
        missing.push_back({"/proc/thread-self/schedstat, a thread's delays",
                           "packet threads sleep also between packets that come quickly one after the other, and "
                           "each waits until one has woken"});
    return missing;
}

std::array<std::uint64_t, DW_FAILURES> Guard::map_failures() const {
    auto failures = probes_->failures();
    failures[DW_FAIL_GRANTS] += grants_->refused();
    return failures;
}

Result<void> Guard::apply(std::shared_ptr<const Ruleset> rules, Mode mode) {
    const auto before = active_.load();
    if (mode == Mode::enforce && before->mode != mode) {
        if (auto closed = table_->set_bypass(false); !closed) return closed;
    }
    prefetch_contents(*contents_, *rules);
    if (auto published = publish(std::move(rules), mode, before->network); !published) return published;
    if (mode == Mode::observe && before->mode != mode) return table_->set_bypass(true);
    return {};
}

Result<void> Guard::restore_table() {
    if (auto put = table_->put_again(); !put) return put;
    const auto now = active_.load();
    return publish(now->rules, now->mode, now->network);
}

// Marks are few, so they come round again: before they do, no flow may carry an old one.
Result<void> Guard::next_generation() {
    if (applied_ - swept_at_ + 1 < marks_.generations()) return {};
    swept_at_ = applied_;
    if (auto cleared = conntrack_->clear_marks(marks_.mask()); !cleared)
        return std::unexpected(cleared.error());
    return {};
}

Result<void> Guard::stop() {
    Result<void> removed = {};
    if (table_) {
        removed = table_->remove();
        table_.reset();
    }
    end_threads();
    return removed;
}

void Guard::abandon() {
    if (table_) table_->leave();
    table_.reset();
    end_threads();
}

Guard::~Guard() { (void)stop(); }

}  // namespace doorward

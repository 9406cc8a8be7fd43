// SPDX-License-Identifier: GPL-2.0-or-later
#include "fwd/daemon.hpp"

#include <algorithm>
#include <ctime>

#include <fmt/format.h>
#include <signal.h>
#include <systemd/sd-daemon.h>

#include "fwd/confinement.hpp"
#include "fwd/explain.hpp"
#include "fwd/log.hpp"
#include "fwd/service_manager.hpp"
#include "fwd/startup_pages.hpp"
#include "fwd/version.hpp"
#include "rules/shadow.hpp"

namespace doorward {
namespace {

constexpr std::uint64_t tick_us = 1'000'000;
constexpr std::uint64_t ticks_per_look_at_lists = 5;
constexpr std::chrono::seconds flush_at_end{5};

// A rule with `log: journal` matched.
std::string journal_line(const AuditRecord& record) {
    const std::string pid = record.pid == 0 ? "several" : std::to_string(record.pid);
    const std::string who = record.exe.empty()
                                ? fmt::format("unknown ({})", unknown_name(record.unknown))
                                : fmt::format("{} (pid {}, uid {})", record.exe, pid, record.uid);
    const std::string times = record.count == 1 ? "" : fmt::format(" ({} times)", record.count);
    return fmt::format("{} {} {} {} {} port {} by rule {}{}", action_name(record.verdict), who,
                       direction_name(record.direction), protocol_name(record.protocol),
                       record.host.empty() ? record.remote.to_string()
                                           : record.remote.to_string() + " " + record.host,
                       record.direction == Direction::in ? record.local_port : record.remote_port,
                       record.rule, times);
}

std::string confinement_line(const ConfinementStatus& status) {
    return fmt::format("keeps {}{}", fmt::join(status.capabilities, " "),
                       status.calls_filtered ? "; system calls are filtered" : "");
}

// That of the audit log: nobody but root can write to it.
std::string state_folder(const Config& config) {
    return config.database.substr(0, config.database.rfind('/'));
}

}  // namespace

Daemon::Daemon(const Config& config)
    : config_(config),
      lists_(std::make_shared<ListFiles>(Trust::root)),
      store_(config.rules_dir, config.defaults, system_environment(lists_), Trust::root,
             state_folder(config) + "/rules.cache", state_folder(config)),
      recent_(config.limits.bindings),
      methods_(*this, version) {}

Result<std::unique_ptr<Daemon>> Daemon::start(const Config& config) {
    std::unique_ptr<Daemon> daemon(new Daemon(config));
    if (auto opened = daemon->open_events(); !opened) return std::unexpected(opened.error());
    // A second daemon on this socket must be refused before it touches files or the network.
    if (auto opened = daemon->open_control(); !opened) return std::unexpected(opened.error());
    auto rules = daemon->load_rules();
    if (!rules) return std::unexpected(rules.error());
    daemon->rules_loaded_at_ = std::time(nullptr);
    auto guard = Guard::attach(config);
    if (!guard) return std::unexpected(guard.error());
    // Before there is a second thread, which would keep what it had.
    if (auto confined = confine(find_group(config.read_group)); !confined)
        return std::unexpected(confined.error());
    if (auto opened = daemon->open_audit(); !opened) return std::unexpected(opened.error());
    auto watch = NetworkWatch::start(daemon->event_.get(), [self = daemon.get()](auto state) {
        self->follow_network(std::move(state));
    });
    if (!watch) return std::unexpected(watch.error());
    daemon->network_ = std::move(*watch);
    daemon->guard_ = std::move(*guard);
    const auto keep = [self = daemon.get()](Decided&& decided) { self->keep(std::move(decided)); };
    if (auto begun = daemon->guard_->begin(config, *rules, daemon->network_->state(), keep); !begun)
        return std::unexpected(begun.error());
    if (sd_event_add_io(daemon->event_.get(), nullptr, daemon->guard_->lost_fd(), EPOLLIN, on_lost,
                        daemon.get()) < 0)
        return fail("cannot watch the packet threads");
    if (auto watched = daemon->watch_packet_sockets(); !watched) return std::unexpected(watched.error());
    if (auto watched = daemon->watch_table(); !watched) return std::unexpected(watched.error());
    daemon->announce();
    daemon->look_at_rules_later();
    return daemon;
}

Result<void> Daemon::open_audit() {
    AuditLog::Options options;
    options.path = config_.database;
    if (const auto group = find_group(config_.read_group)) options.group = *group;
    options.retention = config_.retention;
    options.max_pending = config_.limits.audit_records;
    options.enrich = [this](AuditRecord& record) {
        details_.complete(record);
        if (record.log == LogLevel::journal) log_line(Severity::notice, journal_line(record));
    };
    options.message = [](const std::string& text) { log_line(Severity::error, text); };
    options.anchor = [](const ChainHead& head) {
        log_line(Severity::info, "the audit log ends with " + to_text(head));
    };
    auto opened = AuditLog::open(std::move(options));
    if (!opened) return std::unexpected(opened.error());
    audit_ = std::move(*opened);
    return {};
}

Result<void> Daemon::open_events() {
    sigset_t handled;
    ::sigemptyset(&handled);
    for (const int signal : {SIGTERM, SIGINT, SIGHUP, SIGUSR2}) ::sigaddset(&handled, signal);
    ::sigprocmask(SIG_BLOCK, &handled, nullptr);
    ::signal(SIGPIPE, SIG_IGN);
    sd_event* event = nullptr;
    if (const int error = sd_event_new(&event); error < 0)
        return sys_fail("create the event loop", -error);
    event_.reset(event);
    exits_ = std::make_unique<ExitWatch>(event, [this](const std::string& rule) { end_rule(rule); });
    int error = 0;
    const auto note = [&error](int result) { error = error < 0 ? error : result; };
    note(sd_event_add_signal(event, nullptr, SIGTERM, on_terminate, this));
    note(sd_event_add_signal(event, nullptr, SIGINT, on_terminate, this));
    note(sd_event_add_signal(event, nullptr, SIGUSR2, on_hand_over, this));
    note(sd_event_add_signal(event, nullptr, SIGHUP, on_hangup, this));
    sd_event_source* later = nullptr;
    note(sd_event_add_defer(event, &later, on_rules_loaded, this));
    rules_loaded_.reset(later);
    note(sd_event_source_set_priority(later, SD_EVENT_PRIORITY_IDLE));
    note(sd_event_source_set_enabled(later, SD_EVENT_OFF));
    sd_event_source* tick = nullptr;
    note(sd_event_add_time_relative(event, &tick, CLOCK_MONOTONIC, tick_us, 0, on_tick, this));
    if (error < 0) return sys_fail("set up the event loop", -error);
    sd_event_source_set_floating(tick, 1);
    sd_event_source_unref(tick);
    return {};
}

Result<void> Daemon::open_control() {
    ControlServerOptions options;
    options.path = config_.control_socket;
    options.groups = {find_group(config_.read_group), find_group(config_.change_group)};
    auto server = ControlServer::open(event_.get(), std::move(options),
                                      [this](const Call& call, Access access) {
                                          return methods_.call(call, access);
                                      });
    if (!server) return std::unexpected(server.error());
    control_.emplace(std::move(*server));
    return {};
}

Result<void> Daemon::watch_packet_sockets() {
    auto watched = PacketSockets::start(config_, guard_->probes(), [this](AuditRecord&& record) {
        audit_->record(std::move(record));
    });
    if (!watched) return std::unexpected(watched.error());
    packet_sockets_ = std::move(*watched);
    const int fd = packet_sockets_->devices_fd();
    if (fd >= 0 && sd_event_add_io(event_.get(), nullptr, fd, EPOLLIN, on_devices, this) < 0)
        return fail("cannot watch for new devices");
    return {};
}

// On any packet thread.
void Daemon::keep(Decided&& decided) {
    if (!decided.repeat) recent_.remember(decided);
    audit_->record(std::move(decided));
}

void Daemon::announce() const {
    const Probes& probes = guard_->probes();
    log_line(Severity::info, fmt::format("version {}, {} mode, {} hooks, {} {} ({}), {} rules",
                                         version, mode_name(config_.mode),
                                         hook_choice_name(probes.hooks()), guard_->queues() > 1 ? "queues" : "queue",
                                         queue_numbers(config_.queue, guard_->queues()),
                                         queue_kind_name(guard_->table().queue_kind()),
                                         guard_->active()->rules->size()));
    log_line(Severity::info, confinement_line(confinement_status()));
    for (const MissingFeature& missing : missing_features())
        log_line(Severity::warning, fmt::format("not available: {}: {}", missing.name, missing.consequence));
}

void Daemon::look_at_rules_later() {
    sd_event_source_set_enabled(rules_loaded_.get(), SD_EVENT_ONESHOT);
}

// Keeps them in the form in which they load quickly, and warns of those that never match. Nobody waits
// for either.
int Daemon::on_rules_loaded(sd_event_source*, void* self) {
    auto* daemon = static_cast<Daemon*>(self);
    if (auto kept = daemon->store_.save_cache(); !kept)
        log_line(Severity::warning, "rules will be parsed again at the next start: " +
                                        kept.error().text());
    constexpr std::size_t most = 20;
    const auto dead = find_dead_rules(daemon->guard_->active()->rules->packs(), std::time(nullptr),
                                      system_environment(daemon->lists_).resolve_path);
    for (const std::string& warning : warnings(dead, most)) log_line(Severity::warning, warning);
    let_go_of_startup_pages();  // at the start, too: this is the last thing that it takes much memory for
    return 0;
}

Result<void> Daemon::run() {
    sd_notify(0, "READY=1\nSTATUS=Deciding");
    if (const int error = sd_event_loop(event_.get()); error < 0)
        return sys_fail("run the event loop", -error);
    return stop();
}

Result<void> Daemon::stop() {
    sd_notify(0, "STOPPING=1");
    control_.reset();
    Result<void> result = {};
    if (lost_) result = std::unexpected(*lost_);
    if ((lost_ || handing_over_) && guard_->active()->mode == Mode::enforce) {
        guard_->abandon();
        packet_sockets_->leave();
    }
    packet_sockets_.reset();
    if (auto stopped = guard_->stop(); !stopped && result) result = stopped;
    if (!audit_->flush(flush_at_end))
        log_line(Severity::warning, "not all decisions could be written to the audit log in time");
    return result;
}

// A restart is no reason to open the door, not even for the half second until the next daemon is ready.
int Daemon::on_terminate(sd_event_source* source, const signalfd_siginfo*, void* self) {
    if (being_restarted()) return on_hand_over(source, nullptr, self);
    return sd_event_exit(sd_event_source_get_event(source), 0);
}

int Daemon::on_hand_over(sd_event_source* source, const signalfd_siginfo*, void* self) {
    auto* daemon = static_cast<Daemon*>(self);
    daemon->handing_over_ = true;
    if (daemon->guard_->active()->mode == Mode::enforce)
        log_line(Severity::notice, "the table inet doorward stays in for the next daemon: until it runs, nothing "
                                   "undecided passes");
    return sd_event_exit(sd_event_source_get_event(source), 0);
}

int Daemon::on_hangup(sd_event_source*, const signalfd_siginfo*, void* self) {
    sd_notify(0, "RELOADING=1");
    // The outcome is logged by reload() itself; nobody waits for this one.
    (void)static_cast<Daemon*>(self)->reload();
    sd_notify(0, "READY=1");
    return 0;
}

int Daemon::on_lost(sd_event_source* source, int, std::uint32_t, void* self) {
    auto* daemon = static_cast<Daemon*>(self);
    daemon->lost_ = daemon->guard_->lost().value_or(Error{"a packet thread ended", {}, {}});
    return sd_event_exit(sd_event_source_get_event(source), 0);
}

int Daemon::on_devices(sd_event_source*, int, std::uint32_t, void* self) {
    static_cast<Daemon*>(self)->packet_sockets_->follow_devices();
    return 0;
}

int Daemon::on_tick(sd_event_source* source, std::uint64_t, void* self) {
    auto* daemon = static_cast<Daemon*>(self);
    daemon->feed_watchdog();
    daemon->refresh_names();
    daemon->refresh_lists();
    if (daemon->forgotten_in_force_) daemon->drop_forgotten();
    daemon->packet_sockets_->collect();
    sd_event_source_set_time_relative(source, tick_us);
    return sd_event_source_set_enabled(source, SD_EVENT_ONESHOT);
}

// A list that was fetched anew takes effect by itself. Whatever is wrong with it, the rules that are in
// force keep what they were made of.
void Daemon::refresh_lists() {
    if (++ticks_ % ticks_per_look_at_lists != 0 || trial_ || !lists_->changed()) return;
    (void)reload();  // says itself what came of it
}

void Daemon::follow_network(std::shared_ptr<const NetworkState> state) {
    if (!state)
        log_line(Severity::warning, "rules that ask for the network match nothing until it is known: " +
                                        network_->trouble()->text());
    if (auto set = guard_->set_network(std::move(state)); !set)
        log_line(Severity::error, set.error().text());
}

void Daemon::refresh_names() {
    const auto refreshed = guard_->refresh_names();
    if (!refreshed) log_line(Severity::error, refreshed.error().text());
    for (const std::string& problem : guard_->name_sources().problems())
        log_line(Severity::warning, problem);
}

// The watchdog vouches for the packet threads, not for this loop alone. Nothing is sent to a manager
// that did not ask: one that does not read would make the send wait.
void Daemon::feed_watchdog() {
    const std::uint64_t heartbeat = guard_->heartbeat_ns();
    if (heartbeat != last_heartbeat_ && sd_watchdog_enabled(0, nullptr) > 0)
        sd_notify(0, "WATCHDOG=1");
    last_heartbeat_ = heartbeat;
}

}  // namespace doorward

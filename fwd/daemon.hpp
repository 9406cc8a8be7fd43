// SPDX-License-Identifier: GPL-2.0-or-later
// The daemon: owns the parts and the event loop, and answers the control socket.
#pragma once

#include <chrono>
#include <memory>
#include <optional>

#include <systemd/sd-event.h>

#include "fwd/audit_log.hpp"
#include "fwd/config.hpp"
#include "fwd/control_methods.hpp"
#include "fwd/control_server.hpp"
#include "fwd/control_types.hpp"
#include "fwd/exit_watch.hpp"
#include "fwd/guard.hpp"
#include "fwd/list_files.hpp"
#include "fwd/network_watch.hpp"
#include "fwd/packet_sockets.hpp"
#include "fwd/process_details.hpp"
#include "fwd/recent_flows.hpp"
#include "fwd/rule_store.hpp"
#include "fwd/table_watch.hpp"

namespace doorward {

class Daemon final : public Controlled {
public:
    // Brings everything up in order; on an error, what was up is taken down again.
    static Result<std::unique_ptr<Daemon>> start(const Config& config);

    // Serves until SIGTERM or SIGINT (returns nothing), or until the packet path is lost (returns
    // the error; in enforce mode nothing undecided passes from then on).
    Result<void> run();

    Status status() override;
    RuleList rules() override;
    RuleExport export_rules() override;
    Controlling<RuleChange> add_rule(const Rule& rule, bool first, const Lifetime& lifetime) override;
    Controlling<RuleChange> remove_rule(const std::string& name) override;
    Controlling<RuleChange> set_rule_enabled(const std::string& name, bool enabled) override;
    Controlling<Undone> undo_change() override;
    Controlling<Applied> apply(const ApplyRequest& request) override;
    Controlling<Applied> confirm() override;
    Controlling<Reloaded> revert() override;
    Controlling<Reloaded> reload() override;
    Controlling<void> set_mode(Mode mode) override;
    Controlling<Explanation> explain(const FlowQuestion& question) override;
    Controlling<std::vector<OpenFlow>> flows() override;
    Controlling<void> cut_flow(const FlowEnds& flow) override;

private:
    std::optional<RecentFlows::Seen> see(const Flow& flow);
    // Rules that go by themselves unless they are confirmed in time.
    struct Trial {
        Candidate candidate;
        std::shared_ptr<const Ruleset> before;
        Applied told;
        CHandle<sd_event_source, sd_event_source_disable_unref> deadline;
    };

    explicit Daemon(const Config& config);

    Result<std::shared_ptr<const Ruleset>> load_rules();
    Result<void> open_audit();
    Result<void> open_events();
    Result<void> open_control();
    Result<void> watch_packet_sockets();
    Result<void> watch_table();
    bool put_table_back(const TableCommit& commit);
    void keep(Decided&& decided);
    void announce() const;
    void look_at_rules_later();
    void refresh_lists();
    void end_rule(const std::string& name);
    void drop_forgotten();
    std::vector<MissingFeature> missing_features() const;
    Controlling<RuleChange> put_in_force(Controlling<RuleUpdate> update);
    Controlling<void> put_loaded_in_force(std::shared_ptr<const Ruleset> rules);
    Result<void> put_in_force(std::shared_ptr<const Ruleset> rules, Mode mode);
    void feed_watchdog();
    void refresh_names();
    void follow_network(std::shared_ptr<const NetworkState> state);
    Controlling<Explanation> explain(const Ruleset& rules, const FlowQuestion& question);
    bool lets_pass(const Ruleset& rules, const ControlSession& session);
    FlowQuestion question_of(const ControlSession& session);
    Controlling<void> keep_session(const ApplyRequest& request, Candidate& candidate,
                                   Applied& applied);
    Controlling<void> begin_trial(Candidate candidate, const Applied& told, std::uint32_t seconds);
    Result<void> end_trial();
    Controlling<void> not_on_trial() const;
    NameStatus name_status() const;
    Result<void> stop();

    static int on_terminate(sd_event_source*, const signalfd_siginfo*, void* self);
    static int on_hand_over(sd_event_source*, const signalfd_siginfo*, void* self);
    static int on_hangup(sd_event_source*, const signalfd_siginfo*, void* self);
    static int on_lost(sd_event_source*, int, std::uint32_t, void* self);
    static int on_devices(sd_event_source*, int, std::uint32_t, void* self);
    static int on_trial_over(sd_event_source*, std::uint64_t, void* self);
    static int on_rules_loaded(sd_event_source*, void* self);
    static int on_tick(sd_event_source*, std::uint64_t, void* self);

    const Config config_;
    const std::chrono::steady_clock::time_point started_ = std::chrono::steady_clock::now();
    std::int64_t rules_loaded_at_ = 0;
    std::optional<std::string> reload_error_;
    std::optional<Error> lost_;
    bool handing_over_ = false;  // to the next daemon, which finds the door closed
    std::uint64_t last_heartbeat_ = 0;

    // In the order of construction: what is below uses what is above.
    std::shared_ptr<ListFiles> lists_;
    std::uint64_t ticks_ = 0;
    RuleStore store_;
    ProcessDetails details_;
    std::unique_ptr<AuditLog> audit_;
    RecentFlows recent_;
    std::unique_ptr<Guard> guard_;
    std::unique_ptr<PacketSockets> packet_sockets_;
    ControlMethods methods_;
    CHandle<sd_event, sd_event_unref> event_;
    CHandle<sd_event_source, sd_event_source_unref> rules_loaded_;
    std::unique_ptr<ExitWatch> exits_;
    std::optional<Trial> trial_;
    bool forgotten_in_force_ = false;  // rules that should not be any more
    std::unique_ptr<NetworkWatch> network_;
    std::unique_ptr<TableWatch> table_watch_;
    std::uint64_t tables_restored_ = 0;
    std::optional<ControlServer> control_;
};

}  // namespace doorward

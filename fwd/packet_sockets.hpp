// SPDX-License-Identifier: GPL-2.0-or-later
// What programs send on packet sockets (AF_PACKET), past netfilter: seen on the way into each device,
// recorded, and dropped if so configured.
#pragma once

#include <chrono>
#include <compare>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <vector>

#include "fwd/audit_record.hpp"
#include "fwd/config.hpp"
#include "fwd/control_types.hpp"
#include "fwd/handle.hpp"
#include "fwd/missing_feature.hpp"
#include "fwd/probes.hpp"
#include "fwd/process_table.hpp"
#include "rules/result.hpp"

namespace doorward {

// Used by the main thread alone, in the network namespace to be watched. All work is done on its
// timer; a frame costs no more than its BPF program.
class PacketSockets {
public:
    using Sink = std::function<void(AuditRecord&&)>;

    // Takes off what a daemon that was killed has left; attaches to each device unless the policy is
    // to allow. `probes` must outlive this and have been attached with the same policy. A device that
    // can't be watched is in missing(), not an error.
    static Result<std::unique_ptr<PacketSockets>> start(const Config& config, Probes& probes, Sink sink);

    // Takes everything off and hands the last rows to the sink, unless left.
    ~PacketSockets();
    // From now on nothing is taken off: frames are refused, or pass, as they were.
    void leave() { left_ = true; }

    // In observe mode nothing is refused.
    void set_mode(Mode mode);

    // Readable when devices have come or gone; -1: nothing is watched. Then call follow_devices().
    int devices_fd() const;
    void follow_devices();

    // Once a second or so: rows for what was sent since.
    void collect();

    PacketSocketStatus status() const;
    std::vector<MissingFeature> missing() const;

private:
    struct Group;  // frames alike, which share rows
    struct GroupKey {
        std::uint64_t start_ns, exec_id;
        std::uint32_t pid, interface, ethertype;
        auto operator<=>(const GroupKey&) const = default;
    };

    PacketSockets(const Config& config, Probes& probes, Sink sink);
    Result<void> open();
    void watch(std::uint32_t device);
    bool watched(std::uint32_t device) const;
    void watch_all();
    void take_counts();
    void write_rows(bool all);
    void write_row(const GroupKey& key, Group& group, Action verdict, std::uint64_t& count);

    const PacketSocketPolicy policy_;
    Probes& probes_;
    Sink sink_;
    ProcessTable processes_;
    Fd links_;                                      // rtnetlink, told of devices
    std::map<std::uint32_t, std::string> devices_;  // by index: empty, or why it is not watched
    std::map<GroupKey, Group> groups_;
    std::uint64_t recorded_ = 0;
    bool left_ = false;
};

}  // namespace doorward

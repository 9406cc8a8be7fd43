// SPDX-License-Identifier: GPL-2.0-or-later
// The BPF programs: which of them this kernel can run, loaded and attached.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "bpf/wire.h"
#include "fwd/binding_table.hpp"
#include "fwd/config.hpp"
#include "fwd/missing_feature.hpp"
#include "fwd/nft_table.hpp"
#include "fwd/verdict_memory.hpp"
#include "rules/address.hpp"
#include "rules/result.hpp"

namespace doorward {

struct ProbeOptions {
    HookChoice hooks = HookChoice::automatic;
    Limits limits;
    PacketSocketPolicy packet_sockets = PacketSocketPolicy::allow;
    std::uint64_t netns_cookie = 0;  // SO_NETNS_COOKIE of the namespace to look at
    bool names = true;               // look at DNS
    bool foreign = false;            // bind flows of other namespaces too, as far as they are seen
    bool verdicts = true;            // verdicts may be given by the kernel
    DeniedAs denied_as = DeniedAs::eperm;
    std::uint32_t slot_shift = 0;    // of the sender's slot in packet marks
};

// How many programs that run at one time are followed from their start to their end: four times as
// many as senders are remembered.
std::uint32_t running_programs(const Limits& limits);

class KernelFunctions;

// Owns the loaded object and every attachment; all are gone when it is destroyed (or the process
// dies). Attach from a thread in the network namespace to be guarded. Afterwards thread-safe.
class Probes {
public:
    // Tries the fentry set, the kprobe set, then the cgroup set, unless one is forced. An error names the hook
    // that could not be attached.
    static Result<Probes> attach(const ProbeOptions& options);

    Probes(Probes&&) noexcept;
    Probes& operator=(Probes&&) noexcept;
    ~Probes();

    HookChoice hooks() const;  // never automatic
    const std::vector<MissingFeature>& missing() const;

    const BindingTable& bindings() const;
    int holders_fd() const;
    int processes_fd() const;
    int programs_fd() const;
    // Who else may be given what arrives for a socket (bpf/port_group.h). False: it can't be asked.
    bool ask_port_group(dw_port_group& asked);
    int senders_fd() const;
    int foreign_fd() const;
    int grants_fd() const;
    dw_grant_state& grant_state();  // the loaded object's
    TablePrograms table_programs() const;  // for the table's rules
    int dns_ring_fd() const;

    // `capacity`: as in ProbeOptions::limits. The state is the loaded object's, so the memory ends first.
    Result<VerdictMemory> verdict_memory(std::size_t capacity);

    // Our table is in place and asks whose each datagram is: the hooks that need no longer say it are taken off.
    void leave_datagrams_to_table();

    // Only DNS from and to these addresses is looked at; at most DW_RESOLVERS_MAX.
    Result<void> believe(const std::vector<Address>& resolvers);

    // Of packet sockets; with the policy to allow, none of them is loaded or counts.
    int packet_socket_program() const;
    int packet_senders_fd() const;
    dw_packet_socket_counts packet_socket_counts() const;
    void refuse_packet_sockets(bool refuse);

    // Map updates that the kernel refused since start, indexed by dw_failure.
    std::array<std::uint64_t, DW_FAILURES> failures() const;

private:
    struct Impl;
    static Result<Probes> attach_set(const ProbeOptions& options, HookChoice set, const KernelFunctions& kernel,
                                     const std::string& refused);
    explicit Probes(std::unique_ptr<Impl> impl);
    std::unique_ptr<Impl> impl_;
};

// SO_NETNS_COOKIE of the calling thread's network namespace (Linux 5.14).
Result<std::uint64_t> netns_cookie();

}  // namespace doorward

// SPDX-License-Identifier: GPL-2.0-or-later
#include "fwd/probes.hpp"

#include <algorithm>
#include <cstdarg>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <mutex>

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <fcntl.h>
#include <sys/socket.h>

#include "doorward.skel.h"
#include "doorward_plain.skel.h"
#include "fwd/cgroup_mount.hpp"
#include "fwd/handle.hpp"
#include "fwd/hook_table.hpp"
#include "fwd/hook_trial.hpp"
#include "fwd/random_bytes.hpp"

namespace doorward {
namespace {

using Object = CHandle<doorward_bpf, doorward_bpf__destroy>;
using Link = CHandle<bpf_link, bpf_link__destroy>;

// libbpf explains failures in its log only. The last warning becomes part of our error.
thread_local std::string last_warning;

int keep_warning(libbpf_print_level level, const char* format, va_list arguments) {
    if (level != LIBBPF_WARN) return 0;
    char line[512];
    std::vsnprintf(line, sizeof(line), format, arguments);
    constexpr std::string_view prefix = "libbpf: ";
    last_warning = std::string_view(line).starts_with(prefix) ? line + prefix.size() : line;
    last_warning.erase(std::min(last_warning.find('\n'), last_warning.size()));
    return 0;
}

std::unexpected<Error> bpf_fail(const std::string& operation, int error, std::string remedy = {}) {
    auto failed = sys_fail(operation, error < 0 ? -error : error, std::move(remedy));
    if (!last_warning.empty()) failed.error().what += "; libbpf: " + last_warning;
    return failed;
}

// The programs as this kernel can run them (bpf/read.h). The two skeletons differ in the bytes alone.
doorward_bpf* open_object(const KernelFunctions& kernel) {
    if (kernel.has("bpf_rdonly_cast")) return doorward_bpf__open();
    Object plain(static_cast<doorward_bpf*>(std::calloc(1, sizeof(doorward_bpf))));
    if (!plain || doorward_bpf__create_skeleton(plain.get()) != 0) return nullptr;
    plain->skeleton->data = const_cast<void*>(doorward_plain_bpf__elf_bytes(&plain->skeleton->data_sz));
    if (bpf_object__open_skeleton(plain->skeleton, nullptr) != 0) return nullptr;
    return plain.release();
}

}  // namespace

std::uint32_t running_programs(const Limits& limits) {
    constexpr std::uint32_t most = 1u << 22;  // the kernel's own limit of pids
    return std::min(most, limits.processes > most / 4 ? most : limits.processes * 4);
}

struct Probes::Impl {
    Object object;
    std::mutex asking;  // there is one place for the question and its answer
    Fd cgroup;
    std::vector<Link> links;
    std::vector<Link> until_table;
    HookChoice hooks = HookChoice::automatic;
    bool names = true;
    bool verdicts = true;
    BindingTable bindings{};
    std::vector<Address> resolvers;  // those in the map
    std::vector<MissingFeature> missing;

    Result<void> open(const ProbeOptions& options, const KernelFunctions& kernel);
    Result<void> load(PacketSocketPolicy packet_sockets);
    Result<void> attach_all();
    Result<void> attach(const Hook& hook);
    Result<void> attach_to_cgroup(bpf_program* program, std::vector<Link>& to);
    Result<void> iterate(const Hook& hook);
    void watch_packet_sockets(PacketSocketPolicy policy);
    bool wanted(const Hook& hook) const {
        if (hook.kind == HookKind::verdicts) return verdicts;
        return hook.kind != HookKind::foreign || object->rodata->bind_foreign;
    }
    bpf_program* program(const Hook& hook) const {
        return bpf_object__find_program_by_name(object->obj, std::string(hook.program).c_str());
    }
};

Result<void> Probes::Impl::open(const ProbeOptions& options, const KernelFunctions& kernel) {
    libbpf_set_print(keep_warning);
    last_warning.clear();
    object.reset(open_object(kernel));
    if (!object) return bpf_fail("open the BPF object", errno);
    object->rodata->netns_cookie = options.netns_cookie;
    object->rodata->bind_foreign = options.foreign;
    object->rodata->datagrams_are_bound_here = hooks != HookChoice::kprobe;
    object->rodata->accepts_are_seen = hooks != HookChoice::cgroup;
    object->rodata->denied_errno = options.denied_as == DeniedAs::eacces ? EACCES : EPERM;
    object->rodata->slot_shift = options.slot_shift;
    if (auto done = take_random(object->rodata->identity_key); !done) return done;
    if (auto done = take_random(bindings.keys); !done) return done;
    bindings.sets = binding_sets(options.limits.bindings);
    object->rodata->binding_sets = bindings.sets;
    static_assert(sizeof(object->rodata->binding_keys) == sizeof(bindings.keys));
    std::memcpy(&object->rodata->binding_keys, &bindings.keys, sizeof(bindings.keys));
    const std::uint32_t verdict_entries = options.verdicts ? options.limits.verdicts : 1;
    bpf_map__set_max_entries(object->maps.verdicts, verdict_entries);
    bpf_map__set_max_entries(object->maps.verdict_slots, verdict_entries);
    bpf_map__set_max_entries(object->maps.bindings, binding_sets(options.limits.bindings));
    bpf_map__set_max_entries(object->maps.senders, (options.limits.bindings + 1) / 2);
    bpf_map__set_max_entries(object->maps.grants, (options.limits.bindings + 1) / 2);
    bpf_map__set_max_entries(object->maps.processes, options.limits.processes);
    bpf_map__set_max_entries(object->maps.foreign, options.foreign ? options.limits.bindings : 1);
    bpf_map__set_max_entries(object->maps.holders, options.limits.listeners);
    bpf_map__set_max_entries(object->maps.programs, running_programs(options.limits));
    if (options.packet_sockets == PacketSocketPolicy::allow)
        bpf_map__set_max_entries(object->maps.packet_senders, 1);  // nobody writes there
    if (const auto mount = cgroup2_mount()) {
        cgroup = Fd(::open(mount->c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    }
    return {};
}

Result<void> Probes::Impl::load(PacketSocketPolicy packet_sockets) {
    bpf_program* each = nullptr;
    bpf_object__for_each_program(each, object->obj) bpf_program__set_autoload(each, false);
    const auto& programs = object->progs;
    for (bpf_program* asked : {programs.same_sender, programs.granted, programs.slot_bit0, programs.slot_bit1,
                               programs.slot_bit2, programs.still_owner, programs.port_group})
        bpf_program__set_autoload(asked, true);  // used by rules or asked by us, attached nowhere
    for (bpf_program* asked : {programs.dns_query, programs.dns_answer}) bpf_program__set_autoload(asked, names);
    for (bpf_program* asked : {programs.known_connection, programs.known_datagram, programs.denied_datagram,
                                programs.still_known})
        bpf_program__set_autoload(asked, verdicts);
    for (bpf_program* each_of : {programs.packet_socket_egress, programs.packet_socket_bypass})
        bpf_program__set_autoload(each_of, packet_sockets != PacketSocketPolicy::allow);
    for (const Hook& hook : hooks_of(hooks))
        bpf_program__set_autoload(program(hook), wanted(hook));
    if (const int error = doorward_bpf__load(object.get())) {
        return bpf_fail("load the BPF programs", error,
                        "CAP_BPF, CAP_PERFMON and CAP_NET_ADMIN are needed, and a kernel with BTF");
    }
    bindings.map = bpf_map__fd(object->maps.bindings);
    return {};
}

Result<void> Probes::Impl::attach_to_cgroup(bpf_program* bpf, std::vector<Link>& to) {
    if (!cgroup) return fail("no cgroup2 file system is mounted", "mount one, or use kprobes");
    bpf_link* link = bpf_program__attach_cgroup(bpf, cgroup.get());
    if (!link) return bpf_fail("attach to the root cgroup", errno);
    to.emplace_back(link);
    return {};
}

// The other program goes to each device (fwd/packet_sockets.hpp).
void Probes::Impl::watch_packet_sockets(PacketSocketPolicy policy) {
    if (policy == PacketSocketPolicy::allow) return;
    last_warning.clear();
    if (const auto done = attach_to_cgroup(object->progs.packet_socket_bypass, links); !done)
        missing.push_back({"cgroup setsockopt (" + done.error().what + ")",
                           "packet sockets that set PACKET_QDISC_BYPASS are neither recorded nor refused"});
}

// An iterator does its work while it is read; it prints nothing.
Result<void> Probes::Impl::iterate(const Hook& hook) {
    const Link link(bpf_program__attach_iter(program(hook), nullptr));
    if (!link) return bpf_fail("attach " + std::string(hook.point), errno);
    const Fd reader(bpf_iter_create(bpf_link__fd(link.get())));
    if (!reader) return bpf_fail("start " + std::string(hook.point), errno);
    char nothing[256];
    while (::read(reader.get(), nothing, sizeof(nothing)) > 0) {
    }
    return {};
}

Result<void> Probes::Impl::attach(const Hook& hook) {
    bpf_program* bpf = program(hook);
    std::vector<Link>& to = hook.until_table ? until_table : links;
    last_warning.clear();
    switch (hook.kind) {
    case HookKind::cgroup:
    case HookKind::foreign:
    case HookKind::verdicts:
        return attach_to_cgroup(bpf, to);
    case HookKind::iterator:
        return iterate(hook);
    case HookKind::task_iterator:  // the second walk finds what the first one has left
        if (auto walked = iterate(hook); !walked) return walked;
        return iterate(hook);
    case HookKind::fentry:
    case HookKind::kprobe:
    case HookKind::tracepoint:
        break;
    }
    bpf_link* link = bpf_program__attach(bpf);
    if (!link) return bpf_fail("attach " + std::string(hook.point), errno);
    to.emplace_back(link);
    return {};
}

Result<void> Probes::Impl::attach_all() {
    for (const Hook& hook : hooks_of(hooks)) {
        if (!wanted(hook)) continue;
        auto done = attach(hook);
        if (done) continue;
        if (hook.consequence.empty()) return done;
        missing.push_back({std::string(hook.point) + " (" + done.error().what + ")", std::string(hook.consequence)});
    }
    return {};
}

Result<Probes> Probes::attach_set(const ProbeOptions& options, HookChoice set, const KernelFunctions& kernel,
                                  const std::string& refused) {
    auto impl = std::make_unique<Impl>();
    impl->hooks = set;
    impl->names = options.names;
    impl->verdicts = options.verdicts;
    if (set == HookChoice::cgroup && !refused.empty()) {
        impl->missing.push_back({refused, "the cgroup hooks serve instead; a debugger that has let go of a program "
                                          "before that sends stays unseen"});
    }
    auto done = impl->open(options, kernel);
    if (done) done = impl->load(options.packet_sockets);
    if (done) done = impl->attach_all();
    if (!done) return std::unexpected(done.error());
    impl->watch_packet_sockets(options.packet_sockets);
    return Probes(std::move(impl));
}

// In the order of what they see, and of the rights that they take.
Result<Probes> Probes::attach(const ProbeOptions& options) {
    std::string refused;
    const KernelFunctions kernel;
    for (const HookChoice set : {HookChoice::fentry, HookChoice::kprobe, HookChoice::cgroup}) {
        const bool chosen = options.hooks == set;
        if (options.hooks != HookChoice::automatic && !chosen) continue;
        const auto tried = chosen ? Result<void>() : try_hooks(set, kernel);
        auto probes = tried ? attach_set(options, set, kernel, refused) : std::unexpected(tried.error());
        if (probes) return probes;
        if (chosen || set == HookChoice::cgroup) {
            probes.error().what += " (hooks: " + std::string(hook_choice_name(set)) + ")";
            return probes;
        }
        refused = set == HookChoice::fentry ? "; fentry: " + probes.error().what + ")"
                                            : "kprobes (" + probes.error().what + refused;
    }
    return fail("no set of hooks to try");
}

Probes::Probes(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Probes::Probes(Probes&&) noexcept = default;
Probes& Probes::operator=(Probes&&) noexcept = default;
Probes::~Probes() = default;

HookChoice Probes::hooks() const { return impl_->hooks; }
const std::vector<MissingFeature>& Probes::missing() const { return impl_->missing; }
const BindingTable& Probes::bindings() const { return impl_->bindings; }
int Probes::holders_fd() const { return bpf_map__fd(impl_->object->maps.holders); }
int Probes::senders_fd() const { return bpf_map__fd(impl_->object->maps.senders); }
int Probes::foreign_fd() const { return bpf_map__fd(impl_->object->maps.foreign); }
int Probes::grants_fd() const { return bpf_map__fd(impl_->object->maps.grants); }
dw_grant_state& Probes::grant_state() { return impl_->object->bss->grant_state; }
TablePrograms Probes::table_programs() const {
    const auto& programs = impl_->object->progs;
    return {.same_sender = bpf_program__fd(programs.same_sender),
            .granted = bpf_program__fd(programs.granted),
            .slot_bit = {bpf_program__fd(programs.slot_bit0), bpf_program__fd(programs.slot_bit1),
                         bpf_program__fd(programs.slot_bit2)},
            .still_owner = bpf_program__fd(programs.still_owner),
            .known_connection = bpf_program__fd(programs.known_connection),
            .known_datagram = bpf_program__fd(programs.known_datagram),
            .denied_datagram = bpf_program__fd(programs.denied_datagram),
            .still_known = bpf_program__fd(programs.still_known),
            .dns_query = bpf_program__fd(programs.dns_query),
            .dns_answer = bpf_program__fd(programs.dns_answer)};
}
Result<VerdictMemory> Probes::verdict_memory(std::size_t capacity) {
    return VerdictMemory::of_maps(bpf_map__fd(impl_->object->maps.verdicts),
                                  bpf_map__fd(impl_->object->maps.verdict_slots), capacity,
                                  impl_->object->bss->verdict_state);
}
int Probes::dns_ring_fd() const { return bpf_map__fd(impl_->object->maps.dns_packets); }
bool Probes::ask_port_group(dw_port_group& asked) {
    bpf_test_run_opts none{};
    none.sz = sizeof(none);
    const std::lock_guard lock(impl_->asking);
    impl_->object->bss->port_group_asked = asked;
    if (bpf_prog_test_run_opts(bpf_program__fd(impl_->object->progs.port_group), &none) != 0) return false;
    asked = impl_->object->bss->port_group_asked;
    return true;
}
int Probes::programs_fd() const { return bpf_map__fd(impl_->object->maps.programs); }
int Probes::packet_socket_program() const {
    return bpf_program__fd(impl_->object->progs.packet_socket_egress);
}
int Probes::packet_senders_fd() const { return bpf_map__fd(impl_->object->maps.packet_senders); }
dw_packet_socket_counts Probes::packet_socket_counts() const {
    return impl_->object->bss->packet_socket_counts;
}
void Probes::refuse_packet_sockets(bool refuse) {
    impl_->object->bss->refuse_packet_sockets = refuse;
}
int Probes::processes_fd() const { return bpf_map__fd(impl_->object->maps.processes); }

void Probes::leave_datagrams_to_table() { impl_->until_table.clear(); }

// Room first: the map may be full. A server that stays is never out.
Result<void> Probes::believe(const std::vector<Address>& resolvers) {
    const int map = bpf_map__fd(impl_->object->maps.resolvers);
    const std::uint8_t one = 1;
    const auto has = [](const std::vector<Address>& list, const Address& address) {
        return std::ranges::find(list, address) != list.end();
    };
    for (const Address& old : impl_->resolvers)
        if (!has(resolvers, old)) bpf_map_delete_elem(map, old.bytes.data());
    for (const Address& address : resolvers)
        if (const int error = bpf_map_update_elem(map, address.bytes.data(), &one, BPF_ANY))
            return sys_fail("tell the kernel which resolvers to believe", -error);
    impl_->resolvers = resolvers;
    return {};
}

std::array<std::uint64_t, DW_FAILURES> Probes::failures() const {
    std::array<std::uint64_t, DW_FAILURES> sums{};
    const int cpus = libbpf_num_possible_cpus();
    if (cpus <= 0) return sums;
    std::vector<std::uint64_t> per_cpu(static_cast<std::size_t>(cpus));
    for (std::uint32_t which = 0; which < DW_FAILURES; which++) {
        if (bpf_map_lookup_elem(bpf_map__fd(impl_->object->maps.failures), &which, per_cpu.data()))
            continue;
        for (const std::uint64_t count : per_cpu) sums[which] += count;
    }
    return sums;
}

Result<std::uint64_t> netns_cookie() {
    const Fd socket(::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0));
    if (!socket) return sys_fail("open a socket");
    std::uint64_t cookie = 0;
    socklen_t length = sizeof(cookie);
    constexpr int so_netns_cookie = 71;  // Linux 5.14; absent from older headers
    if (::getsockopt(socket.get(), SOL_SOCKET, so_netns_cookie, &cookie, &length))
        return sys_fail("ask for the network namespace's cookie", errno, "Linux 5.14 or newer is needed");
    return cookie;
}

}  // namespace doorward

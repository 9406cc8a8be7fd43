// SPDX-License-Identifier: GPL-2.0-or-later
#include "fwd/bindings.hpp"

#include <array>
#include <cstring>

#include <bpf/bpf.h>

namespace doorward {
namespace {

// From the hook in one namespace to the queue of another a packet may wait for a softirq.
constexpr std::uint64_t on_the_way_ns = 100'000'000;
constexpr Address unchosen{};  // how the hooks write an address that the socket has not chosen yet

dw_flow_key key_of(const Flow& flow, const Address& local, std::uint16_t local_port) {
    dw_flow_key key{};
    std::memcpy(key.local, local.bytes.data(), sizeof(key.local));
    std::memcpy(key.remote, flow.remote.bytes.data(), sizeof(key.remote));
    key.local_port = local_port;
    key.remote_port = flow.remote_port;
    key.protocol = static_cast<dw_u8>(flow.protocol);
    return key;
}

// Of two bindings for one packet the later one counts; the other is the tuple's former owner.
void take_later(std::optional<dw_binding>& best, const dw_binding& found) {
    if (!best) {
        best = found;
        return;
    }
    const dw_binding& later = found.sent_ns > best->sent_ns ? found : *best;
    const dw_binding& earlier = found.sent_ns > best->sent_ns ? *best : found;
    dw_binding taken = later;
    if (!same_process(later.who, earlier.who) && earlier.sent_ns > later.before_ns) {
        taken.before = earlier.who;
        taken.before_ns = earlier.sent_ns;
    }
    best = taken;
}

}  // namespace

bool has_sockets(Protocol protocol) {
    return protocol == Protocol::tcp || is_udp(protocol);
}

bool same_process(const dw_process_key& a, const dw_process_key& b) {
    return a.pid == b.pid && a.start_ns == b.start_ns && a.exec_id == b.exec_id;
}

Bindings Bindings::of_table(const BindingTable& table) {
    return Bindings([table](std::span<const dw_flow_key> keys, std::span<std::optional<dw_binding>> found) {
        find_bindings(table, keys, found);
    });
}

std::optional<dw_binding> Bindings::sender(const Flow& flow) const {
    std::optional<dw_binding> best;
    const auto ask = [&](std::uint16_t local_port) {
        const std::array keys{key_of(flow, flow.local, local_port), key_of(flow, unchosen, local_port)};
        std::array<std::optional<dw_binding>, keys.size()> found;
        const std::size_t asked = flow.protocol == Protocol::tcp ? 1 : 2;  // a connection's source is always chosen
        flows_(std::span(keys).first(asked), std::span(found).first(asked));
        for (const auto& one : found)
            if (one) take_later(best, *one);
    };
    ask(flow.local_port);
    // Raw sockets are bound without ports, whatever they send, and an echo request of the kernel's own does not exist.
    if (!has_sockets(flow.protocol) && !best) ask(0);
    return best;
}

ForeignBindings ForeignBindings::of_map(int foreign_fd) {
    return ForeignBindings([foreign_fd](const dw_flow_key& key, dw_foreign& value) {
        return bpf_map_lookup_elem(foreign_fd, &key, &value) == 0;
    });
}

std::expected<dw_binding, Unknown> ForeignBindings::opener(const Flow& flow,
                                                           std::uint64_t settled_ns) const {
    dw_foreign found{};
    if (!map_(key_of(flow, flow.local, flow.local_port), found))
        return std::unexpected(Unknown::forwarded);
    const dw_binding& opener = found.binding;
    const bool handed_over = opener.before.pid != 0 && opener.before_ns + on_the_way_ns > settled_ns;
    if (found.netns_cookie == 0 || handed_over) return std::unexpected(Unknown::ambiguous);
    return opener;
}

}  // namespace doorward

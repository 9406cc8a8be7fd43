// SPDX-License-Identifier: GPL-2.0-or-later
#include "fwd/handovers.hpp"

#include <cstring>

#include "fwd/bindings.hpp"

namespace doorward {
namespace {

// From the hook to the queue a sender needs microseconds, unless it loses the CPU in between.
constexpr std::uint64_t from_hook_to_queue_ns = 100'000'000;

dw_flow_key key_of(const Flow& flow) {
    dw_flow_key key{};
    std::memcpy(key.local, flow.local.bytes.data(), sizeof(key.local));
    std::memcpy(key.remote, flow.remote.bytes.data(), sizeof(key.remote));
    key.local_port = flow.local_port;
    key.remote_port = flow.remote_port;
    key.protocol = static_cast<dw_u8>(flow.protocol);
    return key;
}

}  // namespace

bool Handovers::ambiguous(const Flow& flow, const dw_binding& binding, std::uint64_t settled_ns) {
    if (binding.before.pid == 0) return false;
    // The former owner gave the port up before the new one first sent.
    if (binding.since_ns < settled_ns) return false;
    if (binding.before_ns + from_hook_to_queue_ns < settled_ns) return false;
    const Named* last = named_.find(key_of(flow));
    if (last && same_process(last->who, binding.who)) return false;
    return !(last && same_process(last->who, binding.before) && last->at_ns >= binding.before_ns);
}

void Handovers::named(const Flow& flow, const dw_process_key& who, std::uint64_t now_ns) {
    named_.put(key_of(flow), {who, now_ns});
}

}  // namespace doorward

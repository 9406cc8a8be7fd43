// SPDX-License-Identifier: GPL-2.0-or-later
// Which senders of datagrams the kernel lets pass on a tuple: the map `grants` of bpf/grants.h.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <utility>

#include "bpf/wire.h"

namespace doorward {

class Grants {
public:
    using Put = std::function<bool(const dw_grant&, std::uint64_t generation)>;

    // `state` is the loaded object's and must outlive this.
    Grants(Put put, dw_grant_state& state) : put_(std::move(put)), state_(state) {}
    static Put of_map(int grants_fd);

    // From now on grants of this generation count, and no others. Before the table's own generation changes:
    // what it lets pass then must have been granted under the new rules.
    void begin(std::uint64_t generation);

    // Any packet thread's. Before the verdict: the sender's next datagram may follow at once. Without it,
    // that one is asked about again.
    void give(const dw_grant& grant, std::uint64_t generation);

    std::uint64_t refused() const { return refused_; }  // by the kernel, since start; any thread

private:
    Put put_;
    dw_grant_state& state_;
    std::atomic<std::uint64_t> refused_ = 0;
};

}  // namespace doorward

// SPDX-License-Identifier: GPL-2.0-or-later
// Follows this host's network: reads links, addresses, routes and gateways over rtnetlink, and again
// when the kernel says that they have changed.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <vector>

#include <systemd/sd-event.h>

#include "fwd/handle.hpp"
#include "fwd/network_reading.hpp"
#include "rules/result.hpp"

namespace doorward {

// In the network namespace of the thread that starts it, which must run the event loop too.
class NetworkWatch {
public:
    // Null: the network could not be read, and is not known until it can.
    using Changed = std::function<void(std::shared_ptr<const NetworkState>)>;

    // Listens for news first and then reads, so that none is missed. `changed` is called from the
    // loop, after each reading that differs from the one before; `event` must outlive this.
    static Result<std::unique_ptr<NetworkWatch>> start(sd_event* event, Changed changed);

    NetworkWatch(const NetworkWatch&) = delete;
    NetworkWatch& operator=(const NetworkWatch&) = delete;

    std::shared_ptr<const NetworkState> state() const { return state_; }
    std::uint64_t readings() const { return readings_; }
    const std::optional<Error>& trouble() const { return trouble_; }

private:
    explicit NetworkWatch(Changed changed) : changed_(std::move(changed)) {}

    Result<void> listen(sd_event* event);
    Result<std::shared_ptr<const NetworkState>> read();
    Result<void> dump(int type, NetworkReading& reading, bool& disturbed);
    void read_again();
    void ask_for_gateways();
    bool take_news();
    void wake_in(std::uint64_t us);

    static int on_news(sd_event_source*, int, std::uint32_t, void* self);
    static int on_timer(sd_event_source*, std::uint64_t, void* self);

    using Source = CHandle<sd_event_source, sd_event_source_unref>;

    Changed changed_;
    Fd news_;   // told of changes
    Fd dumps_;  // asks
    std::vector<std::uint8_t> buffer_ = std::vector<std::uint8_t>(1 << 16);
    std::uint32_t sequence_ = 0;
    std::shared_ptr<const NetworkState> state_;
    std::uint64_t readings_ = 0;
    std::uint64_t last_read_us_ = 0;  // CLOCK_MONOTONIC: when the last reading ended
    std::uint64_t pause_us_ = 0;      // before the next
    std::uint64_t asked_us_ = 0;      // when the first of `asked_` was
    std::vector<Gateway> asked_;      // whose hardware addresses the kernel was asked to find out
    std::uint64_t wake_us_ = 0;       // when the timer rings; 0: it is off
    std::optional<Error> trouble_;
    Source news_source_;              // after what they call
    Source timer_;
};

}  // namespace doorward

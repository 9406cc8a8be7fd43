// SPDX-License-Identifier: GPL-2.0-or-later
// Notices when another program takes our table out, or changes it.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <vector>

#include <systemd/sd-event.h>

#include "fwd/handle.hpp"
#include "fwd/nft_table.hpp"
#include "fwd/table_news.hpp"

namespace doorward {

// In the network namespace of the thread that starts it, which must run the event loop and be the only
// one that changes the table on our side.
class TableWatch {
public:
    // To put it back. False: it could not be done, and is to be tried again.
    using Touched = std::function<bool(const TableCommit&)>;

    // `touched` is called from the loop, before other events, at once or (if it was called just before) after
    // a pause: somebody who takes the table out again and again must not keep this loop from all else.
    static Result<std::unique_ptr<TableWatch>> start(sd_event* event, const NftTable& table, Touched touched);

    TableWatch(const TableWatch&) = delete;
    TableWatch& operator=(const TableWatch&) = delete;

private:
    explicit TableWatch(Touched touched) : touched_(std::move(touched)) {}

    Result<void> listen(sd_event* event);
    Result<void> learn_own_thread(const NftTable& table);
    bool take_news(const std::function<void(std::span<const std::uint8_t>)>& take);
    void note(const TableCommit& commit);
    void act();
    void act_in(std::uint64_t us);

    static int on_news(sd_event_source*, int, std::uint32_t, void* self);
    static int on_timer(sd_event_source*, std::uint64_t, void* self);

    using Source = CHandle<sd_event_source, sd_event_source_unref>;

    Touched touched_;
    Fd socket_;
    std::vector<std::uint8_t> buffer_ = std::vector<std::uint8_t>(1 << 16);
    TableNews news_{"doorward"};
    std::uint32_t own_thread_ = 0;
    std::optional<TableCommit> open_;  // what has not been acted on yet
    std::uint64_t acted_us_ = 0;       // CLOCK_MONOTONIC
    Source source_, timer_;
};

}  // namespace doorward

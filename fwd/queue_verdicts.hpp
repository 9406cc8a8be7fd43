// SPDX-License-Identifier: GPL-2.0-or-later
// Verdicts for the kernel's packet queue, collected so that one write carries many.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>

namespace doorward {

class QueueVerdicts {
public:
    QueueVerdicts(std::uint16_t queue, std::size_t capacity);

    bool full() const { return count_ == capacity_; }
    std::size_t count() const { return count_; }
    std::span<const char> bytes() const { return {buffer_.get(), used_}; }
    void clear() { used_ = count_ = 0; }

    // Only while not full(). Without `new_mark` the packet keeps the mark it has.
    void accept(std::uint32_t id);
    void accept(std::uint32_t id, std::uint32_t new_mark);
    void drop(std::uint32_t id);

private:
    void add(std::uint32_t id, int verdict, const std::uint32_t* mark);

    std::uint16_t queue_;
    std::size_t capacity_;
    std::unique_ptr<char[]> buffer_;
    std::size_t used_ = 0;
    std::size_t count_ = 0;
};

}  // namespace doorward

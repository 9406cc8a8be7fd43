// SPDX-License-Identifier: GPL-2.0-or-later
#include "fwd/dns_ring.hpp"

#include <atomic>
#include <utility>

#include <linux/bpf.h>
#include <sys/mman.h>
#include <unistd.h>

#include "fwd/handle.hpp"

namespace doorward {
namespace {

// A record is copied with interrupts on; who writes it can be held up for about this long.
constexpr int busy_tries = 20'000;

std::size_t page_size() { return static_cast<std::size_t>(::sysconf(_SC_PAGESIZE)); }

std::size_t load(const std::byte* position) {
    auto* value = reinterpret_cast<unsigned long*>(const_cast<std::byte*>(position));
    return __atomic_load_n(value, __ATOMIC_ACQUIRE);
}

std::uint32_t load_header(const std::byte* record) {
    auto* value = reinterpret_cast<std::uint32_t*>(const_cast<std::byte*>(record));
    return __atomic_load_n(value, __ATOMIC_ACQUIRE);
}

// False: still being written.
bool wait_written(const std::byte* record) {
    for (int i = 0; i < busy_tries; ++i) {
        if (!(load_header(record) & BPF_RINGBUF_BUSY_BIT)) return true;
    }
    return false;
}

}  // namespace

Result<DnsRing> DnsRing::open(int map_fd, std::size_t bytes) {
    const std::size_t page = page_size();
    void* consumer = ::mmap(nullptr, page, PROT_READ | PROT_WRITE, MAP_SHARED, map_fd, 0);
    if (consumer == MAP_FAILED) return sys_fail("map the ring buffer of DNS packets");
    void* producer = ::mmap(nullptr, page + 2 * bytes, PROT_READ, MAP_SHARED, map_fd,
                            static_cast<off_t>(page));
    if (producer == MAP_FAILED) {
        auto failed = sys_fail("map the ring buffer of DNS packets");
        ::munmap(consumer, page);
        return failed;
    }
    return DnsRing(static_cast<std::byte*>(consumer), static_cast<std::byte*>(producer), bytes);
}

DnsRing::DnsRing(DnsRing&& other) noexcept
    : consumer_(std::exchange(other.consumer_, nullptr)), producer_(other.producer_),
      bytes_(other.bytes_), stalled_(other.stalled_) {}

DnsRing::~DnsRing() {
    if (!consumer_) return;
    const std::size_t page = page_size();
    ::munmap(const_cast<std::byte*>(producer_), page + 2 * bytes_);
    ::munmap(consumer_, page);
}

void DnsRing::drain(const std::function<void(std::span<const std::uint8_t>)>& take) {
    const std::size_t end = load(producer_);
    std::size_t at = load(consumer_);
    while (at < end) {
        const std::byte* record = producer_ + page_size() + (at & (bytes_ - 1));
        if (!wait_written(record)) {
            ++stalled_;
            return;
        }
        const std::uint32_t header = load_header(record);
        const std::size_t size = header & ~(BPF_RINGBUF_BUSY_BIT | BPF_RINGBUF_DISCARD_BIT);
        if (!(header & BPF_RINGBUF_DISCARD_BIT))
            take({reinterpret_cast<const std::uint8_t*>(record) + BPF_RINGBUF_HDR_SZ, size});
        at += (size + BPF_RINGBUF_HDR_SZ + 7) / 8 * 8;
        __atomic_store_n(reinterpret_cast<unsigned long*>(consumer_), at, __ATOMIC_RELEASE);
    }
}

}  // namespace doorward

// SPDX-License-Identifier: GPL-2.0-or-later
#include "rules/wide_memory.hpp"

#include <cstdint>
#include <limits>

#include <sys/mman.h>

namespace doorward {

namespace {

constexpr std::size_t wide_page = std::size_t{2} << 20;
constexpr std::size_t small_page = 4096;

std::size_t rounded(std::size_t bytes, std::size_t page) { return (bytes + page - 1) / page * page; }

}  // namespace

void* take_wide_memory(std::size_t bytes) {
    if (bytes > std::numeric_limits<std::size_t>::max() / 2) throw std::bad_alloc();
    const std::size_t size = rounded(bytes, small_page);
    // Mapped with room to spare, so that it can begin where a wide page may.
    void* const mapped = mmap(nullptr, size + wide_page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (mapped == MAP_FAILED) throw std::bad_alloc();
    char* const from = static_cast<char*>(mapped);
    const std::size_t before = rounded(reinterpret_cast<std::uintptr_t>(from), wide_page) -
                               reinterpret_cast<std::uintptr_t>(from);
    if (before != 0) munmap(from, before);
    munmap(from + before + size, wide_page - before);
    // Whole pages only, so that no memory is taken beyond the table. No harm where it is refused.
    (void)madvise(from + before, bytes / wide_page * wide_page, MADV_HUGEPAGE);
    return from + before;
}

void give_wide_memory(void* memory, std::size_t bytes) { munmap(memory, rounded(bytes, small_page)); }

}  // namespace doorward

// SPDX-License-Identifier: GPL-2.0-or-later
// Memory for large tables that are read here and there: in pages of 2 MB where the kernel grants them.
// With 4 KB each, a million rules have more pages than a processor keeps addresses of, and finding the page
// takes longer than reading what is in it.
#pragma once

#include <cstddef>
#include <cstdlib>
#include <new>
#include <string>

#include <sys/mman.h>

namespace doorward {

template <class T>
struct WideAllocator {
    using value_type = T;

    WideAllocator() = default;
    template <class U>
    WideAllocator(const WideAllocator<U>&) {}

    T* allocate(std::size_t count) {
        const std::size_t bytes = count * sizeof(T);
        if (bytes < least) return static_cast<T*>(::operator new(bytes, std::align_val_t(alignof(T))));
        void* const memory = std::aligned_alloc(page, (bytes + page - 1) / page * page);
        if (memory == nullptr) throw std::bad_alloc();
        // Whole pages only, so that no memory is taken beyond the table. No harm where it is refused.
        (void)madvise(memory, bytes / page * page, MADV_HUGEPAGE);
        return static_cast<T*>(memory);
    }

    void deallocate(T* memory, std::size_t count) {
        if (count * sizeof(T) < least) return ::operator delete(memory, std::align_val_t(alignof(T)));
        std::free(memory);
    }

    bool operator==(const WideAllocator&) const = default;

private:
    static constexpr std::size_t page = std::size_t{2} << 20;
    static constexpr std::size_t least = 2 * page;
};

using WideText = std::basic_string<char, std::char_traits<char>, WideAllocator<char>>;

}  // namespace doorward

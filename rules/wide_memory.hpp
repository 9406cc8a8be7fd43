// SPDX-License-Identifier: GPL-2.0-or-later
// Memory for large tables that are read here and there: in pages of 2 MB where the kernel grants them.
// With 4 KB each, a million rules have more pages than a processor keeps addresses of, and finding the page
// takes longer than reading what is in it.
#pragma once

#include <cstddef>
#include <new>
#include <string>

namespace doorward {

// Fresh memory, whose pages nobody has touched: what malloc gives again has small ones already. Throws
// std::bad_alloc.
void* take_wide_memory(std::size_t bytes);
void give_wide_memory(void* memory, std::size_t bytes);

template <class T>
struct WideAllocator {
    using value_type = T;

    WideAllocator() = default;
    template <class U>
    WideAllocator(const WideAllocator<U>&) {}

    T* allocate(std::size_t count) {
        if (is_small(count))
            return static_cast<T*>(::operator new(count * sizeof(T), std::align_val_t(alignof(T))));
        return static_cast<T*>(take_wide_memory(count * sizeof(T)));
    }

    void deallocate(T* memory, std::size_t count) {
        if (is_small(count)) return ::operator delete(memory, std::align_val_t(alignof(T)));
        give_wide_memory(memory, count * sizeof(T));
    }

    bool operator==(const WideAllocator&) const = default;

private:
    static constexpr std::size_t least = std::size_t{4} << 20;

    static bool is_small(std::size_t count) { return count < least / sizeof(T); }
};

using WideText = std::basic_string<char, std::char_traits<char>, WideAllocator<char>>;

}  // namespace doorward

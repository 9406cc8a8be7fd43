// SPDX-License-Identifier: GPL-2.0-or-later
#include "fwd/startup_pages.hpp"

#include <cstddef>
#include <cstdint>

#include <link.h>
#include <malloc.h>
#include <sys/mman.h>
#include <unistd.h>

namespace doorward {
namespace {

// Never what may be written, were it only by the dynamic linker before it was made read-only: dropped, such a
// page would come back as it is in the file. That lies in segments with PF_W.
int let_go(dl_phdr_info* object, std::size_t, void* page_size) {
    const std::uintptr_t page = *static_cast<const std::uintptr_t*>(page_size);
    if (object->dlpi_phdr == nullptr) return 0;
    for (int i = 0; i < object->dlpi_phnum; ++i) {
        const ElfW(Phdr)& segment = object->dlpi_phdr[i];
        if (segment.p_type != PT_LOAD || (segment.p_flags & PF_W) != 0) continue;
        const std::uintptr_t from = (object->dlpi_addr + segment.p_vaddr + page - 1) / page * page;
        const std::uintptr_t to = (object->dlpi_addr + segment.p_vaddr + segment.p_filesz) / page * page;
        // What can't be dropped (the kernel's own vdso) says so and stays.
        if (to > from) (void)::madvise(reinterpret_cast<void*>(from), to - from, MADV_DONTNEED);
    }
    return 0;
}

}  // namespace

void let_go_of_startup_pages() {
    std::uintptr_t page = static_cast<std::uintptr_t>(::sysconf(_SC_PAGESIZE));
    ::dl_iterate_phdr(let_go, &page);
    ::malloc_trim(0);
}

}  // namespace doorward

// SPDX-License-Identifier: GPL-2.0-or-later
// The functions of the kernel itself, without its modules, by its BTF: several megabytes, read once and kept for as
// long as somebody asks.
#pragma once

#include <cerrno>

#include <bpf/btf.h>

#include "fwd/handle.hpp"

namespace doorward {

class KernelFunctions {
public:
    KernelFunctions() : btf_(btf__load_vmlinux_btf()), error_(btf_ ? 0 : errno) {}

    // The number of its type, or a negative errno: there is no such function, or why there is no BTF.
    int find(const char* name) const {
        return btf_ ? btf__find_by_name_kind(btf_.get(), name, BTF_KIND_FUNC) : -error_;
    }
    bool has(const char* name) const { return find(name) > 0; }

private:
    CHandle<btf, btf__free> btf_;
    int error_;
};

}  // namespace doorward

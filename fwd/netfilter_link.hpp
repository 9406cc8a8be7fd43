// SPDX-License-Identifier: GPL-2.0-or-later
// BPF programs on netfilter hooks (Linux 6.4), for a libbpf that is older than they are.
#pragma once

#include "fwd/handle.hpp"
#include "rules/result.hpp"

struct bpf_program;

namespace doorward {

// Tells libbpf what the program is, before it is loaded: it knows no section of that name.
void declare_netfilter_program(bpf_program* program);

// Whether this kernel takes such programs at all: loads an empty one.
bool netfilter_programs_supported();

// Attaches a loaded program to LOCAL_OUT of one family (NFPROTO_IPV4 or NFPROTO_IPV6) in the network
// namespace of the calling thread. It stays attached as long as the returned link is open.
Result<Fd> attach_netfilter(int program_fd, int family, int priority);

}  // namespace doorward

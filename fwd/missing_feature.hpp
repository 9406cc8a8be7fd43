// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <string>

namespace doorward {

// Something this kernel was asked for and does not have, and what that means for the user.
struct MissingFeature {
    std::string name;         // "netfilter LOCAL_OUT (the kernel has no BPF netfilter programs)"
    std::string consequence;  // "senders on connected UDP, ping and raw sockets stay unknown"
};

}  // namespace doorward

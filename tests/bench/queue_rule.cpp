// SPDX-License-Identifier: GPL-2.0-or-later
// Makes the NFQUEUE target of xtables the content of the chain `undecided` in `inet doorward`, for
// kernels that have no nft_queue and hosts that have no iptables. By hand there is no way: nft can't
// write such a rule.
//
// usage: queue-rule QUEUE
#include <cstdio>
#include <cstdlib>

#include "fwd/nft_queue_rule.hpp"

int main(int argc, char** argv) {
    const int queue = argc == 2 ? std::atoi(argv[1]) : -1;
    if (queue < 0 || queue > 65535) {
        std::fputs("usage: queue-rule QUEUE\n", stderr);
        return 2;
    }
    auto rule = doorward::NftQueueRule::open();
    auto put = rule ? rule->put(static_cast<std::uint16_t>(queue), 1, false)
                    : std::unexpected(rule.error());
    if (put) return 0;
    std::fprintf(stderr, "queue-rule: %s\n", put.error().text().c_str());
    return 1;
}

# SPDX-License-Identifier: GPL-2.0-or-later
"""Counts at the peer's end of the wire, before anything there could drop: nothing but the allowed peer's
own addresses, and what the kernel sends to keep a link alive, may ever come."""

import json

from lib.namespace import Pair

FORBIDDEN4, FORBIDDEN6 = "10.98.0.0/16", "fd98::/64"

TABLE = """
table netdev leak {
  counter arrived-tcp {}
  counter arrived-udp {}
  counter arrived-icmp {}
  counter arrived-other {}
  counter allowed {}
  chain forbidden {
    meta l4proto 6 counter name "arrived-tcp" drop
    meta l4proto 17 counter name "arrived-udp" drop
    meta l4proto { 1, 58 } counter name "arrived-icmp" drop
    counter name "arrived-other" drop
  }
  chain wire {
    type filter hook ingress device "%(link)s" priority -500; policy accept;
    ip daddr %(peer4)s ip saddr %(host4)s counter name allowed accept
    ip6 daddr %(peer6)s ip6 saddr %(host6)s counter name allowed accept
    meta protocol arp accept
    icmpv6 type { 130, 131, 132, 133, 134, 135, 136, 143 } ip6 hoplimit { 1, 255 } accept
    goto forbidden
  }
}
"""


class Counter:
    def __init__(self, pair: Pair):
        self.peer = pair.peer
        text = TABLE % {"link": pair.peer_link, "peer4": pair.peer4, "host4": pair.host4,
                        "peer6": pair.peer6, "host6": pair.host6}
        self.peer.run("nft", "-f", "-", stdin=None, input=text, check=True)

    def read(self) -> dict[str, int]:
        """Packets since the last reset: "allowed", and what has leaked by protocol."""
        return self._ask("list")

    def _ask(self, verb: str) -> dict[str, int]:
        answer = json.loads(self.peer.run("nft", "-j", verb, "counters", "table", "netdev", "leak",
                                          check=True).stdout)
        counters = [item["counter"] for item in answer["nftables"] if "counter" in item]
        return {one["name"].removeprefix("arrived-"): one["packets"] for one in counters}

    def leaked(self) -> int:
        return self._leaked(self.read())

    @staticmethod
    def _leaked(counts: dict[str, int]) -> int:
        return sum(count for name, count in counts.items() if name != "allowed")

    def reset(self) -> int:
        """Begins at zero again; what had leaked until that very moment."""
        return self._leaked(self._ask("reset"))

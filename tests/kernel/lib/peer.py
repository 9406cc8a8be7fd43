# SPDX-License-Identifier: GPL-2.0-or-later
"""The other side of the wire: what answers there, and what really arrived."""

import time

from .helper import Helper
from .namespace import Namespace


class EchoServers(Helper):
    """TCP and UDP echo on each port, IPv4 and IPv6."""

    def __init__(self, namespace: Namespace, *ports: int):
        super().__init__(namespace, "echo_server.py", *map(str, ports))


# ICMPv6 by which the kernel keeps IPv6 going, sent when it sees fit: router and neighbour
# discovery, multicast listener reports.
HOUSEKEEPING = {133, 134, 135, 136, 137, 143}


class Wire(Helper):
    """Every IP packet that arrived on a link, as dictionaries (see sniffer.py for the keys).

    The kernel's own IPv6 housekeeping is left out unless its type is asked for.
    """

    def __init__(self, namespace: Namespace, link: str):
        super().__init__(namespace, "sniffer.py", link)

    def packets(self, quiet: float = 0.1, **wanted) -> list[dict]:
        """Packets whose keys have the wanted values, once none has come for `quiet` seconds."""
        packets = self._list("list")
        for _ in range(100):
            time.sleep(quiet)
            before, packets = len(packets), self._list("list")
            if len(packets) == before:
                break
        return [packet for packet in packets
                if all(packet.get(key) == value for key, value in wanted.items())
                and ("type" in wanted or not _housekeeping(packet))]

    def count(self, **wanted) -> int:
        return len(self.packets(**wanted))

    def reset(self) -> None:
        self._list("reset")

    def _list(self, command: str) -> list[dict]:
        answer = self.ask(command)
        if answer["lost"]:
            raise RuntimeError(f"the sniffer itself lost {answer['lost']} packets")
        return answer["packets"]


def _housekeeping(packet: dict) -> bool:
    return packet["protocol"] == "icmpv6" and packet.get("type") in HOUSEKEEPING

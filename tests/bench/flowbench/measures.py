# SPDX-License-Identifier: GPL-2.0-or-later
"""What is measured. MEASURES is the table; `clients` are threads of flow-load."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Measure:
    title: str
    unit: str                             # of which so many pass in a second
    clients: tuple[int, ...] | None = None  # None: those of the command line
    denied: bool = False                  # only for contenders that can deny
    in_bytes: bool = False
    decided_each: bool = True             # else one decision for each client, before the clock starts

    def flows(self, clients: int, result: dict) -> int:
        """So many needed a verdict, at least."""
        return result["count"] if self.decided_each else clients

    def rate(self, result: dict) -> float:
        done = result["bytes"] / 1e6 if self.in_bytes else result["count"]
        return done / (result["ns"] / 1e9)


MEASURES = {
    "tcp": Measure("new TCP connections", "connections/s"),
    "udp": Measure("first datagrams, each from a new socket, echoed", "echoes/s"),
    "exec": Measure("processes that connect and exit", "processes/s", clients=(4,)),
    "denied": Measure("denied TCP connections, until connect() fails", "refusals/s", clients=(1,),
                      denied=True),
    "stream": Measure("an open TCP connection", "MB/s", clients=(1,), in_bytes=True,
                      decided_each=False),
    "packets": Measure("an open UDP flow, 32 datagrams at a time, echoed", "echoes/s", clients=(1,),
                       decided_each=False),
}

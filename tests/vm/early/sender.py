# SPDX-License-Identifier: GPL-2.0-or-later
"""Sends from the first moment of a boot at which it can, and writes down what arrived and when.

/run/leak-early.json: times are seconds of CLOCK_MONOTONIC. began: the first datagram was sent; last_arrival: just
before the last that arrived was sent; sent, arrived: in all; sent_since: after the last arrival.
"""

import json
import os
import socket
import subprocess
import time
from pathlib import Path

RESULT, COUNT = Path("/run/leak-early.json"), Path("/sys/class/net/ew1/statistics/rx_packets")
ADDRESS = "10.96.0.2"
MOST_SECONDS = 300


def ip(*words: str) -> None:
    subprocess.run(("ip", *words), check=True)


def open_link() -> None:
    ip("link", "add", "ew0", "type", "veth", "peer", "name", "ew1")
    for link in ("ew0", "ew1"):
        Path(f"/proc/sys/net/ipv6/conf/{link}/disable_ipv6").write_text("1")
        ip("link", "set", link, "up")
    ip("address", "add", "10.96.0.1/24", "dev", "ew0")
    ip("neigh", "replace", ADDRESS, "lladdr", "02:00:00:00:96:02", "dev", "ew0", "nud", "permanent")


def write(told: dict) -> None:
    scratch = RESULT.with_suffix(".new")
    scratch.write_text(json.dumps(told))
    os.replace(scratch, RESULT)


def main() -> None:
    open_link()
    told = {"began": time.monotonic(), "last_arrival": None, "sent": 0, "arrived": 0, "sent_since": 0}
    written = told["began"]
    while (now := time.monotonic()) < told["began"] + MOST_SECONDS:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
            try:
                sender.sendto(b"early", (ADDRESS, 9 + told["sent"] % 1000))
            except OSError:  # refused at once, by a verdict that is known
                pass
        told["sent"] += 1
        arrived = int(COUNT.read_text())
        if arrived > told["arrived"]:
            told.update(arrived=arrived, last_arrival=now, sent_since=0)
        else:
            told["sent_since"] += 1
        if now > written + 0.5:
            write(told)
            written = now
        if told["sent"] > 2000:
            time.sleep(0.005)


main()

# SPDX-License-Identifier: GPL-2.0-or-later
"""Sends from the first moment of a boot at which it can, and writes down what arrived and when.

/run/leak-early.json: times are seconds of CLOCK_MONOTONIC. began: the first datagram was sent; last_arrival: just
before the last that arrived was sent; sent, arrived: in all; sent_since: after the last arrival. Each datagram says
when it was sent: other frames on that link (ARP, DHCP of whoever configures networks) are none of ours.
"""

import json
import os
import socket
import struct
import subprocess
import time
from pathlib import Path

RESULT = Path("/run/leak-early.json")
PORT, ETH_P_IP, HEADERS = 9, 0x800, 20 + 8
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


def listener() -> socket.socket:
    """Gets the IP packets that arrive at the other end."""
    made = socket.socket(socket.AF_PACKET, socket.SOCK_DGRAM, socket.htons(ETH_P_IP))
    made.bind(("ew1", ETH_P_IP))
    made.setblocking(False)
    return made


def arrivals(at: socket.socket):
    """When those that have arrived were sent."""
    while True:
        try:
            packet = at.recv(200)
        except BlockingIOError:
            return
        if len(packet) == HEADERS + 8 and packet[9] == socket.IPPROTO_UDP:
            yield struct.unpack("d", packet[HEADERS:])[0]


def write(told: dict) -> None:
    scratch = RESULT.with_suffix(".new")
    scratch.write_text(json.dumps(told))
    os.replace(scratch, RESULT)


def main() -> None:
    open_link()
    other_end = listener()
    told = {"began": time.monotonic(), "last_arrival": None, "sent": 0, "arrived": 0, "sent_since": 0}
    written = told["began"]
    while (now := time.monotonic()) < told["began"] + MOST_SECONDS:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
            try:
                sender.sendto(struct.pack("d", now), (ADDRESS, PORT + told["sent"] % 1000))
            except OSError:  # refused at once, by a verdict that is known
                pass
        told["sent"] += 1
        told["sent_since"] += 1
        for sent_at in arrivals(other_end):
            told.update(arrived=told["arrived"] + 1, last_arrival=sent_at, sent_since=0)
        if now > written + 0.5:
            write(told)
            written = now
        if told["sent"] > 2000:
            time.sleep(0.005)


main()

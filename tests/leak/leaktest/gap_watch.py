# SPDX-License-Identifier: GPL-2.0-or-later
"""Helper process: how long the table inet doorward was not as it should be, in milliseconds: from another
program's transaction that touched it to the daemon's that puts it in again.

usage: gap_watch.py      then, for each line on stdin: a list of the gaps since the last one
"""

import json
import select
import socket
import struct
import sys
import time

NETLINK_NETFILTER, NFNLGRP_NFTABLES = 12, 7
SUBSYSTEM, NEWGEN = 10, 15
DAEMON = b"doorwardd\0"


def attributes(body: bytes) -> dict[int, bytes]:
    found, at = {}, 4  # behind struct nfgenmsg
    while at + 4 <= len(body):
        length, kind = struct.unpack_from("HH", body, at)
        if length < 4:
            break
        found[kind & 0x3fff] = body[at + 4:at + length]
        at += (length + 3) & ~3
    return found


class Gaps:
    def __init__(self):
        self.socket = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, NETLINK_NETFILTER)
        self.socket.setsockopt(socket.SOL_SOCKET, 33, 16 << 20)  # SO_RCVBUFFORCE
        self.socket.bind((0, 1 << (NFNLGRP_NFTABLES - 1)))
        self.touched = False  # by the transaction whose end has not come yet
        self.open_since = None
        self.closed: list[float] = []

    def take(self) -> None:
        now, data, at = time.monotonic(), self.socket.recv(1 << 20), 0
        while at + 16 <= len(data):
            length, kind = struct.unpack_from("IH", data, at)
            if kind >> 8 == SUBSYSTEM:
                self.message(kind & 0xff, data[at + 16:at + length], now)
            at += (length + 3) & ~3

    def message(self, kind: int, body: bytes, now: float) -> None:
        found = attributes(body)
        if kind != NEWGEN:
            self.touched = self.touched or found.get(1) == b"doorward\0"
            return
        if self.touched and found.get(3) == DAEMON and self.open_since is not None:
            self.closed.append((now - self.open_since) * 1000)  # the first of its transactions closes
            self.open_since = None
        elif self.touched and found.get(3) != DAEMON:
            self.open_since = now
        self.touched = False


def main() -> None:
    gaps = Gaps()
    print('"ready"', flush=True)
    while True:
        ready = select.select([gaps.socket, sys.stdin], [], [])[0]
        if gaps.socket in ready:
            gaps.take()
        elif sys.stdin in ready:
            if not sys.stdin.readline():
                return
            print(json.dumps(gaps.closed), flush=True)
            gaps.closed = []


main()

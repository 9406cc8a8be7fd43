# SPDX-License-Identifier: GPL-2.0-or-later
"""Helper process: the first packets that leaked, so that a failure says more than a number.

usage: witness.py LINK      then, for each line on stdin: a list of what has come since the last one
"""

import ctypes
import json
import select
import socket
import struct
import sys
import time

ETH_P_ALL, SO_ATTACH_FILTER, PACKET_OUTGOING = 3, 26, 4
MOST = 40

# Classic BPF, on the network header: the forbidden networks only, so that the allowed traffic costs nothing.
FILTER = [
    (0x28, 0, 0, 0xfffff000),           # ldh [ethertype]
    (0x15, 0, 3, 0x0800),               # IPv4?
    (0x28, 0, 0, 16),                   # ldh [destination]
    (0x15, 4, 0, (10 << 8) | 98), (0x06, 0, 0, 0),
    (0x15, 0, 3, 0x86dd),               # IPv6?
    (0x28, 0, 0, 24),
    (0x15, 0, 1, 0xfd98), (0x06, 0, 0, 200),
    (0x06, 0, 0, 0),
]


def attach(raw: socket.socket) -> None:
    program = b"".join(struct.pack("HBBI", *line) for line in FILTER)
    memory = ctypes.create_string_buffer(program)
    raw.setsockopt(socket.SOL_SOCKET, SO_ATTACH_FILTER,
                   struct.pack("HL", len(FILTER), ctypes.addressof(memory)))


def describe(data: bytes, kind: int) -> str:
    v4 = data[0] >> 4 == 4
    protocol, offset = (data[9], 4 * (data[0] & 15)) if v4 else (data[6], 40)
    family, at = (socket.AF_INET, 16) if v4 else (socket.AF_INET6, 24)
    target = socket.inet_ntop(family, data[at:at + (4 if v4 else 16)])
    ports = struct.unpack_from("!HH", data, offset) if len(data) >= offset + 4 else ()
    return f"{time.monotonic():.3f} protocol {protocol} to {target}, ports or type {ports}, kind {kind}"


def main() -> None:
    raw = socket.socket(socket.AF_PACKET, socket.SOCK_DGRAM, 0)
    attach(raw)
    raw.bind((sys.argv[1], ETH_P_ALL))
    seen: list[str] = []
    print('"ready"', flush=True)
    while True:
        ready = select.select([raw, sys.stdin], [], [])[0]
        if raw in ready:
            data, (_, _, kind, *_) = raw.recvfrom(300)
            if kind != PACKET_OUTGOING and len(seen) < MOST:
                seen.append(describe(data, kind))
        if sys.stdin in ready:
            if not sys.stdin.readline():
                return
            print(json.dumps(seen), flush=True)
            seen = []


main()

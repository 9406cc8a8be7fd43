# SPDX-License-Identifier: GPL-2.0-or-later
"""Helper process: notes every IP packet that arrives on one link.

Commands on stdin: "list" answers with all packets so far, "reset" forgets them.

usage: sniffer.py LINK
"""

import json
import select
import socket
import struct
import sys

ETH_P_ALL, ETH_P_IP, ETH_P_IPV6 = 0x0003, 0x0800, 0x86DD
PACKET_OUTGOING = 4
SOL_PACKET, PACKET_STATISTICS = 263, 6
NAMES = {1: "icmp", 6: "tcp", 17: "udp", 58: "icmpv6", 132: "sctp", 136: "udplite"}
EXTENSIONS = {0, 43, 60}  # hop-by-hop, routing, destination options


def upper_layer_v6(data: bytes) -> tuple[int, int]:
    """Protocol and offset of what follows the extension headers."""
    protocol, offset = data[6], 40
    while protocol in EXTENSIONS and offset + 2 <= len(data):
        protocol, offset = data[offset], offset + 8 * (data[offset + 1] + 1)
    return protocol, offset


def describe(data: bytes) -> dict:
    if data[0] >> 4 == 4:
        protocol, offset = data[9], 4 * (data[0] & 15)
        source, target = (socket.inet_ntop(socket.AF_INET, data[at:at + 4]) for at in (12, 16))
    else:
        protocol, offset = upper_layer_v6(data)
        source, target = (socket.inet_ntop(socket.AF_INET6, data[at:at + 16]) for at in (8, 24))
    packet = {"protocol": NAMES.get(protocol, str(protocol)), "source": source, "target": target,
              "length": len(data)}
    if protocol in (6, 17, 132, 136) and len(data) >= offset + 4:
        packet["sport"], packet["dport"] = struct.unpack_from("!HH", data, offset)
    if protocol == 6 and len(data) >= offset + 14:
        flags = data[offset + 13]
        packet["syn"] = flags & 0x12 == 0x02
        packet["rst"] = bool(flags & 0x04)
    if protocol in (1, 58) and len(data) > offset:
        packet["type"] = data[offset]
    return packet


class Sniffer:
    def __init__(self, link: str):
        self.packets: list[dict] = []
        self.socket = socket.socket(socket.AF_PACKET, socket.SOCK_DGRAM, socket.htons(ETH_P_ALL))
        self.socket.setsockopt(socket.SOL_SOCKET, 33, 64 << 20)  # SO_RCVBUFFORCE
        self.socket.bind((link, ETH_P_ALL))
        self.socket.setblocking(False)

    def drain(self) -> None:
        while True:
            try:
                data, (_, ethertype, kind, *_) = self.socket.recvfrom(65600)
            except BlockingIOError:
                return
            if kind != PACKET_OUTGOING and ethertype in (ETH_P_IP, ETH_P_IPV6) and len(data) >= 20:
                self.packets.append(describe(data))

    def lost(self) -> int:
        return struct.unpack("II", self.socket.getsockopt(SOL_PACKET, PACKET_STATISTICS, 8))[1]


def main() -> None:
    sniffer = Sniffer(sys.argv[1])
    print('"ready"')
    while True:
        ready, _, _ = select.select([sniffer.socket, sys.stdin], [], [])
        if sniffer.socket in ready:
            sniffer.drain()
        if sys.stdin in ready:
            command = sys.stdin.readline().strip()
            if not command:
                return
            sniffer.drain()
            if command == "reset":
                sniffer.packets.clear()
            print(json.dumps({"packets": sniffer.packets, "lost": sniffer.lost()}))


main()

# SPDX-License-Identifier: GPL-2.0-or-later
"""Helper process: sends UDP datagrams, as whole frames, on packet sockets (AF_PACKET).

Commands on stdin: "send LINK PORT COUNT [MAC]" writes IPv4 frames to the peer's port and answers
{"sent": …, "errno": …}; "ring LINK PORT" writes one through a PACKET_TX_RING; "bypass" asks for
PACKET_QDISC_BYPASS from then on and answers {"errno": …}.

usage: packet_sender.py SOURCE TARGET
"""

import json
import mmap
import socket
import struct
import sys

ETH_P_IP, SOL_PACKET, PACKET_QDISC_BYPASS = 0x0800, 263, 20
PACKET_TX_RING, TP_STATUS_SEND_REQUEST = 13, 1
BROADCAST = b"\xff" * 6


def checksum(data: bytes) -> int:
    total = sum(struct.unpack(f"!{len(data) // 2}H", data))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return ~total & 0xFFFF


def datagram(source: str, target: str, port: int) -> bytes:
    addresses = socket.inet_aton(source) + socket.inet_aton(target)
    head = struct.pack("!BBHHHBBH", 0x45, 0, 28, 0, 0, 64, socket.IPPROTO_UDP, 0) + addresses
    head = head[:10] + struct.pack("!H", checksum(head)) + head[12:]
    return head + struct.pack("!HHHH", 4321, port, 8, 0)


def attempt(action) -> int:
    try:
        action()
    except OSError as error:
        return error.errno
    return 0


def send_through_ring(data: bytes, target: tuple) -> None:
    """A struct tpacket_hdr of 32 bytes, then the data; the kernel takes it when it is told to."""
    with socket.socket(socket.AF_PACKET, socket.SOCK_DGRAM, 0) as packets:
        packets.setsockopt(SOL_PACKET, PACKET_TX_RING, struct.pack("IIII", 4096, 1, 2048, 2))
        ring = mmap.mmap(packets.fileno(), 4096, mmap.MAP_SHARED)
        ring[32:32 + len(data)] = data
        ring[8:12] = struct.pack("I", len(data))
        ring[0:8] = struct.pack("Q", TP_STATUS_SEND_REQUEST)
        packets.sendto(b"", target)
        ring.close()


def main() -> None:
    packets = socket.socket(socket.AF_PACKET, socket.SOCK_DGRAM, 0)
    print(json.dumps("ready"), flush=True)
    for line in sys.stdin:
        command, *words = line.split()
        if command == "bypass":
            answer = {"errno": attempt(
                lambda: packets.setsockopt(SOL_PACKET, PACKET_QDISC_BYPASS, 1))}
        elif command == "ring":
            data = datagram(*sys.argv[1:3], int(words[1]))
            answer = {"errno": attempt(
                lambda: send_through_ring(data, (words[0], ETH_P_IP, 0, 0, BROADCAST)))}
        else:
            link, port, count = words[0], int(words[1]), int(words[2])
            mac = bytes.fromhex(words[3].replace(":", "")) if len(words) > 3 else BROADCAST
            data, answer = datagram(*sys.argv[1:3], port), {"sent": 0, "errno": 0}
            for _ in range(count):
                error = attempt(lambda: packets.sendto(data, (link, ETH_P_IP, 0, 0, mac)))
                answer["errno"] = error or answer["errno"]
                answer["sent"] += error == 0
        print(json.dumps(answer), flush=True)


main()

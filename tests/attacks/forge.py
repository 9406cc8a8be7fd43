# SPDX-License-Identifier: GPL-2.0-or-later
"""Packets made by hand, for raw sockets."""

import socket
import struct

HOP_BY_HOP, ROUTING, FRAGMENT, DESTINATION = 0, 43, 44, 60
MORE = 0x2000


def checksum(data: bytes) -> int:
    total = sum(struct.unpack(f"!{(len(data) + 1) // 2}H", data + b"\0" * (len(data) % 2)))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return ~total & 0xFFFF


def packed(address: str) -> bytes:
    return socket.inet_pton(socket.AF_INET6 if ":" in address else socket.AF_INET, address)


def ip4(source: str, target: str, protocol: int, data: bytes, *, fragment: int = 0, number: int = 77,
        options: bytes = b"", length: int | None = None, words: int | None = None) -> bytes:
    """`fragment`: flags and offset in units of 8 bytes; `length` and `words` (of the header) may lie."""
    head = 20 + len(options)
    made = struct.pack("!BBHHHBBH", 0x40 | (head // 4 if words is None else words), 0,
                       head + len(data) if length is None else length, number, fragment, 64, protocol, 0)
    made += packed(source) + packed(target) + options
    return made[:10] + struct.pack("!H", checksum(made)) + made[12:] + data


def ip6(source: str, target: str, following: int, data: bytes, length: int | None = None) -> bytes:
    return (struct.pack("!IHBB", 6 << 28, len(data) if length is None else length, following, 64) +
            packed(source) + packed(target) + data)


def _summed(source: str, target: str, protocol: int, data: bytes, at: int) -> bytes:
    pseudo = packed(source) + packed(target) + struct.pack("!II", len(data), protocol)
    return data[:at] + struct.pack("!H", checksum(pseudo + data) or 0xFFFF) + data[at + 2:]


def udp(source: str, target: str, sport: int, dport: int, data: bytes = b"forged", length: int | None = None) -> bytes:
    made = struct.pack("!HHHH", sport, dport, 8 + len(data) if length is None else length, 0) + data
    return _summed(source, target, 17, made, 6)


def tcp(source: str, target: str, sport: int, dport: int, flags: int, sequence: int = 1, answered: int = 0,
        data: bytes = b"") -> bytes:
    made = struct.pack("!HHIIBBHHH", sport, dport, sequence & 0xFFFFFFFF, answered & 0xFFFFFFFF, 5 << 4,
                       flags, 1024, 0, 0) + data
    return _summed(source, target, 6, made, 16)


def unreachable(about: bytes) -> bytes:
    """The ICMP error that a packet did not get through."""
    made = struct.pack("!BBHI", 3, 3, 0, 0) + about
    return made[:2] + struct.pack("!H", checksum(made)) + made[4:]


def raw_socket(family: int = socket.AF_INET) -> socket.socket:
    """Takes whole packets, header and all."""
    return socket.socket(family, socket.SOCK_RAW, socket.IPPROTO_RAW)


def send_all(packets: list[bytes], target: str) -> int:
    """How many of them the kernel took."""
    with raw_socket(socket.AF_INET6 if ":" in target else socket.AF_INET) as raw:
        taken = 0
        for packet in packets:
            try:
                raw.sendto(packet, (target, 0))
                taken += 1
            except OSError:
                pass
        return taken

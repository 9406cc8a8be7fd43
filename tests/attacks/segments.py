# SPDX-License-Identifier: GPL-2.0-or-later
"""A peer that writes its own segments; the kernel there is to be told to keep quiet."""

SEGMENTS = """
import os, socket, struct, sys, time
raw = socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_TCP); raw.settimeout(5)
def total(data):
    n = sum(struct.unpack("!%dH" % (len(data) // 2), data)); n = (n >> 16) + (n & 0xffff)
    return ~(n + (n >> 16)) & 0xffff
def segment(sport, dport, seq, ack, flags, data=b""):
    tcp = struct.pack("!HHIIBBHHH", sport, dport, seq & 0xffffffff, ack & 0xffffffff, 80, flags, 64000, 0, 0) + data
    even = tcp + bytes(len(tcp) % 2)
    pseudo = socket.inet_aton("10.99.0.2") + socket.inet_aton("10.99.0.1") + struct.pack("!BBH", 0, 6, len(tcp))
    check = total(pseudo + even)
    raw.sendto(tcp[:16] + struct.pack("!H", check) + tcp[18:], ("10.99.0.1", 0))
def heard(sport, dport, flags, seconds=3):
    # The next segment to us with all these flags: (seq, ack, data)
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        raw.settimeout(max(0.01, end - time.monotonic()))
        try: packet = raw.recv(2000)
        except OSError: break
        tcp = packet[(packet[0] & 15) * 4:]
        s, d, seq, ack, off, f = struct.unpack("!HHIIBB", tcp[:14])
        if (s, d) == (sport, dport) and f & flags == flags: return seq, ack, tcp[(off >> 4) * 4:]
FIN, SYN, RST, PSH, ACK = 1, 2, 4, 8, 16
def begin(sport, dport, seq):
    # A connection from here to the host, begun at once; what it says, or None
    segment(sport, dport, seq, 0, SYN)
    got = heard(dport, sport, SYN | ACK)
    if not got: return None
    segment(sport, dport, seq + 1, got[0] + 1, ACK)
    segment(sport, dport, seq + 1, got[0] + 1, ACK | PSH, b"inwards")
    said = heard(dport, sport, PSH)
    return said and said[2]
"""

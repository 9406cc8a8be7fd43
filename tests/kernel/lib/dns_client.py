# SPDX-License-Identifier: GPL-2.0-or-later
"""Asks a DNS server itself, without any library, and may connect right afterwards.

usage: dns_client.py SERVER NAME TYPE [--tcp] [--connect ADDRESS PORT] [--times N] [--answers N]

Waits a while for the first answer (or so many), whatever it says. Exits with the errno of the connection (0: it was
made), 110 if no answer came.
"""

import argparse
import errno
import socket
import struct
import sys

TYPES = {"A": 1, "AAAA": 28, "HTTPS": 65, "TXT": 16}


def ask(arguments, query_id: int) -> bool:
    labels = [label.encode() for label in arguments.name.split(".")]
    query = struct.pack("!HHHHHH", query_id, 0x0100, 1, 0, 0, 0)
    query += b"".join(bytes([len(label)]) + label for label in labels) + b"\0"
    query += struct.pack("!HH", TYPES[arguments.type], 1)
    family = socket.AF_INET6 if ":" in arguments.server else socket.AF_INET
    kind = socket.SOCK_STREAM if arguments.tcp else socket.SOCK_DGRAM
    with socket.socket(family, kind) as server:
        server.settimeout(5)
        try:
            if arguments.tcp:
                server.connect((arguments.server, 53))
                server.sendall(struct.pack("!H", len(query)) + query)
                data = server.recv(65536)
                while len(data) < 2 or len(data) < 2 + struct.unpack("!H", data[:2])[0]:
                    more = server.recv(65536)
                    if not more:
                        return False
                    data += more
            else:
                # Not connected, so that an answer from anywhere arrives.
                server.sendto(query, (arguments.server, 53))
                for _ in range(arguments.answers):
                    server.recv(65536)
        except TimeoutError:
            return False
    return True


def main() -> int:
    parser = argparse.ArgumentParser()
    parser.add_argument("server")
    parser.add_argument("name")
    parser.add_argument("type", choices=TYPES)
    parser.add_argument("--tcp", action="store_true")
    parser.add_argument("--connect", nargs=2)
    parser.add_argument("--times", type=int, default=1)
    parser.add_argument("--answers", type=int, default=1)
    arguments = parser.parse_args()
    for number in range(arguments.times):
        if not ask(arguments, 100 + number):
            return errno.ETIMEDOUT
        if arguments.connect:
            try:
                address, port = arguments.connect
                socket.create_connection((address, int(port)), 20).close()
            except OSError as error:
                return error.errno or errno.ETIMEDOUT
    return 0


sys.exit(main())

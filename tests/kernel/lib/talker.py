# SPDX-License-Identifier: GPL-2.0-or-later
"""Helper process: one UDP flow to an echo server that goes on. Each line sends a datagram and says
whether it came back soon or, after the line "patiently", at all.

usage: talker.py ADDRESS PORT
"""

import json
import socket
import sys

WAIT_S, PATIENCE_S = 0.3, 20


def main() -> None:
    family = socket.AF_INET6 if ":" in sys.argv[1] else socket.AF_INET
    server = socket.socket(family, socket.SOCK_DGRAM)
    server.connect((sys.argv[1], int(sys.argv[2])))
    print(json.dumps("ready"), flush=True)
    for number, line in enumerate(sys.stdin):
        text = str(number).encode()
        echoed = False
        server.settimeout(PATIENCE_S if line.strip() == "patiently" else WAIT_S)
        try:
            server.send(text)
            while not echoed:  # a late answer to an earlier one is none
                echoed = server.recv(100) == text
        except OSError:
            pass
        print(json.dumps(echoed), flush=True)


main()

# SPDX-License-Identifier: GPL-2.0-or-later
"""A flow that goes on: chatter.py KIND ADDRESS PORT TIMES

Sends a byte and waits for its echo, TIMES times, 20 ms apart; KIND is tcp or udp. Prints a line after
the first echo. Exit status: 0 all came back, 3 one did not within two seconds, or the flow broke.
"""

import socket
import sys
import time


def main() -> int:
    kind, address, port, times = sys.argv[1], sys.argv[2], int(sys.argv[3]), int(sys.argv[4])
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    flow = socket.socket(family, socket.SOCK_STREAM if kind == "tcp" else socket.SOCK_DGRAM)
    flow.settimeout(20)
    flow.connect((address, port))
    flow.settimeout(2)
    for number in range(times):
        try:
            flow.send(b"x")
            if not flow.recv(9):
                return 3
        except OSError:
            return 3
        if number == 0:
            print("up", flush=True)
        time.sleep(0.02)
    return 0


if __name__ == "__main__":
    sys.exit(main())

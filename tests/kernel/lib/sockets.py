# SPDX-License-Identifier: GPL-2.0-or-later
"""Helper process with open sockets to echo servers. Each line in is a JSON list:

["open", KIND, ADDRESS, PORT]  KIND: tcp, udp (connected) or free (UDP, not connected); answers its number
["open", KIND, ADDRESS, PORT, SOURCE]  the same from that port; it can be used again at once
["talk", NUMBER, BYTES]        sends so many and reads them back; answers true, or the error's name
["close", NUMBER]
"""

import errno
import json
import socket
import struct
import sys

PATIENCE_S = 20


def opened(kind: str, address: str, port: int, source: int = 0) -> tuple[socket.socket, tuple]:
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    made = socket.socket(family, socket.SOCK_STREAM if kind == "tcp" else socket.SOCK_DGRAM)
    made.settimeout(PATIENCE_S)
    if source:
        made.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        made.bind(("", source))
    if kind != "free":
        made.connect((address, port))
    return made, (address, port)


def talk(kind: str, made: socket.socket, to: tuple, size: int):
    try:
        if kind == "free":
            made.sendto(b"x" * size, to)
        else:
            made.sendall(b"x" * size)
        while size > 0:
            got = len(made.recv(size))
            if got == 0:
                return "EOF"
            size -= got
        return True
    except OSError as error:
        return errno.errorcode.get(error.errno, str(error))


def main() -> None:
    sockets = []
    print(json.dumps("ready"), flush=True)
    for line in sys.stdin:
        what, *words = json.loads(line)
        if what == "open":
            kind, *ends = words
            sockets.append((kind, *opened(kind, *ends)))
            answer = len(sockets) - 1
        elif what == "talk":
            answer = talk(*sockets[words[0]], words[1])
        else:
            sockets[words[0]][1].close()
            answer = True
        print(json.dumps(answer), flush=True)


main()

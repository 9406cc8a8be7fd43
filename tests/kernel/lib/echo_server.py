# SPDX-License-Identifier: GPL-2.0-or-later
"""Helper process: TCP and UDP echo on the given ports, IPv4 and IPv6.

A TCP client that speaks HTTP gets a small answer, so that curl is content.

usage: echo_server.py PORT…
"""

import selectors
import socket
import sys

HTTP_ANSWER = b"HTTP/1.0 200 OK\r\nContent-Length: 9\r\nConnection: close\r\n\r\ndoorward\n"

PATIENCE_S = 20


def listen(family: int, kind: int, port: int) -> socket.socket:
    server = socket.socket(family, kind)
    server.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    if family == socket.AF_INET6:
        server.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
    server.bind(("", port))
    if kind == socket.SOCK_STREAM:
        server.listen(4096)
    server.setblocking(False)
    return server


def accept(server: socket.socket, selector: selectors.BaseSelector) -> None:
    try:
        client, _ = server.accept()
    except OSError:  # gone again before it was taken
        return
    client.setblocking(False)
    selector.register(client, selectors.EVENT_READ, echo_stream)


def echo_stream(client: socket.socket, selector: selectors.BaseSelector) -> None:
    try:
        data = client.recv(65536)
        if data:
            http = data.startswith((b"GET ", b"HEAD "))
            # All of it: on a slow machine the buffer may have room for a part only.
            client.settimeout(PATIENCE_S)
            client.sendall(HTTP_ANSWER if http else data)
            client.setblocking(False)
    except OSError:
        data = b""
    if not data:
        selector.unregister(client)
        client.close()


def echo_datagram(server: socket.socket, _selector: selectors.BaseSelector) -> None:
    try:
        data, sender = server.recvfrom(65536)
        server.sendto(data, sender)
    except OSError:  # an ICMP error for an earlier answer
        pass


def main() -> None:
    selector = selectors.DefaultSelector()
    for port in map(int, sys.argv[1:]):
        for family in (socket.AF_INET, socket.AF_INET6):
            for kind, serve in ((socket.SOCK_STREAM, accept), (socket.SOCK_DGRAM, echo_datagram)):
                selector.register(listen(family, kind, port), selectors.EVENT_READ, serve)
    selector.register(sys.stdin, selectors.EVENT_READ, None)
    print('"ready"')
    while True:
        for key, _ in selector.select():
            if key.data is None:
                return
            key.data(key.fileobj, selector)


main()

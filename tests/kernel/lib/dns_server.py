# SPDX-License-Identifier: GPL-2.0-or-later
"""Helper process: a DNS server that tells what it is told to tell, over UDP and TCP.

usage: dns_server.py ADDRESS…

A line of JSON on stdin sets the answers: {"name": {"records": [[OWNER, TYPE, TTL, VALUE], …],
"lie": …}}. Types: A, AAAA, CNAME, HTTPS (value: [PRIORITY, TARGET, [ADDRESS, …]]). Only records of
the type that was asked for are sent, and CNAMEs. Lies of the answers sent by UDP: "id", "question",
"port", "server" (comes from the last ADDRESS), "twice" (true, then another with address 10.99.0.66).
A line "forward ADDRESS" makes it ask that server instead. A line "send ADDRESS PORT NAME VALUE" sends
an answer that nobody asked for.
"""

import ipaddress
import json
import selectors
import socket
import struct
import sys

TYPES = {"A": 1, "CNAME": 5, "AAAA": 28, "HTTPS": 65}


def wire_name(name: str) -> bytes:
    labels = [label.encode() for label in name.split(".") if label]
    return b"".join(bytes([len(label)]) + label for label in labels) + b"\0"


def read_name(message: bytes, at: int) -> tuple[str, int]:
    labels = []
    while message[at]:
        labels.append(message[at + 1:at + 1 + message[at]].decode(errors="backslashreplace"))
        at += 1 + message[at]
    return ".".join(labels), at + 1


def data_of(kind: str, value) -> bytes:
    if kind in ("A", "AAAA"):
        return ipaddress.ip_address(value).packed
    if kind == "CNAME":
        return wire_name(value)
    priority, target, addresses = value
    data = struct.pack("!H", priority) + wire_name(target)
    for key, version in ((4, 4), (6, 6)):
        packed = b"".join(address.packed for address in map(ipaddress.ip_address, addresses)
                          if address.version == version)
        if packed:
            data += struct.pack("!HH", key, len(packed)) + packed
    return data


def answer_to(query_id: int, name: str, kind: int, records: list) -> bytes:
    sent = [record for record in records if TYPES[record[1]] in (kind, TYPES["CNAME"])]
    message = struct.pack("!HHHHHH", query_id, 0x8180, 1, len(sent), 0, 0)
    message += wire_name(name) + struct.pack("!HH", kind, 1)
    for owner, record_type, ttl, value in sent:
        data = data_of(record_type, value)
        message += wire_name(owner) + struct.pack("!HHIH", TYPES[record_type], 1, ttl, len(data)) + data
    return message


class Server:
    def __init__(self, addresses: list[str]):
        self.zone: dict = {}
        self.upstream: str | None = None
        self.selector = selectors.DefaultSelector()
        self.datagrams = [self.open(address, 53, socket.SOCK_DGRAM) for address in addresses]
        self.streams = [self.open(address, 53, socket.SOCK_STREAM) for address in addresses]
        self.elsewhere = self.open(addresses[0], 5300, socket.SOCK_DGRAM)
        for server in self.datagrams:
            self.selector.register(server, selectors.EVENT_READ, self.datagram)
        for server in self.streams:
            server.listen(64)
            self.selector.register(server, selectors.EVENT_READ, self.accept)

    @staticmethod
    def open(address: str, port: int, kind: int) -> socket.socket:
        family = socket.AF_INET6 if ":" in address else socket.AF_INET
        server = socket.socket(family, kind)
        server.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        server.bind((address, port))
        return server

    def answers(self, query: bytes) -> tuple[bytes, str]:
        """The answer, and which lie it is to be."""
        if self.upstream:
            with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as up:
                up.settimeout(10)
                up.connect((self.upstream, 53))
                up.send(query)
                return up.recv(65536), ""
        name, end = read_name(query, 12)
        kind = struct.unpack_from("!H", query, end)[0]
        entry = self.zone.get(name.lower(), {"records": []})
        lie = entry.get("lie", "")
        query_id = struct.unpack_from("!H", query)[0]
        if lie == "id":
            query_id ^= 1
        asked = "other.example" if lie == "question" else name
        return answer_to(query_id, asked, kind, entry["records"]), lie

    def datagram(self, server: socket.socket) -> None:
        query, sender = server.recvfrom(65536)
        answer, lie = self.answers(query)
        sockets = {"port": self.elsewhere, "server": self.datagrams[-1]}
        sockets.get(lie, server).sendto(answer, sender)
        if lie == "twice":
            name, end = read_name(query, 12)
            server.sendto(answer_to(struct.unpack_from("!H", query)[0], name, 1,
                                    [[name, "A", 60, "10.99.0.66"]]), sender)

    def accept(self, server: socket.socket) -> None:
        client, _ = server.accept()
        self.selector.register(client, selectors.EVENT_READ, self.stream)

    def stream(self, client: socket.socket) -> None:
        data = client.recv(65536)
        if len(data) > 2:
            answer, _ = self.answers(data[2:])
            client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            whole = struct.pack("!H", len(answer)) + answer
            for piece in (whole[:1], whole[1:20], whole[20:]):  # three segments
                client.sendall(piece)
            return
        self.selector.unregister(client)
        client.close()

    def command(self, line: str) -> None:
        words = line.split()
        if words[0] == "forward":
            self.upstream = words[1]
        elif words[0] == "send":
            self.datagrams[0].sendto(answer_to(1, words[3], 1, [[words[3], "A", 60, words[4]]]),
                                     (words[1], int(words[2])))
        else:
            self.zone = json.loads(line)
        print('"done"')


def main() -> None:
    server = Server(sys.argv[1:])
    server.selector.register(sys.stdin, selectors.EVENT_READ, None)
    print('"ready"')
    while True:
        for key, _ in server.selector.select():
            if key.data is not None:
                key.data(key.fileobj)
                continue
            line = sys.stdin.readline()
            if not line:
                return
            server.command(line)


main()

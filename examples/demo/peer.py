#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""The other side of ./run: a web server, a name server, and a box for datagrams.

usage: peer.py BOX    (whatever arrives at UDP port 5000 is written to the file BOX)
Ends by itself after two minutes.
"""
import http.server
import socket
import socketserver
import sys
import threading
import time

LIFETIME_S = 120


class Page(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        body = b"hello from the other side\n"
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


class Server(socketserver.ThreadingTCPServer):
    address_family = socket.AF_INET6  # takes IPv4 too
    allow_reuse_address = True
    daemon_threads = True


def answer_names():
    """Answers every question with one address, whatever was asked."""
    names = socket.socket(socket.AF_INET6, socket.SOCK_DGRAM)
    names.bind(("::", 53))
    while True:
        query, client = names.recvfrom(2048)
        end = query.index(b"\0", 12) + 5  # the name ends in a zero, type and class follow
        question = query[12:end]
        header = query[:2] + b"\x85\x80\0\1\0\1\0\0\0\0"
        record = b"\xc0\x0c\0\1\0\1\0\0\0\x3c\0\4" + socket.inet_aton("10.77.0.2")
        names.sendto(header + question + record, client)


def fill_box(path):
    box = socket.socket(socket.AF_INET6, socket.SOCK_DGRAM)
    box.bind(("::", 5000))
    while True:
        data, _ = box.recvfrom(2048)
        with open(path, "ab") as file:
            file.write(data)


def main():
    jobs = [Server(("::", port), Page).serve_forever for port in (8080, 9090)]
    jobs += [answer_names, lambda: fill_box(sys.argv[1])]
    for job in jobs:
        threading.Thread(target=job, daemon=True).start()
    print("ready", flush=True)
    time.sleep(LIFETIME_S)


main()

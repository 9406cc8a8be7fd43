# SPDX-License-Identifier: GPL-2.0-or-later
"""Datagrams behind a routing header, which any program may ask for: what is accepted to one port is not to another,
beside a program that may send there from the same port."""

import subprocess

from attack import Attack

FRAMES = """
import select, socket, sys, time
s = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(3)); s.bind((sys.argv[1], 0)); s.settimeout(0.2)
print("ready", flush=True); seen = []; end = time.monotonic() + 60
while time.monotonic() < end:
    try: p = s.recv(2000)
    except OSError:
        if select.select([sys.stdin], [], [], 0)[0]: break
        continue
    seen += [word for word in (b"first", b"stolen", b"other") if word in p]
print(*sorted(word.decode() for word in set(seen)), flush=True)
"""


class RoutingHeader(Attack):
    def test_on_another_ones_flow(self):
        self.start(f"  - {{name: one, app: {self.denied}, direction: out, port: 4000, action: accept}}\n")
        frames = self.peer.start("/usr/bin/python3", "-c", FRAMES, self.pair.peer_link, stdin=subprocess.PIPE,
                                 stdout=subprocess.PIPE, text=True)
        for end in (frames.stdout.close, frames.wait, frames.kill):
            self.addCleanup(end)
        self.assertEqual(frames.stdout.readline(), "ready\n")
        other = self.host.start(self.allowed, "-ISc", self.script("""
            s = socket.socket(socket.AF_INET6, 2); s.setsockopt(1, 15, 1); s.bind((HOST6, 6000))
            s.sendto(b"other", (PEER6, 4001)); print("ready", flush=True); time.sleep(30)
        """), stdout=subprocess.PIPE, text=True)
        for end in (other.stdout.close, other.wait, other.kill):
            self.addCleanup(end)
        self.assertEqual(other.stdout.readline(), "ready\n")
        done = self.run_as(self.denied, """
            s = socket.socket(socket.AF_INET6, 2); s.setsockopt(1, 15, 1); s.bind((HOST6, 6000))
            header = bytes([0, 2, 4, 0, 0, 0, 0, 0]) + socket.inet_pton(10, PEER6); s.setsockopt(41, 57, header)
            for i in range(3): s.sendto(b"first", (PEER6, 4000)); time.sleep(0.3)
            for i in range(3): s.sendto(b"stolen", (PEER6, 4001)); time.sleep(0.1)
        """)
        frames.stdin.close()
        said = frames.stdout.readline().split()
        self.assertEqual(said, ["first", "other"])

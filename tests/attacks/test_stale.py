# SPDX-License-Identifier: GPL-2.0-or-later
"""Connections that conntrack still has and no socket any more: what a peer begins anew on their ports is a new flow,
and is asked about, whoever listens there now."""

import subprocess
import time

from attack import USER, Attack
from segments import SEGMENTS

# Listens on a port that somebody had, and talks with whoever comes.
LISTEN = """
    l = socket.socket(); l.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    l.bind(("", int(sys.argv[1]))); l.listen(5); l.settimeout(15); print("ready", flush=True)
    try:
        c, who = l.accept(); c.settimeout(3); print("got", c.recv(100), flush=True); c.send(b"outwards"); time.sleep(1)
    except OSError as error: print("nobody", flush=True)
"""


class Stale(Attack):
    def setUp(self):
        super().setUp()
        self.peer.run("nft", "add table inet quiet; add chain inet quiet o { type filter hook output priority 0; }; "
                      "add rule inet quiet o tcp flags & rst == rst drop", check=True)

    def peer_says(self, text: str, check: bool = True) -> str:
        return self.peer.run("/usr/bin/python3", "-c", SEGMENTS + text, check=check, timeout=60).stdout.strip()

    def listener(self, program: str, port: int) -> subprocess.Popen:
        return self.ready_as(program, LISTEN, port, user=USER)

    def conntrack(self) -> str:
        return self.host.run("conntrack", "-L", "-p", "tcp").stdout

    def test_a_connect_that_was_given_up(self):
        """The allowed program asked and went away; another listens on its port when the one that it asked calls back."""
        self.start()
        self.peer.run("nft", "add rule inet x i tcp dport 9 drop", check=True)
        self.run_as(self.allowed, """
            s = socket.socket(); s.bind(("", 5000)); s.setblocking(False); s.connect_ex((PEER, 9))
        """)
        self.assertEqual(self.arrived(9, "tcp"), 1)
        server = self.listener(self.denied, 5000)
        said = self.peer_says("print(begin(9, 5000, 1000))")
        self.assertEqual(said, "None")
        self.assertEqual(server.stdout.readline(), "nobody\n")
        self.never_accepted()
        self.allowed_sends()

    def test_a_server_that_is_gone(self):
        """A connection that its server has closed and its client has not, at a port that another has now."""
        self.host.sysctl("net.ipv4.tcp_fin_timeout", 2)
        self.start()
        first = self.host.start(self.allowed, "-ISc", self.script("""
            l = socket.socket(); l.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            l.bind(("", 5000)); l.listen(5); print("ready", flush=True); c, who = l.accept(); c.recv(100); c.send(b"hello")
        """), stdout=subprocess.PIPE, text=True)
        self.addCleanup(first.stdout.close)
        self.addCleanup(first.wait)
        self.addCleanup(first.kill)
        self.assertEqual(first.stdout.readline(), "ready\n")
        text = """
print(begin(4000, 5000, 1000))
seq, ack, data = heard(5000, 4000, FIN)
segment(4000, 5000, 1008, seq + len(data) + 1, ACK)
"""
        self.assertEqual(self.peer_says(text), "b'hello'")
        time.sleep(4)  # FIN_WAIT2 is over there, and goes on in conntrack
        server = self.listener(self.denied, 5000)
        said = self.peer_says("print(begin(4000, 5000, 500000))")
        self.assertEqual(said, "None")
        self.assertEqual(server.stdout.readline(), "nobody\n")
        self.allowed_sends()

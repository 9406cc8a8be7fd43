# SPDX-License-Identifier: GPL-2.0-or-later
"""A connection that both ends begin: the SYN that comes in is for the socket that waits to be connected, not for the
server that listens on the same port."""

from attack import Attack
from segments import SEGMENTS

CLIENT = """
    import select
    s = socket.socket(); s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1); s.bind(("", 5000))
    s.setblocking(False); s.connect_ex((PEER, 4000)); print("ready", flush=True)
    select.select([], [s], [], 15); s.setblocking(True); s.settimeout(5)
    try: s.send(b"stolen")
    except OSError: pass
"""
SERVER = """
    s = socket.socket(); s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1); s.bind(("", 5000))
    s.listen(5); print("ready", flush=True); time.sleep(30)
"""


class BothWays(Attack):
    def answered(self, client: str) -> str:
        """The first that the host says to a peer that begins a connection with `client`, beside a server."""
        self.peer.run("nft", "add table inet quiet; add chain inet quiet o { type filter hook output priority 0; }; "
                      "add rule inet quiet o tcp flags & rst == rst drop", check=True)
        self.start()
        self.ready_as(client, CLIENT)
        self.ready_as(self.allowed, SERVER)
        return self.peer.run("/usr/bin/python3", "-c", SEGMENTS + "segment(4000, 5000, 1000, 0, SYN)\n"
                             "print(bool(heard(5000, 4000, SYN | ACK)))", check=True, timeout=60).stdout.strip()

    def test_by_who_may_not(self):
        self.assertEqual(self.answered(self.denied), "False")
        row = self.fw.audit.wait_rows(1, "direction = 'in'")[0]
        self.assertEqual((row["exe"], row["verdict"]), (self.denied, "drop"))

    def test_by_who_may(self):
        """The control."""
        self.assertEqual(self.answered(self.allowed), "True")

# SPDX-License-Identifier: GPL-2.0-or-later
"""A program that binds a port, leaves the socket to a child, and becomes an allowed one by exec: what arrives there may
be the child's."""

import socket

from attack import USER, Attack
from lib.wait import wait_until

LEAVES = """
    kind = int(sys.argv[1])
    s = socket.socket(socket.AF_INET, kind); s.bind(("", 5000)); s.set_inheritable(True)
    if kind == socket.SOCK_STREAM: s.listen(5)
    if os.fork():
        print("ready", flush=True); os.execv(sys.argv[2], [sys.argv[2], "-ISc", "import sys; sys.stdin.read()"])
    sys.stdout.flush(); os.dup2(2, 1)
    s.settimeout(8)
    try: got = s.recv(100) if kind == socket.SOCK_DGRAM else s.accept()
    except OSError: got = None
    open(sys.argv[3], "w").write("nothing" if got is None else "got it")
"""


class LeftBehind(Attack):
    def left(self, kind: int) -> str:
        self.start()
        told = self.folder / "told"
        told.touch(mode=0o666)
        told.chmod(0o666)
        program = self.ready_as(self.denied, LEAVES, int(kind), self.allowed, told, user=USER)
        self.assertEqual(self.peer.run("/usr/bin/python3", "-c", f"""
import socket, time
s = socket.socket(socket.AF_INET, {int(kind)}); s.settimeout(3)
try: s.connect(("10.99.0.1", 5000)); s.send(b"secret")
except OSError: pass
""").returncode, 0)
        wait_until(told.read_text, 30)
        self.assertEqual(program.poll(), None)
        return told.read_text()

    def test_datagrams(self):
        self.assertEqual(self.left(socket.SOCK_DGRAM), "nothing")

    def test_connections(self):
        self.assertEqual(self.left(socket.SOCK_STREAM), "nothing")

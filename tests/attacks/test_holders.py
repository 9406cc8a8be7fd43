# SPDX-License-Identifier: GPL-2.0-or-later
"""A user who opens more ports than the table of listeners holds: servers that were there before go on."""

import subprocess

from attack import USER, Attack

SERVER = """
    l = socket.socket(); l.bind(("", 5000)); l.listen(5)
    u = socket.socket(2, 2); u.bind(("", 5001))
    print("ready", flush=True)
    import threading
    def datagrams():
        while True: d, who = u.recvfrom(100); u.sendto(b"hello", who)
    threading.Thread(target=datagrams, daemon=True).start()
    while True: c, who = l.accept(); c.send(b"hello"); c.close()
"""
FLOOD = """
    import resource
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]; resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    kept = []
    for i in range(min(int(sys.argv[1]), hard - 20)):
        s = socket.socket(2, 2); s.bind(("127.0.0." + sys.argv[2], 0)); kept.append(s)
        s.sendto(b"", s.getsockname()); s.recvfrom(1)  # who receives is looked up, which keeps its entry longer
    print(len(kept), flush=True); sys.stdin.readline()
"""


class Holders(Attack):
    def asked(self) -> str:
        return self.peer.run("/usr/bin/python3", "-c", """
import socket
s = socket.socket(); s.settimeout(4)
try: s.connect(("10.99.0.1", 5000)); print(s.recv(100))
except OSError as e: print(type(e).__name__)
u = socket.socket(2, 2); u.settimeout(2)
try: u.sendto(b"x", ("10.99.0.1", 5001)); print(u.recv(100))
except OSError as e: print(type(e).__name__)
""").stdout.replace("\n", " ").strip()

    def test_more_ports_than_the_table_has(self):
        self.start()
        server = self.host.start(self.allowed, "-ISc", self.script(SERVER), stdout=subprocess.PIPE, text=True)
        for end in (server.stdout.close, server.wait, server.kill):
            self.addCleanup(end)
        self.assertEqual(server.stdout.readline(), "ready\n")
        self.assertEqual(self.asked(), "b'hello' b'hello'")
        floods, opened = [], 0
        while opened < 60000 and len(floods) < 20:
            flood = self.host.start("setpriv", f"--reuid={USER}", f"--regid={USER}", "--clear-groups", self.denied,
                                    "-ISc", self.script(FLOOD), "10000", str(len(floods) + 1), stdin=subprocess.PIPE,
                                    stdout=subprocess.PIPE, text=True)
            for end in (flood.stdout.close, flood.wait, flood.kill):
                self.addCleanup(end)
            opened += int(flood.stdout.readline())
            floods.append(flood)
            if len(floods) > 3:
                floods[-4].stdin.close()
                floods[-4].wait()
        self.assertEqual(self.asked(), "b'hello' b'hello'")
        for flood in floods:
            flood.stdin.close()
            flood.wait()
        self.assertEqual(self.asked(), "b'hello' b'hello'")

# SPDX-License-Identifier: GPL-2.0-or-later
"""Two programs of one user share a port (SO_REUSEPORT), and one of them has the kernel choose by a filter of its own, or
by processor: whoever is given what comes in, it is not accepted for the other."""

import os
import subprocess

from attack import USER, Attack

LISTEN = """
    kind = {"tcp": socket.SOCK_STREAM, "udp": socket.SOCK_DGRAM}[sys.argv[1]]
    l = socket.socket(socket.AF_INET, kind); l.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
    if sys.argv[2].startswith("processor"): l.setsockopt(socket.SOL_SOCKET, 49, int(sys.argv[2][9:]))  # SO_INCOMING_CPU
    l.bind(("", 5000))
    if sys.argv[1] == "tcp": l.listen(50)
    if sys.argv[2] == "filter":
        filter = ctypes.create_string_buffer(struct.pack("HBBI", 6, 0, 0, 1))  # the second of the group
        l.setsockopt(socket.SOL_SOCKET, 51, struct.pack("HxxxxxxQ", 1, ctypes.addressof(filter)))
    print("ready", flush=True)
    while True:
        if sys.argv[1] == "udp": print(l.recv(100), flush=True)
        else: print(l.accept()[1][1], flush=True)
"""
CALL = {
    "tcp": "for _ in range(8):\n    s = socket.socket(); s.settimeout(1)\n"
           "    try: s.connect(('10.99.0.1', 5000))\n    except OSError: pass\n    made.append(s)\n",
    "udp": "for _ in range(8):\n    s = socket.socket(2, 2); s.sendto(b'x', ('10.99.0.1', 5000)); made.append(s)\n",
}


class PortGroup(Attack):
    def listen(self, program: str, *words: str) -> subprocess.Popen:
        return self.ready_as(program, LISTEN, *words, user=USER)

    def received(self, other: str, kind: str, how: str) -> list[str]:
        """What `other` got on a port that it shares with the program that may."""
        self.start()
        self.listen(self.allowed, kind, "as-it-is")
        second = self.listen(other, kind, how)
        self.peer.run("/usr/bin/python3", "-c", "import socket\nmade = []\n" + CALL[kind], check=True)
        self.fw.audit.wait_rows(8, "direction = 'in' AND protocol = ?", kind)
        second.kill()
        return second.stdout.read().split()

    def refused(self, kind: str, how: str) -> None:
        self.assertEqual(self.received(self.denied, kind, how), [])
        rows = self.fw.audit.rows("direction = 'in' AND protocol = ?", kind)
        self.assertEqual({(row["unknown"], row["verdict"]) for row in rows}, {("ambiguous", "drop")})

    def test_connections_by_a_filter(self):
        self.refused("tcp", "filter")

    def test_datagrams_by_a_filter(self):
        self.refused("udp", "filter")

    def test_by_processor(self):
        """Kernels before 6.2 choose by a hash all the same: then each is named rightly."""
        for processor in sorted(os.sched_getaffinity(0))[:2]:
            with self.subTest(processor=processor):
                got = self.received(self.denied, "udp", f"processor{processor}")
                self.assertEqual(got, [])
                self.fw.stop()

    def test_two_of_the_program_that_may(self):
        """The control: one program in two processes is what such groups are for."""
        for kind in ("tcp", "udp"):
            with self.subTest(kind=kind):
                self.assertEqual(len(self.received(self.allowed, kind, "filter")), 8)
                self.fw.stop()

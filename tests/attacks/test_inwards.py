# SPDX-License-Identifier: GPL-2.0-or-later
"""From the other end of the wire: packets that lie, pieces of packets, and DNS answers that nobody asked for, towards
a program that no rule opens and one that a rule does."""

import json
import subprocess
import sys
import textwrap

from attack import PORT, Attack
from lib.helper import Helper

NAMED = "10.99.0.10"  # what good.example is by the honest answer
LIE = "10.99.0.11"


class Inwards(Attack):
    def setUp(self):
        super().setUp()
        self.start()
        self.listeners = [self.listen(program, port) for program, port in ((self.denied, 6000), (self.allowed, 6001))]

    def listen(self, program: str, port: int) -> subprocess.Popen:
        """Prints a line for each datagram that it gets."""
        listener = self.host.start(program, "-c", self.script(f"""
            s = socket.socket(socket.AF_INET6, socket.SOCK_DGRAM); s.bind(("::", {port})); print("ready", flush=True)
            while True:
                data = s.recv(70000)
                if data == b"end": break
                print(data[:20], flush=True)
        """), stdout=subprocess.PIPE, text=True)
        self.addCleanup(listener.stdout.close)
        self.addCleanup(listener.wait)
        self.addCleanup(listener.kill)
        self.assertEqual(listener.stdout.readline(), "ready\n")
        return listener

    def from_peer(self, text: str) -> None:
        done = self.peer.run(sys.executable, "-c", self.script("from forge import *\n" + textwrap.dedent(text)))
        self.assertEqual(done.returncode, 0, done.stderr)

    def got(self) -> list[str]:
        """What the open one was given, and nothing came to the other: it still reads nothing when it ends."""
        self.from_peer("send_all([ip4(PEER, HOST, 17, udp(PEER, HOST, 5, 6001, b'end'))], HOST)")
        lines = self.listeners[1].stdout.read().splitlines()
        self.listeners[0].kill()
        self.assertEqual(self.listeners[0].stdout.read(), "")
        return lines

    def still_decides(self) -> None:
        self.allowed_sends()
        self.assertEqual(self.fw.audit.rows("exe = ? AND verdict = 'accept'", self.denied), [])

    def test_each_shape_to_both(self):
        self.from_peer("""
            for port in (6000, 6001):
                one = udp(PEER, HOST, 7, port, b"x" * 40)
                six = udp(PEER6, HOST6, 7, port, b"six")
                empty = bytes([17, 0, 1, 4, 0, 0, 0, 0])
                send_all([ip4(PEER, HOST, 17, one[:24], fragment=MORE), ip4(PEER, HOST, 17, one[24:], fragment=3),
                          ip4(PEER, HOST, 17, one, options=b"\\1" * 40)], HOST)
                send_all([ip6(PEER6, HOST6, DESTINATION, empty + six), ip6(PEER6, HOST6, HOP_BY_HOP, empty + six)], HOST6)
        """)
        self.assertEqual(sorted(self.got()), sorted(["b'xxxxxxxxxxxxxxxxxxxx'"] * 2 + ["b'six'"] * 2))
        self.fw.audit.wait_rows(1, "exe = ? AND direction = 'in' AND verdict = 'drop'", self.denied)
        self.still_decides()

    def test_pieces_that_overlap_or_never_end(self):
        self.from_peer("""
            for number, port in enumerate((6000, 6001)):
                one, two = (udp(PEER, HOST, 7, each, b"x" * 40) for each in (port, 6001))
                send_all([ip4(PEER, HOST, 17, one[:24], fragment=MORE, number=number),
                          ip4(PEER, HOST, 17, two[:16], fragment=MORE, number=number),
                          ip4(PEER, HOST, 17, two[16:], fragment=2, number=number)], HOST)
            send_all([ip4(PEER, HOST, 17, b"x" * 8, fragment=MORE | n, number=n) for n in range(1, 300)], HOST)
            send_all([ip4(PEER, HOST, 17, b"x" * 64, fragment=8190, number=9)], HOST)  # beyond 64 KB
        """)
        self.assertLessEqual(set(self.got()), {"b'xxxxxxxxxxxxxxxxxxxx'"})
        self.still_decides()

    def test_lengths_that_lie(self):
        self.from_peer("""
            for port in (6000, 6001):
                whole = udp(PEER, HOST, 7, port)
                packets = [ip4(PEER, HOST, 17, whole[:n]) for n in range(8)]
                packets += [ip4(PEER, HOST, 17, udp(PEER, HOST, 7, port, length=n)) for n in (0, 7, 65535)]
                packets += [ip4(PEER, HOST, 6, tcp(PEER, HOST, 7, port, 2)[:n]) for n in (0, 4, 13, 19)]
                packets += [ip4(PEER, HOST, 6, tcp(PEER, HOST, 7, port, flags)) for flags in (0, 1, 4, 0x10, 0x12, 0xff)]
                packets += [ip4(PEER, HOST, 1, unreachable(ip4(HOST, PEER, 17, b""))), ip4(PEER, HOST, 1, b"\\3")]
                packets += [ip4(PEER, HOST, protocol, b"") for protocol in (0, 41, 47, 132, 136, 255)]
                send_all(packets, HOST)
                whole = udp(PEER6, HOST6, 7, port)
                send_all([ip6(PEER6, HOST6, 17, whole, length=n) for n in (0, 4, 65535)] +
                         [ip6(PEER6, HOST6, following, bytes([17, 255]) + b"x" * 6) for following in (0, 43, 44, 60, 135)],
                         HOST6)
        """)
        self.assertEqual(self.got(), [])
        self.still_decides()


class Answers(Attack):
    """Names that a program gets by asking are believed; those that are pushed at it are not."""

    def setUp(self):
        super().setUp()
        for address in (NAMED, LIE, "10.99.0.3"):
            self.peer.ip("address", "add", f"{address}/24", "dev", self.pair.peer_link)
        self.dns = Helper(self.peer, "dns_server.py", self.pair.peer4, "10.99.0.3")
        self.addCleanup(self.dns.stop)
        self.start("  - {name: ask, port: 53, action: accept}\n"
                   f"  - {{name: named, app: {self.denied}, domain: good.example, action: accept}}\n",
                   config=f"dns:\n  resolvers: ['{self.pair.peer4}']\n  minimum_ttl: 60\n")

    def look_up(self, server: str) -> None:
        self.run_as(self.allowed, """
            s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM); s.settimeout(5); s.bind(("", 4444))
            question = struct.pack("!HHHHHH", 7, 0x100, 1, 0, 0, 0) + b"\\4good\\7example\\0\\0\\1\\0\\1"
            s.sendto(question, (sys.argv[1], 53))
            try: s.recvfrom(999)
            except TimeoutError: pass
        """, server)

    def reaches(self, address: str) -> bool:
        before = self.wire.count(protocol="udp", target=address)
        self.run_as(self.denied, "send(b'x', to=sys.argv[1])", address)
        return self.wire.count(protocol="udp", target=address) > before

    def test_poison(self):
        answer = {"records": [["good.example", "A", 60, LIE]]}
        for lie in ("id", "question", "server"):
            with self.subTest(lie=lie):
                self.dns.ask(json.dumps({"good.example": {**answer, "lie": lie}}))
                self.look_up(self.pair.peer4)
                self.assertFalse(self.reaches(LIE))
        with self.subTest("a server of nobody's choice"):
            self.dns.ask(json.dumps({"good.example": answer}))
            self.look_up("10.99.0.3")
            self.assertFalse(self.reaches(LIE))
        with self.subTest("nobody asked"):
            for _ in range(20):
                self.dns.ask(f"send {self.pair.host4} 4444 good.example {LIE}")
            self.assertFalse(self.reaches(LIE))
        self.dns.ask(json.dumps({"good.example": {"records": [["good.example", "A", 60, NAMED]]}}))
        self.look_up(self.pair.peer4)
        self.assertTrue(self.reaches(NAMED))
        self.assertFalse(self.reaches(LIE))
        rows = self.fw.audit.wait_rows(1, "destination = ? AND verdict = 'accept'", NAMED)
        self.assertEqual((rows[0]["host"], rows[0]["rule"]), ("good.example", "named"))

# SPDX-License-Identifier: GPL-2.0-or-later
"""A connection's first packet, sent on the tuple of an allowed one that was given up: by way of source routing, behind a
routing header, and while the other's verdict is still on its way."""

from attack import USER, Attack

GIVES_UP = """
    to = sys.argv[1]
    s = socket.socket(socket.AF_INET6 if ":" in to else socket.AF_INET); s.setblocking(False)
    s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1); s.bind(("", int(sys.argv[2]))); s.connect_ex((to, 9))
    time.sleep(0.3)
"""


class SynAgain(Attack):
    def setUp(self):
        super().setUp()
        self.peer.run("nft", "add rule inet x i tcp dport { 9, 10 } drop", check=True)  # no answer, no reset

    def allowed_gives_up(self, to: str) -> None:
        for port in (5001, 5000):  # the second one's verdict is known
            self.run_as(self.allowed, GIVES_UP, to, port, user=USER)
        self.assertEqual(self.arrived(9, "tcp"), 2)
        self.wire.reset()

    def nothing_came(self) -> None:
        self.assertEqual(self.arrived(9, "tcp"), 0)
        self.never_accepted()

    def test_by_source_routing(self):
        """The first goes elsewhere, the kernel sends it again when the route is taken back."""
        self.start(config="verdict_cache: true\n")
        self.allowed_gives_up(self.pair.peer4)
        self.run_as(self.denied, """
            s = socket.socket(); s.setblocking(False); s.bind((HOST, 5000))
            s.setsockopt(socket.IPPROTO_IP, socket.IP_OPTIONS, b"\\x83\\x07\\x04" + socket.inet_aton("10.99.0.77") + b"\\0")
            s.connect_ex((PEER, 9))
            s.setsockopt(socket.IPPROTO_IP, socket.IP_OPTIONS, b"")
            s.setsockopt(socket.IPPROTO_IP, socket.IP_TOS, 16); time.sleep(4)
        """)  # newer kernels ask for CAP_NET_RAW
        self.nothing_came()

    def test_by_a_routing_header_that_is_taken_off(self):
        self.start(config="verdict_cache: true\n")
        self.allowed_gives_up(self.pair.peer6)
        self.run_as(self.denied, """
            s = socket.socket(socket.AF_INET6); s.setblocking(False); s.bind((HOST6, 5000))
            header = bytes([0, 4, 4, 1, 1, 0, 0, 0]) + b"".join(socket.inet_pton(10, a) for a in (PEER6, "fd99::77"))
            s.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_RTHDR, header); s.connect_ex((PEER6, 9))
            assert ctypes.CDLL(None).setsockopt(s.fileno(), socket.IPPROTO_IPV6, socket.IPV6_RTHDR, None, 0) == 0
            s.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_TCLASS, 16); time.sleep(4)
        """, user=USER)
        self.nothing_came()

    def test_behind_a_routing_header(self):
        """What is asked about there has no ports, and its sender asks for another one first."""
        self.start(config="verdict_cache: true\n")
        self.allowed_gives_up(self.pair.peer6)
        self.run_as(self.denied, """
            s = socket.socket(socket.AF_INET6); s.setblocking(False); s.bind((HOST6, 5000))
            header = bytes([0, 2, 4, 0, 0, 0, 0, 0]) + socket.inet_pton(socket.AF_INET6, PEER6)
            s.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_RTHDR, header); s.connect_ex((PEER6, 10)); time.sleep(0.3)
            ctypes.CDLL(None).connect(s.fileno(), bytes(16), 16); s.connect_ex((PEER6, 9)); time.sleep(4)
        """, user=USER)
        self.nothing_came()

# SPDX-License-Identifier: GPL-2.0-or-later
"""A stream socket that is taken apart (connect to AF_UNSPEC) and connected anew by another program than the first:
that is a new connection, and it is its own maker's."""

from attack import Attack


class Reconnected(Attack):
    def again(self, first: str, second: str, kind: str) -> None:
        """`first` connects and becomes `second`, which connects the same socket to the same place."""
        again = self.script(f"""
            s = socket.socket(fileno=3); s.settimeout(2)
            libc = ctypes.CDLL(None, use_errno=True)
            assert libc.connect(3, bytes(16), 16) == 0, ctypes.get_errno()
            assert s.getsockname()[1] == 5000, s.getsockname()
            try: s.connect((PEER, 7)); s.send(b"second")
            except OSError: pass
        """)
        self.run_as(first, f"""
            s = socket.socket(); s.settimeout(2); s.bind(("{self.pair.host4}", 5000))
            if "{kind}" == "reset": s.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            try: s.connect((PEER, 7)); s.send(b"f")
            except OSError: pass
            os.dup2(s.fileno(), 3); os.set_inheritable(3, True)
            os.execv(sys.argv[1], [sys.argv[1], "-ISc", sys.argv[2]])
        """, second, again)

    def test_by_who_may_not(self):
        self.start()
        for kind in ("close", "reset"):
            with self.subTest(kind=kind):
                self.wire.reset()
                self.again(self.allowed, self.denied, kind)
                packets = self.wire.packets(protocol="tcp", dport=7, syn=True)
                self.assertEqual(len(packets), 1, "the allowed one's, and no more")
                self.wait_rows(1, port=7, exe=self.denied, verdict="drop")
        self.never_accepted()

    def test_by_who_may(self):
        """The control, and the other way round: the second one's name is not the first one's either."""
        self.start()
        self.again(self.allowed, self.allowed, "close")
        self.assertEqual(self.wire.count(protocol="tcp", dport=7, syn=True), 2)
        self.wire.reset()
        self.again(self.denied, self.allowed, "close")
        self.assertEqual(self.wire.count(protocol="tcp", dport=7, syn=True), 1)

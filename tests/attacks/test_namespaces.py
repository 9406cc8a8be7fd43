# SPDX-License-Identifier: GPL-2.0-or-later
"""Namespaces that a user makes to get around the hooks, and a child namespace that the host forwards for."""

from attack import PORT, USER, Attack

INSIDE = "10.97.0.2"


class Namespaces(Attack):
    def as_user(self, *words: str, check: bool = False):
        return self.host.run("setpriv", f"--reuid={USER}", f"--regid={USER}", "--clear-groups", *words, check=check)

    def test_a_users_own_network_has_no_way_out(self):
        """Every right there, and no link: those that lead to the host are the host's to give."""
        self.start()
        links = self.as_user("unshare", "-Urn", "sh", "-c", "ip -o link | wc -l; ip link set lo up", check=True)
        self.assertEqual(links.stdout.split(), ["1"])
        send = self.script("print(send(b'x'), send(b'x', to=PEER6))")
        got = self.as_user("unshare", "-Urn", self.denied, "-c", send, check=True).stdout
        self.assertLessEqual(set(got.split()), {"99", "101"})  # no address, no way
        for link in ("type veth peer name b netns 1", f"link {self.pair.host_link} type macvlan",
                     f"link {self.pair.host_link} type ipvlan"):
            made = self.as_user("unshare", "-Urn", "ip", "link", "add", "a", *link.split())
            self.assertNotEqual(made.returncode, 0, link)
        self.assertEqual(self.wire.packets(), [])
        self.allowed_sends()

    def test_a_users_rights_do_not_reach_the_hosts_network(self):
        """Root in a user namespace, with the host's network: neither raw sockets, nor marks, nor the table."""
        self.start()
        attempts = self.script("""
            def attempt(action):
                try: action(); return "done"
                except OSError as error: return error.errno
            s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
            print(os.getuid(), attempt(lambda: socket.socket(socket.AF_INET, socket.SOCK_RAW, 255)),
                  attempt(lambda: socket.socket(socket.AF_PACKET, socket.SOCK_RAW)),
                  attempt(lambda: s.setsockopt(socket.SOL_SOCKET, 36, struct.pack("I", 1))), send(b"x", s=s))
        """)
        got = self.as_user("unshare", "-Ur", self.denied, "-c", attempts, check=True).stdout
        self.assertEqual(got.split()[:4], ["0", "1", "1", "1"])
        self.assertNotEqual(self.as_user("unshare", "-Ur", "nft", "flush", "ruleset").returncode, 0)
        row = self.wait_rows(1)[0]
        self.assertEqual((row["exe"], row["uid"], row["verdict"]), ("user:" + self.denied, USER, "drop"))
        self.assertEqual(self.arrived(), 0)

    def test_a_socket_keeps_the_network_it_was_made_in(self):
        """Made on the host, used in a namespace of one's own: it is still the host's traffic, and is decided."""
        self.start()
        for program, expected in ((self.denied, 0), (self.allowed, 1)):
            self.wire.reset()
            self.run_as(program, """
                made = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
                libc = ctypes.CDLL(None, use_errno=True)
                assert libc.unshare(0x10000000 | 0x40000000) == 0, ctypes.get_errno()
                assert send(b"x") == 101
                send(b"x", s=made)
            """, user=USER)
            self.assertEqual(self.arrived(), expected)
        self.wait_rows(1, exe=self.denied, verdict="drop")

    def child(self) -> None:
        """A namespace behind the host, which forwards for it."""
        for words in (("link", "add", "in0", "type", "veth", "peer", "name", "in1"),
                      ("address", "add", "10.97.0.1/24", "dev", "in0"), ("link", "set", "in0", "up")):
            self.host.ip(*words)
        self.host.sysctl("net.ipv4.ip_forward", "1")
        self.peer.ip("route", "replace", "10.97.0.0/24", "via", self.pair.host4)

    def send_inside(self, program: str) -> None:
        self.run_as(program, """
            libc = ctypes.CDLL(None, use_errno=True)
            assert libc.unshare(0x40000000) == 0
            subprocess.run([*sys.argv[1:], "ip", "link", "set", "in1", "netns", str(os.getpid())], check=True)
            for words in ("addr add 10.97.0.2/24 dev in1", "link set in1 up", "route add default via 10.97.0.1"):
                subprocess.run(["ip", *words.split()], check=True)
            for _ in range(100):
                if send(b"x") == 0: break
                time.sleep(0.05)
            time.sleep(1)
        """, *self.host.command())

    def test_what_the_host_forwards(self):
        """Only if it is told to: `forward: filter` in the configuration. Then it is named by who sends inside."""
        self.child()
        self.start(forward="filter", default_forward="drop")
        self.send_inside(self.denied)
        self.assertEqual(self.arrived(source=INSIDE), 0)
        row = self.wait_rows(1, direction="forward")[0]
        self.assertEqual((row["exe"], row["verdict"]), (self.denied, "drop"))
        self.child()
        self.send_inside(self.allowed)
        self.assertGreaterEqual(self.arrived(source=INSIDE), 1)

    def test_what_the_host_forwards_unasked(self):
        """Not held off by default: it is no traffic of this host's programs, and not in the log."""
        self.child()
        self.start()
        self.send_inside(self.denied)
        self.assertGreaterEqual(self.arrived(source=INSIDE), 1)
        self.assertEqual(self.rows(), [])

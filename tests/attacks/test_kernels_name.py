# SPDX-License-Identifier: GPL-2.0-or-later
"""What a program sends, made to look as if the kernel sent it: a rule for the kernel lets it pass no more than
another's would."""

from attack import PORT, USER, Attack
from lib.places import built, copies

KERNEL = "  - {name: kernel, app: 'unknown:kernel', action: accept}\n"


class KernelsName(Attack):
    def test_a_socket_that_loses_its_port(self):
        """One thread sends, another takes the socket's port away: the packet has one that the socket has not."""
        tool = copies(built("tests/kernel/programs/port_race"), self.folder / "bin", 1)[0]
        self.start(KERNEL)
        # What it sends fills the queue: others than the daemon have to stand back.
        self.host.run("setpriv", f"--reuid={USER}", f"--regid={USER}", "--clear-groups", "nice", "-n", "10", tool,
                      self.pair.peer4, str(PORT), "3", check=True)
        self.wait_rows(1, exe=str(tool), verdict="drop")
        self.assertNotIn("kernel", {row["unknown"] for row in self.rows()})
        self.assertEqual(self.arrived(), 0)
        self.allowed_sends()

    def test_an_mptcp_connection_that_was_forgotten(self):
        """Its socket below is the kernel's own, and a timer sends the SYN again, when the tables have forgotten
        who connected."""
        self.start(KERNEL, config="limits: {bindings: 128, processes: 64}\n")
        self.run_as(self.denied, """
            s = socket.socket(socket.AF_INET, socket.SOCK_STREAM, 262); s.setblocking(False)
            assert s.connect_ex((PEER, 4999)) in (0, 115)
            u = socket.socket(2, 2)
            end = time.monotonic() + 4
            n = 0
            while time.monotonic() < end:
                for _ in range(100): n += 1; send(b"x", 5000 + n % 5000, s=u)
                time.sleep(0.05)
        """, user=USER)
        rows = self.wait_rows(1, 4999)
        self.assertGreater(sum(row["count"] for row in rows), 1, "nothing was sent again")
        self.assertNotIn("kernel", {row["unknown"] for row in rows})
        self.assertEqual(self.wire.count(dport=4999), 0)
        self.allowed_sends()

    def test_a_raw_socket_of_another_protocol(self):
        """It writes the header of a tunnel's packet (IP_HDRINCL)."""
        self.start(KERNEL)
        self.host.run("setpriv", f"--reuid={USER}", f"--regid={USER}", "--clear-groups", "--inh-caps=-all,+net_raw",
                      "--ambient-caps=-all,+net_raw", "--bounding-set=-all,+net_raw", self.denied, "-ISc",
                      self.script("""
            from forge import *
            s = socket.socket(socket.AF_INET, socket.SOCK_RAW, 254); s.setsockopt(socket.IPPROTO_IP, socket.IP_HDRINCL, 1)
            for protocol, data in ((17, udp(HOST, PEER, 1234, PORT)), (47, bytes(20)), (50, bytes(20)),
                                   (51, bytes(20)), (4, bytes(20)), (41, bytes(40))):
                s.sendto(ip4(HOST, PEER, protocol, data), (PEER, 0))
            """), check=True)
        rows = self.fw.audit.wait_rows(6, "direction = 'out'")
        self.assertEqual([packet for packet in self.wire.packets() if packet["source"] == self.pair.host4], [])
        self.assertEqual({row["exe"] for row in rows}, {self.denied})
        self.allowed_sends()

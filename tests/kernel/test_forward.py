# SPDX-License-Identifier: GPL-2.0-or-later
"""Traffic of a container: a third namespace that reaches the peer through the host."""

from lib.case import TIMED_OUT, KernelTest
from lib.namespace import Namespace
from lib.places import built, copies, has_kprobes

INSIDE4, OUTSIDE4 = "10.97.0.2", "10.97.0.1"


class Forward(KernelTest):
    def setUp(self):
        super().setUp()
        self.inner = Namespace("inner")
        self.addCleanup(self.inner.remove)
        self.host.ip("link", "add", "inner0", "type", "veth", "peer", "name", "eth0", "netns", self.inner.name)
        for side, link, address in ((self.host, "inner0", OUTSIDE4), (self.inner, "eth0", INSIDE4)):
            side.ip("address", "add", f"{address}/24", "dev", link)
            side.ip("link", "set", link, "up")
        self.inner.ip("link", "set", "lo", "up")
        self.inner.ip("route", "add", "default", "via", OUTSIDE4)
        self.peer.ip("route", "add", "10.97.0.0/24", "via", self.pair.host4)
        self.host.sysctl("net.ipv4.ip_forward", 1)
        self.first, self.second = copies(built("tests/kernel/programs/connect1"), self.folder / "bin", 2)

    def from_inside(self, program: str, kind: str, *options: str) -> int:
        return self.inner.run(program, kind, self.pair.peer4, "7", *options).returncode

    def rules(self) -> str:
        return (f"rules:\n  - {{name: first, app: {self.first}, direction: forward, action: accept}}\n"
                f"  - {{name: second, app: {self.second}, action: drop}}\n")

    def test_it_is_left_alone_unless_it_is_to_be_filtered(self):
        daemon = self.daemon(self.rules())
        self.assertEqual(self.from_inside(self.second, "tcp4"), 0)
        self.assertEqual(daemon.audit.rows("direction = 'forward'"), [])

    def test_programs_in_another_namespace_are_named_and_ruled(self):
        daemon = self.daemon(self.rules(), forward="filter", default_forward="reject")
        kinds = ("tcp4", "udp4", "udpconn4") if has_kprobes() else ("tcp4", "udp4")
        for kind in kinds:
            self.assertEqual(self.from_inside(self.first, kind), 0, kind)
            self.assertEqual(self.from_inside(self.second, kind, "--wait", "300"), TIMED_OUT, kind)
        rows = daemon.audit.wait_rows(2 * len(kinds), "direction = 'forward'")
        self.assertEqual({(row["exe"], row["rule"]) for row in rows},
                         {(self.first, "first"), (self.second, "second")})
        self.assertEqual({(row["source"], row["destination"]) for row in rows},
                         {(INSIDE4, self.pair.peer4)})

    def test_what_nobody_was_seen_to_send_is_unknown(self):
        daemon = self.daemon("rules:\n  - {name: ping, app: 'unknown:forwarded', protocol: icmp, action: drop}\n",
                             forward="filter")
        ping = self.inner.run("ping", "-n", "-c", "1", "-W", "1", self.pair.peer4)
        self.assertNotEqual(ping.returncode, 0)
        row = daemon.audit.wait_rows(1, "direction = 'forward'")[0]
        self.assertEqual((row["unknown"], row["rule"], row["exe"]), ("forwarded", "ping", ""))

    def test_a_reply_is_no_flow_of_its_own(self):
        daemon = self.daemon(self.rules(), forward="filter", default_forward="drop")
        self.assertEqual(self.from_inside(self.first, "tcp4"), 0)
        self.assertEqual(len(daemon.audit.wait_rows(1, "direction = 'forward'")), 1)

    def test_flows_of_the_host_itself_are_not_taken_for_those_inside(self):
        daemon = self.daemon(self.rules(), forward="filter", default_out="accept")
        self.assertEqual(self.contact("tcp4", program=self.first).returncode, 0)
        row = daemon.audit.wait_rows(1, "direction = 'out' AND protocol = 'tcp'")[0]
        self.assertEqual((row["exe"], row["rule"]), (self.first, ""))

# SPDX-License-Identifier: GPL-2.0-or-later
"""Traffic of a container: a third namespace that reaches the peer through the host."""

import json
import subprocess
from pathlib import Path

from lib.case import TIMED_OUT, KernelTest
from lib.exchange import Exchange
from lib.helper import Helper
from lib.namespace import Namespace
from lib.places import built, copies

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
        kinds = ("tcp4", "udp4", "udpconn4")
        for kind in kinds:
            self.assertEqual(self.from_inside(self.first, kind), 0, kind)
            self.assertEqual(self.from_inside(self.second, kind, "--wait", "300"), TIMED_OUT, kind)
        rows = daemon.audit.wait_rows(2 * len(kinds), "direction = 'forward'")
        self.assertEqual({(row["exe"], row["rule"]) for row in rows},
                         {(self.first, "first"), (self.second, "second")})
        self.assertEqual({(row["source"], row["destination"]) for row in rows},
                         {(INSIDE4, self.pair.peer4)})

    def test_what_nobody_was_seen_to_send_is_unknown(self):
        """A frame as of a virtual machine: no socket of this host has sent it."""
        daemon = self.daemon("rules:\n  - {name: unseen, app: 'unknown:forwarded', protocol: udp, action: drop}\n",
                             forward="filter")
        mac = json.loads(self.host.ip("-j", "link", "show", "inner0"))[0]["address"]
        sender = Helper(self.inner, "packet_sender.py", INSIDE4, self.pair.peer4)
        self.addCleanup(sender.stop)
        self.assertEqual(sender.ask(f"send eth0 4444 1 {mac}")["sent"], 1)
        row = daemon.audit.wait_rows(1, "direction = 'forward'")[0]
        self.assertEqual((row["unknown"], row["rule"], row["exe"]), ("forwarded", "unseen", ""))
        self.assertEqual(self.wire.count(protocol="udp", dport=4444), 0)

    def test_a_ping_from_inside_is_named(self):
        daemon = self.daemon("", forward="filter", default_forward="accept")
        self.assertEqual(self.inner.run("ping", "-n", "-c", "1", "-W", "5", self.pair.peer4).returncode, 0)
        row = daemon.audit.wait_rows(1, "direction = 'forward' AND protocol = 'icmp'")[0]
        self.assertEqual((row["unknown"], Path(row["exe"]).name), ("", "ping"))

    def test_a_port_that_changes_hands_inside_gets_no_wrong_name(self):
        daemon = self.daemon("", forward="filter", default_forward="drop")
        self.inner.sysctl("net.ipv4.ip_local_port_range", "50000 50001")
        programs = copies(built("tests/kernel/programs/connect1"), self.folder / "many", 40)
        ended = self.inner.run_all([[program, "udpconn4", self.pair.peer4, "9", "--wait", "0"]
                                    for program in programs], parallel=4)
        pids = {end["pid"]: program for end, program in zip(ended, programs)}
        rows = daemon.audit.wait_rows(20, "direction = 'forward'")
        for row in rows:
            if row["unknown"]:
                self.assertIn(row["unknown"], ("ambiguous", "forwarded"))
            else:
                self.assertEqual(pids.get(row["pid"]), row["exe"])

    def test_a_reply_is_no_flow_of_its_own(self):
        daemon = self.daemon(self.rules(), forward="filter", default_forward="drop")
        self.assertEqual(self.from_inside(self.first, "tcp4"), 0)
        self.assertEqual(len(daemon.audit.wait_rows(1, "direction = 'forward'")), 1)

    def test_an_open_connection_is_not_taken_for_the_hosts_own(self):
        """The host listens on the same port, on all addresses, and may be called there."""
        daemon = self.daemon("", forward="filter", default_forward="accept")
        listener = self.host.start("/usr/bin/python3", "-c", "import socket\ns = socket.create_server(('', 7))\n"
                                   "print('up', flush=True); s.accept()", stdout=subprocess.PIPE)
        self.addCleanup(listener.kill)
        self.assertEqual(listener.stdout.readline(), b"up\n")
        client = Exchange(self, self.inner, self.pair.peer4, patience=3)
        daemon.kill()
        daemon.write_rules("rules:\n  - {name: calls, direction: in, action: accept}\n"
                           "  - {name: through, direction: forward, action: drop}\n")
        daemon.start()
        daemon.kill()
        self.wire.reset()
        self.assertIsNone(client.go_on())
        self.assertEqual(self.wire.count(protocol="tcp", dport=7), 0)

    def test_flows_of_the_host_itself_are_not_taken_for_those_inside(self):
        daemon = self.daemon(self.rules(), forward="filter", default_out="accept")
        self.assertEqual(self.contact("tcp4", program=self.first).returncode, 0)
        row = daemon.audit.wait_rows(1, "direction = 'out' AND protocol = 'tcp'")[0]
        self.assertEqual((row["exe"], row["rule"]), (self.first, ""))

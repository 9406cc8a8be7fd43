# SPDX-License-Identifier: GPL-2.0-or-later
"""Packet sockets (AF_PACKET): let be, recorded, refused; and nobody else is touched."""

import errno
import json
import socket
import sys
import time

from lib.case import KernelTest
from lib.helper import Helper
from lib.wait import wait_for

ACCEPT_ALL = "rules:\n  - name: all\n    action: accept\n"
PORT = 4444
OURS = "reason LIKE 'packet-socket%'"


class PacketSockets(KernelTest):
    def sender(self) -> Helper:
        helper = Helper(self.host, "packet_sender.py", self.pair.host4, self.pair.peer4)
        self.addCleanup(helper.stop)
        return helper

    def send(self, helper: Helper, port: int = PORT, count: int = 1, link: str = "") -> dict:
        return helper.ask(f"send {link or self.pair.host_link} {port} {count}")

    def arrived(self, port: int = PORT) -> int:
        return self.wire.count(protocol="udp", dport=port)

    def qdiscs(self) -> str:
        return self.host.run("tc", "qdisc", "show", check=True).stdout

    def filters(self, link: str = "") -> str:
        return self.host.run("tc", "filter", "show", "dev", link or self.pair.host_link, "egress").stdout

    def wait_watched(self, daemon, devices: int) -> None:
        wait_for(devices, lambda: daemon.status()["packet_sockets"]["devices"])

    def others_work(self) -> None:
        for kind in ("tcp4", "tcp6", "udp4", "udpconn6"):
            self.assertEqual(self.contact(kind).returncode, 0, kind)
        self.host.ip("neigh", "flush", "dev", self.pair.host_link)  # the kernel's own ARP and ND
        for address in (self.pair.peer4, self.pair.peer6):
            ping = self.host.run("ping", "-n", "-c1", "-W5", address)
            self.assertEqual(ping.returncode, 0, ping.stdout)

    def test_by_default_nothing_is_attached(self):
        before = self.qdiscs()
        daemon = self.daemon(ACCEPT_ALL)
        self.assertEqual(self.qdiscs(), before)
        self.assertEqual(self.send(self.sender(), count=3)["sent"], 3)
        self.assertEqual(self.arrived(), 3)
        self.assertEqual(daemon.status()["packet_sockets"],
                         {"policy": "allow", "devices": 0, "passed": 0, "refused": 0, "unrecorded": 0})
        time.sleep(1.5)
        self.assertEqual(daemon.audit.rows(OURS), [])

    def test_record_names_the_sender_and_lets_it_be(self):
        before = self.qdiscs()
        daemon = self.daemon(ACCEPT_ALL, packet_sockets="record")
        helper = self.sender()
        self.assertEqual(self.send(helper, count=5), {"sent": 5, "errno": 0})
        self.assertEqual(self.arrived(), 5)
        row = daemon.audit.wait_rows(1, OURS)[0]
        self.assertEqual((row["pid"], row["verdict"], row["decision"], row["attribution"]),
                         (helper.process.pid, "accept", "accept", "tc"))
        self.assertIn("packet_sender.py", row["command_line"])
        self.assertEqual(row["reason"], f"packet-socket {self.pair.host_link} 0x0800")
        self.others_work()
        # More of the same goes into few rows, and none is forgotten when the daemon ends.
        self.send(helper, count=200)
        self.assertEqual(self.arrived(), 205)
        self.assertEqual(daemon.status()["packet_sockets"]["passed"], 205)
        daemon.stop()
        rows = daemon.audit.rows(OURS)
        self.assertEqual(sum(row["count"] for row in rows), 205)
        self.assertEqual({row["pid"] for row in rows}, {helper.process.pid})
        self.assertLess(len(rows), 5)
        self.assertEqual(self.qdiscs(), before)

    def test_refuse_drops_packet_sockets_and_nothing_else(self):
        before = self.qdiscs()
        daemon = self.daemon(ACCEPT_ALL, packet_sockets="refuse")
        helper = self.sender()
        self.assertEqual(self.send(helper, count=4), {"sent": 0, "errno": errno.ENOBUFS})
        self.others_work()
        self.assertEqual(self.arrived(), 0)
        row = daemon.audit.wait_rows(1, OURS)[0]
        self.assertEqual((row["pid"], row["verdict"], row["decision"]),
                         (helper.process.pid, "drop", "drop"))
        counts = daemon.status()["packet_sockets"]
        self.assertEqual((counts["policy"], counts["passed"], counts["refused"]), ("refuse", 0, 4))
        shown = daemon.command("log", "--database", str(daemon.database), "--json").stdout
        self.assertTrue(any(json.loads(line)["reason"].startswith("packet-socket")
                            for line in shown.splitlines()), shown)
        self.assertIn("refuse on 2 devices: 0 frames passed, 4 refused", daemon.command("status").stdout)
        daemon.stop()
        self.assertEqual(self.qdiscs(), before)
        self.assertEqual(self.send(helper)["sent"], 1)

    def test_the_bypass_of_the_hooks_is_seen_where_it_is_asked_for(self):
        daemon = self.daemon(ACCEPT_ALL, packet_sockets="refuse")
        helper = self.sender()
        self.assertEqual(helper.ask("bypass")["errno"], errno.EPERM)
        row = daemon.audit.wait_rows(1, OURS)[0]
        self.assertEqual((row["reason"], row["pid"], row["verdict"], row["attribution"]),
                         ("packet-socket-bypass", helper.process.pid, "drop", "cgroup"))
        self.assertEqual(self.send(helper)["sent"], 0)
        # Other options, and one whose value is longer than a page, reach the kernel as ever.
        value = (65536).to_bytes(4, sys.byteorder) + bytes(8192)
        script = (f"import socket; s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM); "
                  f"s.setsockopt({int(socket.SOL_SOCKET)}, {int(socket.SO_RCVBUF)}, {value!r}); "
                  f"assert s.getsockopt({int(socket.SOL_SOCKET)}, {int(socket.SO_RCVBUF)}) == 131072")
        self.host.run("/usr/bin/python3", "-c", script, check=True)
        daemon.stop()
        daemon = self.daemon(ACCEPT_ALL, packet_sockets="record")
        self.assertEqual(helper.ask("bypass")["errno"], 0)
        row = daemon.audit.wait_rows(1, OURS)[0]
        self.assertEqual((row["reason"], row["verdict"]), ("packet-socket-bypass", "accept"))

    def test_what_a_bypassing_socket_sends_is_not_seen(self):
        """A limit, and documented as such: opened so before the daemon started."""
        helper = self.sender()
        self.assertEqual(helper.ask("bypass")["errno"], 0)
        daemon = self.daemon(ACCEPT_ALL, packet_sockets="refuse")
        self.assertEqual(self.send(helper)["sent"], 1)
        self.assertEqual(self.arrived(), 1)
        self.assertEqual(daemon.status()["packet_sockets"]["refused"], 0)

    def test_what_goes_through_a_ring_is_seen_too(self):
        daemon = self.daemon(ACCEPT_ALL, packet_sockets="record")
        helper = self.sender()
        self.assertEqual(helper.ask(f"ring {self.pair.host_link} {PORT}")["errno"], 0)
        self.assertEqual(self.arrived(), 1)
        row = daemon.audit.wait_rows(1, OURS)[0]
        self.assertEqual((row["pid"], row["verdict"]), (helper.process.pid, "accept"))
        daemon.stop()
        daemon = self.daemon(ACCEPT_ALL, packet_sockets="refuse")
        helper.ask(f"ring {self.pair.host_link} {PORT + 1}")
        row = daemon.audit.wait_rows(1, OURS)[0]
        self.assertEqual((row["pid"], row["verdict"]), (helper.process.pid, "drop"))
        self.assertEqual(self.arrived(PORT + 1), 0)

    def test_observe_mode_refuses_nothing(self):
        daemon = self.daemon(ACCEPT_ALL, packet_sockets="refuse", mode="observe")
        helper = self.sender()
        self.assertEqual(self.send(helper)["sent"], 1)
        row = daemon.audit.wait_rows(1, OURS)[0]
        self.assertEqual((row["verdict"], row["decision"]), ("accept", "drop"))
        self.assertEqual(daemon.command("mode", "enforce").returncode, 0)
        self.assertEqual(self.send(helper)["sent"], 0)
        self.assertEqual(self.arrived(), 1)

    def test_devices_that_come_later_are_watched(self):
        daemon = self.daemon(ACCEPT_ALL, packet_sockets="refuse")
        self.wait_watched(daemon, 2)
        self.host.ip("link", "add", "late0", "type", "veth", "peer", "name", "late1")
        self.host.ip("link", "set", "late0", "up")
        self.host.ip("link", "set", "late1", "up")
        self.wait_watched(daemon, 4)
        helper = self.sender()
        self.assertEqual(self.send(helper, link="late0")["sent"], 0)
        row = daemon.audit.wait_rows(1, OURS)[0]
        self.assertEqual((row["reason"], row["verdict"]), ("packet-socket late0 0x0800", "drop"))
        self.host.ip("link", "del", "late0")
        self.wait_watched(daemon, 2)
        daemon.stop()
        self.assertNotIn("clsact", self.qdiscs())

    def test_killed_it_goes_on_refusing_and_the_next_takes_over(self):
        before = self.qdiscs()
        daemon = self.daemon(ACCEPT_ALL, packet_sockets="refuse")
        helper = self.sender()
        daemon.kill()
        self.assertEqual(self.send(helper)["sent"], 0)
        daemon.start()
        self.assertEqual(self.send(helper)["sent"], 0)
        self.assertEqual(self.filters().count("handle"), 1, self.filters())
        daemon.audit.wait_rows(1, OURS + " AND verdict = 'drop'")
        daemon.kill()
        self.assertEqual(self.arrived(), 0)
        daemon.options["packet_sockets"] = "allow"
        daemon.start()
        self.assertEqual(self.qdiscs(), before)
        self.assertEqual(self.send(helper)["sent"], 1)

    def test_filters_of_others_stay(self):
        link = self.pair.host_link
        others = ("bpf", "bytecode", "1,6 0 0 0,")  # matches nothing
        self.host.run("tc", "qdisc", "add", "dev", link, "clsact", check=True)
        self.host.run("tc", "filter", "add", "dev", link, "egress", "pref", "7", *others, check=True)
        before = self.filters()
        daemon = self.daemon(ACCEPT_ALL, packet_sockets="refuse")
        self.assertEqual(self.send(self.sender())["sent"], 0)
        self.others_work()
        daemon.stop()
        self.assertEqual(self.filters(), before)
        self.assertIn("clsact", self.qdiscs())
        # And one that came while ours was there keeps the qdisc that we made.
        self.host.run("tc", "qdisc", "del", "dev", link, "clsact", check=True)
        daemon.start()
        self.host.run("tc", "filter", "add", "dev", link, "ingress", "pref", "7", *others, check=True)
        daemon.stop()
        self.assertIn("clsact", self.qdiscs())
        self.assertEqual(self.filters(), "")

    def test_frames_of_another_namespace_are_none_of_ours(self):
        """Bridged through this one: their sender is not, so they pass."""
        for command in (("link", "add", "br0", "type", "bridge"), ("link", "set", "br0", "up"),
                        ("link", "set", self.pair.host_link, "master", "br0"),
                        ("link", "add", "in0", "type", "veth", "peer", "name", "in1"),
                        ("link", "set", "in0", "master", "br0"), ("link", "set", "in0", "up"),
                        ("link", "set", "in1", "netns", self.peer.name)):
            self.host.ip(*command)
        self.peer.ip("link", "set", "in1", "up")
        daemon = self.daemon(ACCEPT_ALL, packet_sockets="refuse")
        helper = Helper(self.peer, "packet_sender.py", "10.99.0.9", self.pair.peer4)
        self.addCleanup(helper.stop)
        self.assertEqual(self.send(helper, link="in1")["sent"], 1)
        self.assertEqual(self.wire.count(protocol="udp", dport=PORT, source="10.99.0.9"), 1)
        self.assertEqual(daemon.status()["packet_sockets"]["refused"], 0)

# SPDX-License-Identifier: GPL-2.0-or-later
"""The tests' own tools: the namespaces are joined, the wire counts exactly, the clients work."""

import subprocess
import sys
import unittest

from lib.case import TIMED_OUT, KernelTest, everywhere, only_in
from lib.namespace import Namespace, Pair
from lib.places import built, copies

KINDS = ("tcp4", "tcp6", "tcp6mapped", "udp4", "udp6", "udp6mapped", "udpconn4", "udpconn6")
REFUSED = 111
WRONG_USAGE = 200


@only_in("native")
class Clients(KernelTest):
    @everywhere
    def test_every_kind_of_contact_is_answered(self):
        for kind in KINDS:
            with self.subTest(kind=kind):
                self.assertEqual(self.contact(kind).returncode, 0)

    def test_a_closed_port_is_told_apart(self):
        self.assertEqual(self.contact("tcp4", 9).returncode, REFUSED)
        self.assertEqual(self.contact("tcp6", 9).returncode, REFUSED)
        self.assertEqual(self.contact("udpconn4", 9).returncode, REFUSED)
        self.assertEqual(self.contact("udp6", 9, "--wait", "200").returncode, TIMED_OUT)

    def test_sending_without_waiting_succeeds_anywhere(self):
        self.assertEqual(self.contact("udp4", 9, "--exit-at-once").returncode, 0)
        self.assertEqual(self.contact("tcp4", 9, "--nonblock").returncode, 0)

    def test_wrong_usage_is_refused(self):
        connect1 = built("tests/kernel/programs/connect1")
        for words in (["tcp4", "10.99.0.256", "7"], ["tcp4", self.pair.peer4, "65536"],
                      ["tcp5", self.pair.peer4, "7"], ["udp6", "fd99::1::2", "7"],
                      ["udp4", self.pair.peer4, "7", "--no-such-option"], ["udp4"]):
            with self.subTest(words=words):
                self.assertEqual(self.host.run(connect1, *words).returncode, WRONG_USAGE)
        self.assertEqual(self.wire.count(), 0)

    def test_ping_and_curl_reach_the_peer(self):
        self.host.run("ping", "-n", "-c", "1", "-W", "2", self.pair.peer4, check=True)
        self.host.run("ping", "-n", "-c", "1", "-W", "2", self.pair.peer6, check=True)
        answer = self.host.run("curl", "-sS", "-m", "5", f"http://{self.pair.peer4}/", check=True)
        self.assertEqual(answer.stdout, "doorward\n")
        self.assertEqual(self.wire.count(protocol="icmp", type=8), 1)
        self.assertEqual(self.wire.count(protocol="icmpv6", type=128), 1)
        self.assertEqual(self.wire.count(protocol="tcp", dport=80, syn=True), 1)


@only_in("native")
class WireCounts(KernelTest):
    def test_a_quiet_wire_has_no_packets(self):
        self.assertEqual(self.wire.packets(quiet=0.5), [])

    @everywhere
    def test_counts_are_exactly_what_was_sent(self):
        for _ in range(7):
            self.contact("udp4", 4444, "--exit-at-once")
        for _ in range(5):
            self.contact("udp6", 4445, "--exit-at-once")
        self.contact("tcp4")
        self.assertEqual(self.wire.count(protocol="udp", dport=4444), 7)
        self.assertEqual(self.wire.count(protocol="udp", dport=4445, target=self.pair.peer6), 5)
        self.assertEqual(self.wire.count(protocol="udp", dport=4445, target=self.pair.peer4), 0)
        self.assertEqual(self.wire.count(protocol="tcp", dport=7, syn=True), 1)
        self.wire.reset()
        self.assertEqual(self.wire.count(protocol="udp"), 0)

    def test_what_the_peer_sends_is_not_counted(self):
        self.contact("udp4")
        self.assertEqual(self.wire.count(protocol="udp"), 1)  # the question, not its echo

    def test_what_does_not_leave_is_not_counted(self):
        self.host.run("nft", "add table inet t; add chain inet t out { type filter hook output "
                      "priority 0; policy drop; }", check=True)
        self.assertNotEqual(self.contact("udp4", 7, "--wait", "200").returncode, 0)
        self.assertEqual(self.contact("tcp6", 7, "--wait", "200").returncode, TIMED_OUT)
        self.assertEqual(self.wire.count(protocol="udp"), 0)
        self.assertEqual(self.wire.count(protocol="tcp"), 0)

    def test_a_burst_loses_nothing(self):
        script = ("import socket,sys\ns=socket.socket(socket.AF_INET,socket.SOCK_DGRAM)\n"
                  "for i in range(3000): s.sendto(b'x'*100,(sys.argv[1],4446))\n")
        self.host.run(sys.executable, "-c", script, self.pair.peer4, check=True)
        self.assertEqual(self.wire.count(protocol="udp", dport=4446, length=128), 3000)


@only_in("native")
class ManyPrograms(KernelTest):
    def test_each_copy_runs_under_its_own_path(self):
        paths = copies(built("tests/kernel/programs/connect1"), self.folder / "bin", 50)
        self.assertEqual(len(set(paths)), 50)
        commands = [[path, "udp4", self.pair.peer4, "4447", "--exit-at-once"] for path in paths]
        results = self.host.run_all(commands)
        self.assertEqual([result["status"] for result in results], [0] * 50)
        self.assertEqual(len({result["pid"] for result in results}), 50)
        self.assertEqual(self.wire.count(protocol="udp", dport=4447), 50)

    def test_a_failing_program_is_reported_in_its_place(self):
        connect1 = built("tests/kernel/programs/connect1")
        results = self.host.run_all([[connect1, "tcp4", self.pair.peer4, port] for port in "79"])
        self.assertEqual([result["status"] for result in results], [0, REFUSED])


@only_in("native")
class Namespaces(unittest.TestCase):
    def test_they_are_gone_after_removal(self):
        pair = Pair()
        names = {pair.host.name, pair.peer.name}
        pair.remove()
        left = subprocess.run(["ip", "netns", "list"], text=True, stdout=subprocess.PIPE).stdout
        self.assertFalse(names & set(left.split()))

    def test_a_process_inside_sees_only_its_links(self):
        namespace = Namespace("alone")
        self.addCleanup(namespace.remove)
        links = namespace.run("ip", "-o", "link", check=True).stdout.splitlines()
        self.assertEqual(len(links), 1)
        self.assertIn("lo", links[0])

    def test_the_cgroup_file_system_stays_visible(self):
        namespace = Namespace("alone")
        self.addCleanup(namespace.remove)
        mounts = namespace.run("cat", "/proc/self/mounts", check=True).stdout
        self.assertIn(" cgroup2 ", mounts)

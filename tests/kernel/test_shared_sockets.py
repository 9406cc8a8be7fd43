# SPDX-License-Identifier: GPL-2.0-or-later
"""One datagram socket in the hands of two programs that send at the same time, one of them denied."""

import json
import subprocess

from lib.case import KernelTest
from lib.places import WORLD, built, copies
from lib.wait import wait_until

BURST = "tests/kernel/programs/burst"
PYTHON = "/usr/bin/python3"
PORT = 4000
COUNT = 20_000 if WORLD == "native" else 2_000  # a guest has a tenth of the speed

# Starts both at once on one connected socket: argv is address, port, count, and programs with their letters.
TOGETHER = """
import socket, subprocess, sys
address, port, count, *programs = sys.argv[1:]
s = socket.socket(socket.AF_INET6 if ":" in address else socket.AF_INET, socket.SOCK_DGRAM)
s.connect((address, int(port)))
running = [subprocess.Popen([program, letter, count], stdout=s)
           for program, letter in zip(programs[::2], programs[1::2])]
sys.exit(any([each.wait() for each in running]))
"""

# Nobody answers: an error that comes back would keep the senders from sending.
COUNTS = f"""
add table inet x
add counter inet x good
add counter inet x bad
add chain inet x i {{ type filter hook input priority 0; }}
add rule inet x i udp dport {PORT} @th,64,8 {ord('g')} counter name good drop
add rule inet x i udp dport {PORT} @th,64,8 {ord('b')} counter name bad drop
"""


class SharedSockets(KernelTest):
    def setUp(self):
        super().setUp()
        self.good, self.bad = copies(built(BURST), self.folder / "bin", 2)
        self.peer.run("nft", COUNTS, check=True)

    def arrived(self, name: str) -> int:
        said = self.peer.run("nft", "-j", "list", "counter", "inet", "x", name, check=True).stdout
        return json.loads(said)["nftables"][1]["counter"]["packets"]

    def send_together(self, address: str, *more: str) -> None:
        self.host.run(PYTHON, "-c", TOGETHER, address, str(PORT), str(COUNT), self.good, "g", self.bad, "b", *more,
                      timeout=300, check=True)

    def start(self, config: str) -> None:
        self.fw = self.daemon(f"rules:\n  - {{name: good, app: {self.good}, action: accept}}\n"
                              f"  - {{name: bad, app: {self.bad}, action: drop}}\n",
                              config="mode: enforce\n" + config)

    def check(self, *named: tuple[str, str]) -> None:
        """Nothing of the denied one has arrived, the log says no such thing, and has these verdicts."""
        self.assertEqual(self.arrived("bad"), 0)
        rows = "destination_port = 4000 AND exe = ? AND verdict = ?"
        for program, verdict in named:
            wait_until(lambda: self.fw.audit.rows(rows, program, verdict))
        self.assertEqual(self.fw.audit.rows(rows, self.bad, "accept"), [])
        self.assertEqual(self.fw.audit.rows(rows, self.good, "drop"), [])

    def test_each_verdict_is_asked_for(self):
        self.start("verdict_cache: false\n")
        for address in (self.pair.peer4, self.pair.peer6):
            self.send_together(address)
        self.check((self.good, "accept"), (self.bad, "drop"))
        self.assertGreater(self.arrived("good"), 0)

    def test_the_kernel_knows_the_verdicts(self):
        self.start("verdict_cache: true\n")
        for address in (self.pair.peer4, self.pair.peer6):
            self.send_together(address)
        self.check((self.good, "accept"), (self.bad, "drop"))
        self.assertGreater(self.arrived("good"), 0)

    def test_more_senders_than_a_tuple_has_slots(self):
        """While slots change hands a packet may be anybody's, and is denied: nobody is sure to be named."""
        self.start("verdict_cache: false\n")
        others = [part for each in copies(built(BURST), self.folder / "others", 8) for part in (each, "b")]
        self.send_together(self.pair.peer4, *others)
        wait_until(lambda: self.fw.audit.rows("destination_port = 4000 AND verdict = 'drop'"))
        self.check()

    def test_rules_that_change_meanwhile_hold_for_both(self):
        self.start("verdict_cache: true\n")
        sending = self.host.start(PYTHON, "-c", TOGETHER, self.pair.peer4, str(PORT), str(COUNT * 5),
                                  self.good, "g", self.bad, "b", stderr=subprocess.PIPE, text=True)
        number = 0
        while sending.poll() is None and number < 200:
            number += 1
            self.fw.write_rules(f"rules:\n  - {{name: good{number}, app: {self.good}, action: accept}}\n"
                                f"  - {{name: bad{number}, app: {self.bad}, action: drop}}\n")
            self.assertEqual(self.fw.command("rules", "reload").returncode, 0)
        self.assertEqual(sending.communicate()[1], "")
        self.check((self.good, "accept"), (self.bad, "drop"))
        self.assertGreater(self.arrived("good"), 0)

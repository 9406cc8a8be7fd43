# SPDX-License-Identifier: GPL-2.0-or-later
"""Programs that try to be given a verdict of others by the kernel, and rules that change under way."""

import shutil
import subprocess
import time

from lib.case import KernelTest, only_in
from lib.places import built, copies
from lib.wait import wait_for, wait_until

CONNECT1 = "tests/kernel/programs/connect1"
OUT = "direction = 'out' AND protocol IN ('tcp', 'udp')"
REFUSED = 111
PYTHON = "/usr/bin/python3"

# Writes to one connected UDP socket by the programs named in argv[4:], in turn.
IN_TURN = """
import socket, subprocess, sys
address, port, rounds, *programs = sys.argv[1:]
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
s.connect((address, int(port)))
for _ in range(int(rounds)):
    for program in programs:
        subprocess.run([program, program[-1] * 20], stdout=s, stderr=subprocess.DEVNULL)
"""

# Contacts the peer as each pair (real, effective) of users; says which calls went well.
AS_USERS = """
import os, socket, sys
def meet():
    s = socket.socket(); s.settimeout(5)
    try: s.connect((sys.argv[1], 7))
    except OSError: return "no"
    finally: s.close()
    return "yes"
said = []
for real, effective in ((0, 0), (0, 0), (1000, 0), (0, 1000), (1000, 1000), (0, 0)):
    os.setresuid(0, 0, 0); os.setresuid(real, effective, 0)
    said.append(meet())
    os.setresuid(-1, 0, -1)
print(*said)
"""

# The same datagram from a UDP socket, then from a raw one that writes its own header.
RAW = """
import socket, struct, sys, time
to = (sys.argv[1], 4000)
for _ in range(3):
    s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM); s.sendto(b"x" * 10, to); s.close()
    time.sleep(0.5)
raw = socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_UDP)
for source in (4001, 4002, 4003):
    raw.sendto(struct.pack("!HHHH", source, 4000, 18, 0) + b"y" * 10, (sys.argv[1], 0))
"""

FROM_MEMORY = """
import os, sys
fd = os.memfd_create(sys.argv[1])
os.write(fd, open(sys.argv[1], "rb").read())
os.execv(f"/proc/self/fd/{fd}", [sys.argv[1], "tcp4", sys.argv[2], "7"])
"""

FLOWS = """
import socket, sys, time
sent = 0
end = time.monotonic() + float(sys.argv[2])
while time.monotonic() < end:
    s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    try: s.sendto(b"x", (sys.argv[1], 4000 + sent % 6))
    except OSError: pass
    s.close()
    sent += 1
    time.sleep(0.001)
print(sent)
"""

# Sends to the peer unasked, then answers it.
ANSWERS = """
import socket, sys
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM); s.bind(("", 5000)); s.settimeout(20)
for _ in range(3):
    try: s.sendto(b"unasked", (sys.argv[1], 9999))
    except OSError: pass
print("ready", flush=True)
data, who = s.recvfrom(99)
s.sendto(b"answer", who)
"""

ASKS = """
import socket, sys
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM); s.bind(("", 9999)); s.settimeout(20)
s.sendto(b"question", (sys.argv[1], 5000)); print(s.recv(99).decode())
"""

# The same group by two interfaces in turn.
GROUP = """
import socket, sys
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
for interface in (sys.argv[1], sys.argv[1], "127.0.0.1"):
    s.setsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_IF, socket.inet_aton(interface))
    try: s.sendto(b"x", ("239.1.1.1", 5353)); print("sent")
    except OSError: print("refused")
"""


@only_in("native")
class VerdictCacheAttacks(KernelTest):
    def setUp(self):
        super().setUp()
        self.app, self.other = copies(built(CONNECT1), self.folder / "bin", 2)

    def start(self, rules: str, mode: str = "enforce", more: str = ""):
        self.fw = self.daemon("rules:\n" + rules, config=f"mode: {mode}\nverdict_cache: true\n{more}")
        return self.fw

    def meet(self, program: str | None = None) -> int:
        return self.contact("tcp4", 7, program=program or self.app).returncode

    def given(self) -> int:
        return self.fw.status()["verdicts"]["given"]

    def total(self) -> int:
        return sum(row["count"] for row in self.fw.audit.rows(OUT))

    def test_one_datagram_socket_in_two_hands_in_turn(self):
        # Nobody answers: an answer to one of them would be decided as the next one's.
        self.peer.run("nft", "add table inet x; add chain inet x i { type filter hook input priority 0; }; "
                      "add rule inet x i udp dport 4000 drop", check=True)
        good, bad = copies(shutil.which("echo"), self.folder / "two", 2)
        self.start(f"  - {{name: good, app: {good}, action: accept}}\n"
                   f"  - {{name: bad, app: {bad}, action: drop}}\n")
        for _ in range(3):
            self.host.run(PYTHON, "-c", IN_TURN, self.pair.peer4, "4000", "1", good, check=True)
        wait_until(lambda: self.given() >= 2)
        self.host.run(PYTHON, "-c", IN_TURN, self.pair.peer4, "4000", "10", good, bad, check=True)
        wait_until(lambda: self.total() >= 3 + 20)
        told = {}
        for row in self.fw.audit.rows(OUT):
            told[row["exe"], row["verdict"]] = told.get((row["exe"], row["verdict"]), 0) + row["count"]
        self.assertEqual(told, {(good, "accept"): 13, (bad, "drop"): 10})
        self.assertEqual(self.wire.count(protocol="udp", dport=4000), 13)

    def test_the_real_user_counts_each_time(self):
        self.start("  - {name: root, user: root, action: accept}\n")
        for _ in range(2):
            done = self.host.run(PYTHON, "-c", AS_USERS, self.pair.peer4, check=True)
            self.assertEqual(done.stdout.split(), ["yes", "yes", "no", "yes", "no", "yes"])
        wait_for(12, self.total)
        self.assertEqual({(row["uid"], row["verdict"]) for row in self.fw.audit.rows(OUT)},
                         {(0, "accept"), (1000, "reject")})

    def test_a_raw_socket_is_given_nothing(self):
        self.start("  - {name: all, action: accept}\n")
        self.host.run(PYTHON, "-c", RAW, self.pair.peer4, check=True)
        wait_for(6, self.total)
        self.assertEqual(self.given(), 2)
        self.assertEqual({row["source_port"] for row in self.fw.audit.rows(OUT)} & {4001, 4002, 4003},
                         {4001, 4002, 4003})

    def test_a_program_in_memory_is_not_the_file(self):
        self.start(f"  - {{name: mine, app: {self.app}, action: accept}}\n")
        for _ in range(3):
            self.assertEqual(self.meet(), 0)
        for _ in range(3):
            done = self.host.run(PYTHON, "-c", FROM_MEMORY, self.app, self.pair.peer4)
            self.assertNotEqual(done.returncode, 0)
        self.assertEqual(self.wire.count(protocol="tcp", syn=True), 3)

    def test_enforcing_counts_at_once(self):
        self.start(f"  - {{name: no, app: {self.app}, action: reject}}\n", mode="observe")
        for mode, wanted in (("observe", 0), ("enforce", REFUSED), ("observe", 0), ("enforce", REFUSED)):
            self.fw.command("mode", mode)
            self.assertEqual(self.meet(), wanted)
            for _ in range(3):
                self.assertEqual(self.meet() == 0, wanted == 0)
        wait_for(16, self.total)

    def test_a_daemon_after_a_killed_one_gives_its_own_verdicts(self):
        daemon = self.start(f"  - {{name: mine, app: {self.app}, action: accept}}\n"
                            f"  - {{name: other, app: {self.other}, action: reject}}\n")
        for _ in range(3):
            self.assertEqual(self.meet(), 0)
            self.assertNotEqual(self.meet(self.other), 0)
        daemon.kill()
        daemon.write_rules(f"rules:\n  - {{name: mine, app: {self.app}, action: reject}}\n"
                           f"  - {{name: other, app: {self.other}, action: accept}}\n")
        daemon.start()
        for _ in range(3):
            self.assertNotEqual(self.meet(), 0)
            self.assertEqual(self.meet(self.other), 0)

    def test_a_rule_that_ends_by_itself_ends_in_the_kernel_too(self):
        self.start("")
        added = self.fw.command("allow", self.app, "--name", "short", "--for", "3s")
        self.assertEqual(added.returncode, 0, added.stderr)
        until = time.monotonic() + 3
        for _ in range(3):
            self.assertEqual(self.meet(), 0)
        self.assertLess(time.monotonic(), until)
        time.sleep(max(0, until + 1 - time.monotonic()))
        for _ in range(3):
            self.assertNotEqual(self.meet(), 0)

    def test_every_verdict_is_told_while_rules_change_and_the_table_is_too_small(self):
        """By the rule that was in force, and of no process that was not the one."""
        self.peer.run("nft", "add table inet x; add chain inet x i { type filter hook input priority 0; }; "
                      "add rule inet x i udp dport 4000-4010 drop", check=True)
        rules = ("  - {{name: no{0}, port: 4001-4010, action: drop}}\n"
                 "  - {{name: all{0}, action: accept}}\n").format
        self.start(rules(0), more="limits: {verdicts: 4}\n")
        running = [self.host.start(PYTHON, "-c", FLOWS, self.pair.peer4, "2", stdout=subprocess.PIPE, text=True)
                   for _ in range(2)]
        number = 0
        while running[0].poll() is None:
            number += 1
            self.fw.write_rules("rules:\n" + rules(number))
            self.assertEqual(self.fw.command("rules", "reload").returncode, 0)
        sent = {each.pid: int(each.communicate()[0]) for each in running}
        wait_for(sum(sent.values()), self.total)
        self.assertGreater(self.given(), 0)
        named = {}
        for row in self.fw.audit.rows(OUT):
            allowed = row["destination_port"] == 4000
            self.assertEqual((row["verdict"], row["rule"].strip("0123456789")),
                             ("accept", "all") if allowed else ("drop", "no"))
            named[row["pid"]] = named.get(row["pid"], 0) + row["count"]
        for pid, count in named.items():
            self.assertLessEqual(count, sent.get(pid, sum(sent.values())))
        accepted = sum(row["count"] for row in self.fw.audit.rows(OUT + " AND verdict = 'accept'"))
        self.assertEqual([packet["dport"] for packet in self.wire.packets(protocol="udp")], [4000] * accepted)

    def test_a_denied_destination_is_answered_when_it_asks(self):
        self.start("  - {name: in, direction: in, action: accept}\n"
                   "  - {name: out, direction: out, action: drop}\n")
        server = self.host.start(PYTHON, "-c", ANSWERS, self.pair.peer4, stdout=subprocess.PIPE)
        self.addCleanup(server.wait)
        self.addCleanup(server.kill)
        self.assertEqual(server.stdout.readline(), b"ready\n")
        self.assertEqual(self.peer.run(PYTHON, "-c", ASKS, self.pair.host4).stdout, "answer\n")
        server.stdout.close()

    def test_what_goes_over_loopback_is_not_asked_about(self):
        self.start("  - {name: out, direction: out, action: drop}\n")
        said = self.host.run(PYTHON, "-c", GROUP, self.pair.host4).stdout.split()
        self.assertEqual(said[2], "sent")
        wait_until(lambda: self.total() >= 2)

    def test_a_syn_sent_again_is_no_verdict_of_its_own(self):
        self.peer.run("nft", "add table inet x; add chain inet x i { type filter hook input priority 0; }; "
                      "add rule inet x i tcp dport 99 drop", check=True)
        self.start(f"  - {{name: mine, app: {self.app}, action: accept}}\n")
        for wait in ("200", "2500"):  # the second one long enough to be sent again
            self.contact("tcp4", 99, "--wait", wait, program=self.app)
        wait_until(lambda: self.given() == 1)
        self.assertGreaterEqual(self.wire.count(protocol="tcp", dport=99), 3)
        self.assertEqual(self.fw.status()["packets"]["received"], 1)

    def test_names_are_those_of_the_time(self):
        hosts = self.folder / "hosts"
        hosts.write_text(f"{self.pair.peer4} first.example\n")
        self.start("  - {name: all, action: accept}\n", more=f"dns: {{hosts_file: {hosts}}}\n")
        named = lambda name: sum(row["count"] for row in self.fw.audit.rows(OUT + " AND host = ?", name))
        for _ in range(3):
            self.meet()
        wait_until(lambda: named("first.example") == 3)
        hosts.write_text(f"{self.pair.peer4} second.example\n")
        # Read again once a second: another name for the same address.
        wait_until(lambda: self.meet() == 0 and named("second.example") >= 2)

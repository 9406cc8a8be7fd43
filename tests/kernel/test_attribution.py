# SPDX-License-Identifier: GPL-2.0-or-later
"""The name is there before the packet: programs that make one contact and exit, each under a path of
its own, are all named rightly in the audit log."""

import json
import subprocess

from lib.case import TIMED_OUT, KernelTest, everywhere
from lib.helper import Helper
from lib.places import built, copies, usual_hooks

ACCEPT_ALL = "rules:\n  - name: all\n    action: accept\n"

# Of each kind so many, adding up to 2,000 connects and 2,000 first datagrams.
CONNECTS = {"tcp4": 500, "tcp6": 500, "tcp6mapped": 500}
CONNECTS_NONBLOCKING = {"tcp4": 250, "tcp6": 250}
DATAGRAMS = {"udp4": 400, "udp6": 400, "udp6mapped": 400, "udpconn4": 400, "udpconn6": 400}

PYTHON = "/usr/bin/python3"

# Sends datagrams to argv's address, port 4000, argv[2] of them from other sockets before, and waits for one that comes
# back.
ASKS = """
import socket, sys, time
def asks():
    s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM); s.settimeout(30); s.connect((sys.argv[1], 4000))
    s.send(b"ask"); return s
for _ in range(int(sys.argv[2])):
    asks(); time.sleep(0.5)
sys.exit(asks().recv(9) != b"late")
"""

# Tells from where the last of them came, and answers it when it is told to.
ANSWERS_LATE = """
import socket, sys
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM); s.settimeout(30); s.bind(("", 4000)); print("up", flush=True)
for _ in range(int(sys.argv[1]) + 1):
    who = s.recvfrom(9)[1]
print(who[1], flush=True); input(); s.sendto(b"late", who)
"""

# A datagram with the source port argv[2], which is a socket's of another program.
FORGES = """
import socket, struct, sys
raw = socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_UDP)
raw.sendto(struct.pack("!HHHH", int(sys.argv[2]), 4000, 9, 0) + b"y", (sys.argv[1], 0))
"""


class Attribution(KernelTest):
    def check(self, kinds: dict[str, int], *options: str) -> None:
        total = sum(kinds.values())
        programs = copies(built("tests/kernel/programs/connect1"), self.folder / "bin", total)
        kind_of = [kind for kind, count in kinds.items() for _ in range(count)]
        # A port of its own for each where no answer is needed: no two senders share a tuple.
        port_of = [str(20000 + i) if "--exit-at-once" in options else "7" for i in range(total)]
        commands = [[program, kind, self.address(kind), port, *options]
                    for program, kind, port in zip(programs, kind_of, port_of)]
        daemon = self.daemon(ACCEPT_ALL)
        ended = self.host.run_all(commands)
        self.assertEqual([e["status"] for e in ended], [0] * total)
        rows = {}
        for row in daemon.audit.wait_rows(total, "direction = 'out' AND protocol IN ('tcp', 'udp')"):
            rows.setdefault(row["exe"], []).append(row)
        for program, kind, end in zip(programs, kind_of, ended):
            with self.subTest(program=program, kind=kind):
                self.assertEqual(len(rows.get(program, [])), 1)
                row = rows[program][0]
                self.assertEqual(row["pid"], end["pid"])
                self.assertEqual(row["protocol"], kind[:3])
                self.assertEqual(row["destination"], self.address(kind))
                self.assertEqual(row["command_line"].split()[0], program)
        self.assertEqual(sum(len(of) for of in rows.values()), total, "each packet has one row")
        self.assertEqual(daemon.audit.rows("unknown NOT IN ('', 'kernel')"), [])

    def test_connects(self):
        self.check(CONNECTS)

    def test_connects_that_are_not_waited_for(self):
        self.check(CONNECTS_NONBLOCKING, "--nonblock", "--exit-at-once")

    def test_first_datagrams_of_unbound_sockets(self):
        self.check(DATAGRAMS, "--exit-at-once")

    def test_the_source_of_the_name_is_the_set_of_hooks(self):
        daemon = self.daemon(ACCEPT_ALL)
        kinds = ("tcp4", "udpconn4", "udp4")
        for kind in kinds:
            self.contact(kind)
        hooks = usual_hooks()
        of_datagrams = "kprobe" if hooks == "kprobe" else "netfilter"  # of the others no hook sees them any more
        rows = daemon.audit.wait_rows(len(kinds), "direction = 'out' AND destination_port = 7")
        self.assertEqual([row["attribution"] for row in rows], [hooks, of_datagrams, of_datagrams])
        self.assertEqual(daemon.status()["hooks"], hooks)

    def test_the_same_process_after_exec_has_its_new_name(self):
        first, second = copies(built("tests/kernel/programs/connect1"), self.folder / "bin", 2)
        daemon = self.daemon(ACCEPT_ALL)
        script = (f"import os, socket; s = socket.create_connection(('{self.pair.peer4}', 7), 5);"
                  f"os.execv('{second}', ['{second}', 'tcp4', '{self.pair.peer4}', '7'])")
        self.host.run(PYTHON, "-c", script, check=True)
        self.host.run(first, "tcp4", self.pair.peer4, "7", check=True)
        rows = daemon.audit.wait_rows(3, "destination_port = 7")
        self.assertTrue(rows[0]["exe"].startswith("/usr/bin/python3"), rows[0]["exe"])
        self.assertEqual([row["exe"] for row in rows[1:]], [second, first])
        self.assertEqual(rows[0]["pid"], rows[1]["pid"])
        self.assertNotEqual(rows[0]["exec_id"], rows[1]["exec_id"])

    def test_ping_is_named(self):
        for range_of_groups in ("1 0", "0 2147483647"):  # raw socket, then ping socket
            with self.subTest(ping_group_range=range_of_groups):
                self.host.sysctl("net.ipv4.ping_group_range", range_of_groups)
                daemon = self.daemon(ACCEPT_ALL)
                for address in (self.pair.peer4, self.pair.peer6):
                    self.host.run("ping", "-n", "-c", "1", "-W", "10", address, check=True)
                rows = daemon.audit.wait_rows(2, "protocol IN ('icmp', 'icmpv6') AND pid NOT NULL")
                self.assertEqual({row["exe"].rsplit("/")[-1] for row in rows}, {"ping"})
                daemon.stop()

    def test_sockets_from_before_the_start_are_named(self):
        server = self.host.start(PYTHON, "-c", "\n".join((
            "import socket, time",
            "s = socket.create_server(('::', 99), family=socket.AF_INET6, dualstack_ipv6=True)",
            f"c = socket.create_connection(('{self.pair.peer4}', 7), 5)",
            "input()", "c.sendall(b'after'); c.settimeout(20); assert c.recv(9) == b'after'",
            "s.settimeout(20); s.accept(); s.accept()")), stdin=-1)
        self.addCleanup(server.kill)
        self.wire_has_connection()
        daemon = self.daemon("rules:\n  - {name: py, app: '/usr/bin/python3*', action: accept}\n")
        server.stdin.write(b"\n")
        server.stdin.close()
        connect1 = built("tests/kernel/programs/connect1")
        for kind, address in (("tcp4", self.pair.host4), ("tcp6", self.pair.host6)):
            self.peer.run(connect1, kind, address, "99", "--wait", "10000", check=True)
        self.assertEqual(server.wait(30), 0)
        rows = daemon.audit.wait_rows(3, "protocol = 'tcp'")
        self.assertEqual({row["attribution"] for row in rows}, {"scan"})
        self.assertEqual({row["pid"] for row in rows}, {server.pid})
        self.assertEqual({row["rule"] for row in rows}, {"py"})

    @everywhere
    def test_a_flow_from_before_the_start_is_named_by_who_sends_now(self):
        """Not by the open files: whoever sends is there to be seen."""
        helper = Helper(self.host, "sockets.py")
        self.addCleanup(helper.stop)
        flow = helper.ask(json.dumps(["open", "udp", self.pair.peer4, 7]))
        daemon = self.daemon(ACCEPT_ALL)
        self.assertIs(helper.ask(json.dumps(["talk", flow, 1])), True)
        row = daemon.audit.wait_rows(1, "protocol = 'udp'")[0]
        self.assertEqual(row["pid"], helper.process.pid)
        self.assertIn(row["attribution"], ("kprobe", "netfilter"))

    @everywhere
    def test_a_raw_socket_gets_nobody_elses_answers(self):
        """What it sends is its own; what comes back to those ports, under new rules, is the socket's that has them."""
        self.late_answer(0)

    @everywhere
    def test_a_raw_socket_gets_nobody_elses_answers_to_what_the_kernel_let_go(self):
        self.late_answer(2)

    def late_answer(self, before: int) -> None:
        answers = self.peer.start(PYTHON, "-c", ANSWERS_LATE, str(before),
                                  stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self.addCleanup(answers.kill)
        self.assertEqual(answers.stdout.readline(), "up\n")
        daemon = self.daemon(ACCEPT_ALL)
        asks = self.host.start(PYTHON, "-c", ASKS, self.pair.peer4, str(before))
        self.addCleanup(asks.kill)
        source = answers.stdout.readline().strip()
        self.host.run(PYTHON, "-c", FORGES, self.pair.peer4, source, check=True)
        row, = daemon.audit.wait_rows(1, "destination_port = 4000 AND source_port = ? AND pid != ?", source, asks.pid)
        self.assertEqual(row["verdict"], "accept")
        daemon.write_rules("rules:\n  - {name: later, action: accept}\n")
        daemon.reload()
        answers.communicate("\n", timeout=30)
        self.assertEqual(asks.wait(30), 0)
        row, = daemon.audit.wait_rows(1, "rule = 'later' AND 4000 IN (source_port, destination_port)")
        self.assertEqual(row["pid"], asks.pid)

    def wire_has_connection(self):
        for _ in range(100):
            if self.wire.packets(protocol="tcp", dport=7, syn=False):
                return
        self.fail("no connection was made")

    def test_a_port_that_changes_hands_takes_no_verdict_along(self):
        first, second = copies(built("tests/kernel/programs/connect1"), self.folder / "bin", 2)
        daemon = self.daemon("rules:\n  - {name: first, app: %s, action: accept}\n"
                             "  - {name: second, app: %s, action: drop}\n" % (first, second))
        self.host.sysctl("net.ipv4.ip_local_port_range", "50000 50000")  # one port for everybody
        for kind in ("udp4", "udpconn4", "udp6"):
            self.assertEqual(self.contact(kind, program=first).returncode, 0)
            self.wire.reset()
            self.assertEqual(self.contact(kind, 7, "--wait", "300", program=second).returncode, TIMED_OUT)
            self.assertEqual(self.wire.count(protocol="udp"), 0)
        rows = daemon.audit.wait_rows(3, "exe = ?", second)
        self.assertEqual({row["rule"] for row in rows}, {"second"})

    def test_a_connect_that_was_given_up_leaves_no_verdict_behind(self):
        first, second = copies(built("tests/kernel/programs/connect1"), self.folder / "bin", 2)
        daemon = self.daemon("rules:\n  - {name: first, app: %s, action: accept}\n"
                             "  - {name: second, app: %s, action: drop}\n" % (first, second))
        self.peer.run("nft", "add table inet t; add chain inet t c { type filter hook input priority 0; }; "
                      "add rule inet t c tcp dport 9 drop", check=True)  # no answer: stays in SYN_SENT
        self.host.sysctl("net.ipv4.ip_local_port_range", "50000 50000")
        self.contact("tcp4", 9, "--nonblock", "--exit-at-once", program=first)
        self.assertEqual(self.wire.count(protocol="tcp", dport=9), 1)
        self.wire.reset()
        self.contact("tcp4", 9, "--nonblock", "--exit-at-once", program=second)
        row = daemon.audit.wait_rows(1, "exe = ?", second)[0]
        self.assertEqual((row["verdict"], row["rule"]), ("drop", "second"))
        self.assertEqual(self.wire.count(protocol="tcp", dport=9), 0)

    def test_a_port_that_goes_round_never_gives_a_wrong_name(self):
        total = 400
        programs = copies(built("tests/kernel/programs/connect1"), self.folder / "bin", total)
        daemon = self.daemon(ACCEPT_ALL)
        self.host.sysctl("net.ipv4.ip_local_port_range", "50000 50003")  # fewer than run at a time
        self.peer.run("nft", "add table inet t; add chain inet t c { type filter hook input priority 0; }; "
                      "add rule inet t c udp dport 9 drop", check=True)  # no answers: one packet each
        kinds = ("udp4", "udpconn4")
        ended = self.host.run_all([[program, kinds[i % 2], self.pair.peer4, "9", "--exit-at-once"]
                                   for i, program in enumerate(programs)], parallel=4)
        sent = {end["pid"]: program for end, program in zip(ended, programs) if end["status"] == 0}
        self.assertGreater(len(sent), total / 2)  # the others found no free port
        rows = daemon.audit.wait_rows(len(sent), "direction = 'out' AND protocol = 'udp'")
        self.assertEqual(len(rows), len(sent))
        named = [row for row in rows if not row["unknown"]]
        for row in named:
            self.assertEqual(sent[row["pid"]], row["exe"])
        self.assertEqual(len({row["pid"] for row in named}), len(named), "nobody is named twice")
        self.assertEqual({row["unknown"] for row in rows} - {"", "ambiguous"}, set())

# SPDX-License-Identifier: GPL-2.0-or-later
"""What the rules say is what happens on the wire, and what the audit log says happened."""

from lib.case import TIMED_OUT, KernelTest
from lib.places import built, copies

REFUSED, UNREACHABLE, NO_PERMISSION = 111, 113, 13

RULES = """
rules:
  - name: friend
    app: {friend}
    action: accept
  - name: silent
    app: {silent}
    action: drop
  - name: told
    app: {told}
    action: reject
  - name: half
    app: {half}
    protocol: tcp
    to: {peer4}
    port: 7
    action: accept
"""


class Verdicts(KernelTest):
    def setUp(self):
        super().setUp()
        names = ("friend", "silent", "told", "half", "stranger")
        self.programs = dict(zip(names, copies(built("tests/kernel/programs/connect1"),
                                               self.folder / "bin", len(names))))
        self.rules = RULES.format(peer4=self.pair.peer4, **self.programs)

    def meet(self, who: str, kind: str, port: int = 7, *options: str) -> int:
        return self.contact(kind, port, *options, program=self.programs[who]).returncode

    def rows_of(self, daemon, who: str, count: int) -> list[dict]:
        return daemon.audit.wait_rows(count, "exe = ?", self.programs[who])

    def test_accepted_gets_through_with_one_row(self):
        daemon = self.daemon(self.rules)
        for kind in ("tcp4", "tcp6", "udp4", "udp6", "udpconn4", "udp6mapped"):
            self.assertEqual(self.meet("friend", kind), 0, kind)
        rows = self.rows_of(daemon, "friend", 6)
        self.assertEqual(len(rows), 6)
        for row in rows:
            self.assertEqual((row["verdict"], row["decision"], row["rule"], row["reason"]),
                             ("accept", "accept", "friend", "rule"))
            self.assertGreaterEqual(row["latency_ns"], 0)

    def test_dropped_is_silence_again_and_again(self):
        daemon = self.daemon(self.rules)
        for _ in range(3):
            self.assertEqual(self.meet("silent", "tcp4", 7, "--wait", "300"), TIMED_OUT)
            self.assertEqual(self.meet("silent", "udp6", 7, "--wait", "300"), TIMED_OUT)
        self.assertEqual(self.wire.count(), 0)
        rows = self.rows_of(daemon, "silent", 6)
        self.assertGreaterEqual(len([row for row in rows if row["protocol"] == "tcp"]), 3)
        self.assertEqual({(row["verdict"], row["rule"]) for row in rows}, {("drop", "silent")})

    def test_rejected_is_told_at_once(self):
        daemon = self.daemon(self.rules)
        self.assertEqual(self.meet("told", "tcp4", 7, "--wait", "20000"), REFUSED)
        self.assertEqual(self.meet("told", "tcp6", 7, "--wait", "20000"), REFUSED)
        self.assertEqual(self.meet("told", "udpconn4", 7, "--wait", "20000"), UNREACHABLE)
        self.assertEqual(self.meet("told", "udpconn6", 7, "--wait", "20000"), NO_PERMISSION)
        self.assertEqual(self.wire.count(), 0)
        rows = self.rows_of(daemon, "told", 4)
        self.assertEqual({(row["verdict"], row["rule"]) for row in rows}, {("reject", "told")})

    def test_conditions_beyond_the_program(self):
        daemon = self.daemon(self.rules)
        self.assertEqual(self.meet("half", "tcp4", 7), 0)
        self.assertEqual(self.meet("half", "tcp6", 7), REFUSED)   # another address
        self.assertEqual(self.meet("half", "tcp4", 80), REFUSED)  # another port
        self.assertEqual(self.meet("half", "udp4", 7, "--wait", "300"), TIMED_OUT)
        rows = self.rows_of(daemon, "half", 4)
        self.assertEqual([(row["verdict"], row["reason"]) for row in rows[:3]],
                         [("accept", "rule"), ("reject", "default-out"), ("reject", "default-out")])
        self.assertEqual(self.wire.count(protocol="udp"), 0)

    def test_what_no_rule_names_gets_the_default(self):
        daemon = self.daemon(self.rules, default_out="drop")
        self.assertEqual(self.meet("stranger", "tcp4", 7, "--wait", "300"), TIMED_OUT)
        self.assertEqual(self.wire.count(), 0)
        row = self.rows_of(daemon, "stranger", 1)[0]
        self.assertEqual((row["verdict"], row["rule"], row["reason"]), ("drop", "", "default-out"))

    def test_observe_mode_passes_all_and_records_what_would_have_been(self):
        daemon = self.daemon(self.rules, mode="observe")
        for who in ("silent", "told", "stranger"):
            self.assertEqual(self.meet(who, "tcp4"), 0)
            self.assertEqual(self.meet(who, "udp6"), 0)
        for who, decision in (("silent", "drop"), ("told", "reject"), ("stranger", "reject")):
            rows = self.rows_of(daemon, who, 2)
            self.assertEqual({(row["verdict"], row["decision"]) for row in rows},
                             {("accept", decision)})

    def test_a_decided_flow_never_comes_back(self):
        daemon = self.daemon(self.rules)
        script = ("import socket; s = socket.create_connection(('%s', 7), 9); s.settimeout(20)\n"
                  "for _ in range(50): s.sendall(b'x' * 100); s.recv(100)" % self.pair.peer4)
        daemon.write_rules("rules:\n  - {name: py, app: '/usr/bin/python3*', action: accept}\n",
                           "20-python.yaml")
        daemon.reload()
        self.host.run("/usr/bin/python3", "-c", script, check=True, timeout=60)
        self.assertGreaterEqual(self.wire.count(protocol="tcp", dport=7), 50)
        rows = daemon.audit.wait_rows(1, "rule = 'py'")
        self.assertEqual(len(rows), 1)
        self.assertGreaterEqual(daemon.status()["netfilter"]["decided"], 50)

    def test_inbound_flows_are_decided_by_the_program_that_listens(self):
        server = self.host.start("/usr/bin/python3", "-c",
                                 "import socket, time\n"
                                 "a = socket.create_server(('', 1001)); b = socket.create_server(('', 1002))\n"
                                 "time.sleep(100)")
        self.addCleanup(server.wait)
        self.addCleanup(server.kill)
        daemon = self.daemon("rules:\n  - name: door\n    app: '/usr/bin/python3*'\n"
                             "    direction: in\n    port: 1001\n    action: accept\n", default_in="reject")
        connect1 = built("tests/kernel/programs/connect1")
        reach = lambda port: self.peer.run(connect1, "tcp4", self.pair.host4, str(port)).returncode
        for _ in range(100):  # until it listens
            if reach(1001) == 0:
                break
        self.assertEqual(reach(1001), 0)
        self.assertEqual(reach(1002), REFUSED)
        row = daemon.audit.wait_rows(1, "destination_port = 1002 AND direction = 'in'")[0]
        self.assertEqual((row["verdict"], row["reason"], row["pid"]),
                         ("reject", "default-in", server.pid))
        row = daemon.audit.wait_rows(1, "destination_port = 1001 AND verdict = 'accept'")[0]
        self.assertEqual((row["rule"], row["pid"]), ("door", server.pid))

    def test_user_and_unknown_are_conditions(self):
        daemon = self.daemon("rules:\n  - {name: nobody-only, user: nobody, action: accept}\n")
        program = self.programs["stranger"]
        as_nobody = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", program]
        self.folder.chmod(0o755)
        (self.folder / "bin").chmod(0o755)
        self.assertEqual(self.host.run(*as_nobody, "tcp4", self.pair.peer4, "7").returncode, 0)
        self.assertEqual(self.meet("stranger", "tcp4"), REFUSED)
        rows = self.rows_of(daemon, "stranger", 2)
        self.assertEqual([(row["user"], row["verdict"]) for row in rows],
                         [("nobody", "accept"), ("root", "reject")])

    def test_loopback_is_a_policy(self):
        knock = lambda: self.contact_self()
        daemon = self.daemon(default_out="reject")
        self.assertEqual(knock(), REFUSED)  # nobody listens: the answer is the kernel's
        self.assertEqual(daemon.audit.rows("destination = '127.0.0.1'"), [])
        self.assertGreater(daemon.status()["netfilter"]["loopback"], 0)
        daemon.stop()
        daemon = self.daemon(default_out="drop", loopback="filter")
        self.assertEqual(knock(), TIMED_OUT)
        row = daemon.audit.wait_rows(1, "destination = '127.0.0.1'")[0]
        self.assertEqual(row["exe"], self.programs["stranger"])

    def contact_self(self) -> int:
        return self.host.run(self.programs["stranger"], "tcp4", "127.0.0.1", "9",
                             "--wait", "500").returncode

    def test_a_large_datagram_does_not_wedge_the_queue(self):
        daemon = self.daemon("rules:\n  - {name: py, app: '/usr/bin/python3*', action: accept}\n"
                             "  - {name: friend, app: %s, action: accept}\n" % self.programs["friend"],
                             loopback="filter")
        script = ("import socket; r = socket.socket(2, 2); r.bind(('127.0.0.1', 0)); r.settimeout(20)\n"
                  "s = socket.socket(2, 2); s.sendto(b'x' * 65000, r.getsockname())\n"
                  "assert len(r.recv(70000)) == 65000")
        self.host.run("/usr/bin/python3", "-c", script, check=True, timeout=60)
        self.assertEqual(self.meet("friend", "tcp4"), 0)
        self.assertEqual(daemon.status()["packets"]["queue_dropped"], 0)

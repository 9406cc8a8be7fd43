# SPDX-License-Identifier: GPL-2.0-or-later
"""The kernel gives verdicts again by itself: the same ones, all of them counted, and none but those."""

import errno
import json
import os
import random
import shutil
import signal
import sys
import time

from lib.case import TIMED_OUT, KernelTest, everywhere, only_in
from lib.helper import Helper
from lib.places import built, copies
from lib.wait import wait_for, wait_until

CONNECT1 = "tests/kernel/programs/connect1"
REFUSED = 111
OUT = "direction = 'out' AND protocol IN ('tcp', 'udp')"
KINDS = ("tcp4", "tcp6", "tcp6mapped", "udp4", "udp6", "udpconn4", "udpconn6", "udp6mapped")


def config(cache: bool = True, more: str = "") -> str:
    return f"mode: enforce\nverdict_cache: {str(cache).lower()}\n{more}"


@only_in("native")
class VerdictCache(KernelTest):
    def setUp(self):
        super().setUp()
        self.app, self.other = copies(built(CONNECT1), self.folder / "bin", 2)

    def start(self, rules: str, cache: bool = True, more: str = "", **options):
        self.fw = self.daemon("rules:\n" + rules, config=config(cache, more), **options)
        return self.fw

    def meet(self, kind: str = "tcp4", port: int = 7, program: str | None = None, *options: str) -> int:
        return self.contact(kind, port, *options, program=program or self.app).returncode

    def given(self) -> int:
        return self.fw.status()["verdicts"]["given"]

    def told(self) -> list[tuple]:
        """Every row as (how many, what)."""
        return [(r["count"], r["exe"], r["destination"], r["destination_port"], r["protocol"], r["verdict"],
                 r["rule"]) for r in self.fw.audit.rows(OUT)]

    def total(self) -> int:
        return sum(row[0] for row in self.told())

    def wait_told(self, least: int) -> int:
        """How many there are, once every verdict is in the log. A slow machine sends a SYN twice."""
        def verdicts() -> int:
            packets = self.fw.status()["packets"]
            return packets["accepted"] + packets["dropped"] + packets["rejected"]

        wait_until(lambda: self.total() >= least and
                   verdicts() == sum(row["count"] for row in self.fw.audit.rows()))
        return self.total()

    @everywhere
    def test_accepted_again_without_the_daemon(self):
        self.start(f"  - {{name: mine, app: {self.app}, action: accept}}\n")
        for kind in KINDS:
            for _ in range(4):
                self.assertEqual(self.meet(kind), 0, kind)
        twice = self.wait_told(32) - 32
        self.assertLess(twice, 8)
        # IPv4 in an IPv6 socket is the same destination.
        status = self.fw.status()
        self.assertEqual((status["verdicts"]["given"], status["verdicts"]["entries"]), (28, 4))
        self.assertEqual(status["netfilter"]["known"], 28)
        self.assertEqual((status["packets"]["accepted"], status["packets"]["received"]),
                         (32 + twice, 4 + twice))
        for row in self.fw.audit.rows(OUT + " AND source_port = 0"):
            self.assertEqual((row["exe"], row["user"], row["verdict"], row["rule"], row["reason"]),
                             (self.app, "root", "accept", "mine", "rule"))

    def test_a_rule_that_wants_each_flow_told_has_them_decided_one_by_one(self):
        self.start(f"  - {{name: mine, app: {self.app}, action: accept, log: each}}\n"
                   f"  - {{name: other, app: {self.other}, action: reject, log: each}}\n"
                   "  - {name: rest, action: accept}\n")
        third = copies(built(CONNECT1), self.folder / "third", 1)[0]
        for _ in range(4):
            self.assertEqual(self.meet(), 0)
            self.assertEqual(self.meet(program=self.other), REFUSED)
            self.assertNotEqual(self.meet("udpconn4", program=self.other), 0)
            self.assertEqual(self.meet(program=third), 0)
        self.wait_told(16)
        mine = [row for row in self.told() if row[6] in ("mine", "other")]
        self.assertGreaterEqual(len(mine), 12)
        self.assertEqual({row[0] for row in mine}, {1})
        ports = [row["source_port"] for row in self.fw.audit.rows(OUT + " AND rule = 'mine'")]
        self.assertEqual(len(set(ports)), 4)
        self.assertNotIn(0, ports)
        self.assertEqual(self.given(), 3)  # of the rule that does not ask for it

    @everywhere
    def test_denied_again_at_once_and_counted(self):
        self.start(f"  - {{name: told, app: {self.app}, action: reject}}\n"
                   f"  - {{name: silent, app: {self.other}, action: drop}}\n")
        for kind in ("tcp4", "tcp6", "udp4", "udp6"):
            first = self.meet(kind, 7, self.app, "--wait", "300")
            self.assertNotIn(first, (0, errno.EPERM), kind)
            for _ in range(3):
                self.assertEqual(self.meet(kind), errno.EPERM, kind)
        self.assertEqual(self.meet("tcp4", 7, self.other, "--wait", "300"), TIMED_OUT)
        self.assertEqual(self.meet("tcp4", 7, self.other), errno.EPERM)
        self.assertLess(self.wait_told(18), 18 + 6)
        self.assertEqual(self.given(), 13)
        self.assertEqual(self.wire.count(), 0)
        verdicts = {(row[1], row[5], row[6]) for row in self.told()}
        self.assertEqual(verdicts, {(self.app, "reject", "told"), (self.other, "drop", "silent")})

    def test_the_error_can_be_chosen(self):
        self.start("", more="denied_as: EACCES\n")
        self.assertEqual(self.meet(), REFUSED)
        self.assertEqual(self.meet(), errno.EACCES)

    def test_connecting_a_datagram_socket_sends_nothing_and_is_not_denied(self):
        self.start("")
        self.meet("udpconn4")
        script = ("import socket\ns = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)\n"
                  f"s.connect(('{self.pair.peer4}', 7)); print(s.getsockname()[0])\n")
        for _ in range(2):
            done = self.host.run("/usr/bin/python3", "-c", script)
            self.assertEqual(done.stdout.strip(), self.pair.host4)

    @everywhere
    def test_other_programs_users_and_destinations_are_asked_about(self):
        """Each of these may get another verdict, and does."""
        self.start(f"  - {{name: mine, app: {self.app}, user: root, protocol: tcp, port: 7, "
                   f"to: {self.pair.peer4}, action: accept}}\n")
        self.folder.chmod(0o755)
        for _ in range(3):
            self.assertEqual(self.meet(), 0)
        linked = self.app + ".link"
        os.link(self.app, linked)
        for _ in range(2):
            self.assertNotEqual(self.meet(program=self.other), 0)
            self.assertNotEqual(self.meet(program=linked), 0, "another name of the same file")
            self.assertNotEqual(self.meet(port=80), 0)
            self.assertNotEqual(self.meet("tcp6"), 0)
            self.assertNotEqual(self.meet("udp4"), 0)
            ended = self.host.run("setpriv", "--reuid=1000", "--clear-groups", self.app, "tcp4",
                                  self.pair.peer4, "7")
            self.assertNotEqual(ended.returncode, 0)
        moved = self.app + ".moved"
        os.rename(self.app, moved)
        self.assertNotEqual(self.meet(program=moved), 0, "the same file under another name")
        shutil.copy(self.other, self.app)  # the path is what the rule names
        self.assertEqual(self.meet(), 0)

    @everywhere
    def test_one_process_becomes_another_program(self):
        """By exec, with the verdict on what it was before known to the kernel."""
        self.start(f"  - {{name: mine, app: {self.app}, action: accept}}\n")
        for _ in range(2):
            self.assertEqual(self.meet(), 0)
        shell = f"{self.app} tcp4 {self.pair.peer4} 7 && exec {self.other} tcp4 {self.pair.peer4} 7"
        self.assertNotEqual(self.host.run("/bin/sh", "-c", shell).returncode, 0)

    @everywhere
    def test_new_rules_count_at_once(self):
        daemon = self.start(f"  - {{name: mine, app: {self.app}, action: accept}}\n")
        for round in range(4):
            wanted = round % 2 == 0
            daemon.write_rules(f"rules:\n  - {{name: r{round}, app: {self.app}, "
                               f"action: {'accept' if wanted else 'reject'}}}\n")
            self.assertEqual(daemon.command("rules", "reload").returncode, 0)
            for _ in range(3):
                self.assertEqual(self.meet() == 0, wanted, round)
        self.assertLess(self.wait_told(12), 12 + 4)
        by_rule = {}
        for count, *_, verdict, rule in self.told():
            by_rule[rule, verdict] = by_rule.get((rule, verdict), 0) + count
        self.assertEqual(set(by_rule), {(f"r{n}", "reject" if n % 2 else "accept") for n in range(4)})
        self.assertGreaterEqual(min(by_rule.values()), 3)

    def test_what_depends_on_more_is_never_given(self):
        self.start("  - {name: name, domain: example.org, action: reject}\n"
                   f"  - {{name: mine, app: {self.app}, action: accept}}\n")
        for _ in range(4):
            self.assertEqual(self.meet(), 0)
        wait_for(4, self.total)
        self.assertEqual([row[0] for row in self.told()], [1, 1, 1, 1])
        self.assertEqual(self.given(), 0)

    def test_a_script_is_told_from_another(self):
        good, bad = self.folder / "good.sh", self.folder / "bad.sh"
        bash = os.path.realpath("/bin/bash")
        for script in (good, bad):
            script.write_text(f"exec 3<>/dev/tcp/{self.pair.peer4}/7\n")
        self.start(f"  - {{name: good, app: {bash}, script: {good}, action: accept}}\n")
        for _ in range(3):
            self.assertEqual(self.host.run(bash, str(good)).returncode, 0)
            self.assertNotEqual(self.host.run(bash, str(bad)).returncode, 0)

    def test_one_process_is_named_several_are_not(self):
        program = Helper(self.host, "sockets.py")
        self.addCleanup(program.stop)
        python = os.path.realpath(sys.executable)
        self.start("  - {name: all, action: accept}\n")
        opens = lambda helper: helper.ask(json.dumps(["open", "tcp", self.pair.peer4, 7]))
        for _ in range(3):
            opens(program)
        rows = self.fw.audit.wait_rows(2, OUT + " AND exe = ?", python)
        self.assertEqual({row["pid"] for row in rows}, {program.process.pid})
        second = Helper(self.host, "sockets.py")
        self.addCleanup(second.stop)
        opens(second)
        rows = self.fw.audit.wait_rows(3, OUT + " AND exe = ?", python)
        self.assertEqual((rows[-1]["pid"], rows[-1]["command_line"], rows[-1]["uid"], rows[-1]["user"]),
                         (None, "", 0, "root"))
        shown = json.loads(self.fw.command("log", "--database", str(self.fw.database), "--json", "--limit", "1").stdout.splitlines()[0])
        self.assertEqual((shown["pid"], shown["exe"], shown["count"]), (None, python, 1))

    @everywhere
    def test_open_flows_are_named_and_can_be_cut(self):
        """Nothing is remembered of flows that the kernel decided, but of one before with the same port."""
        first, second = Helper(self.host, "sockets.py"), Helper(self.host, "sockets.py")
        for each in (first, second):
            self.addCleanup(each.stop)
        self.start("  - {name: all, action: accept}\n")
        opens = lambda helper, *source: helper.ask(json.dumps(["open", "tcp", self.pair.peer4, 7, *source]))
        number = opens(first, 45678)
        first.ask(json.dumps(["close", number]))
        for source in (45678, 45679):
            last = opens(second, source)
        opens(first, 45680)
        flows = lambda: {f["local_port"]: f for f in json.loads(
            self.fw.command("flows", "--json").stdout) if f["local_port"] > 45600}
        shown = flows()
        self.assertEqual({port: (f["pid"], f["rule"], f["verdict"]) for port, f in shown.items()},
                         {45678: (second.process.pid, "all", "accept"),
                          45679: (second.process.pid, "all", "accept"),
                          45680: (first.process.pid, "all", "accept")})
        self.wait_told(4)
        self.assertEqual(self.given(), 3)
        done = self.fw.command("kill", "--pid", str(second.process.pid))
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertEqual(second.ask(json.dumps(["talk", last, 10])), "ECONNABORTED")
        self.assertEqual(list(flows()), [45680])

    @everywhere
    def test_open_flows_of_datagrams_are_named(self):
        """Of sockets that are connected and that are not; the first flow of each program is decided by the daemon."""
        first, second = Helper(self.host, "sockets.py"), Helper(self.host, "sockets.py")
        for each in (first, second):
            self.addCleanup(each.stop)
        self.start("  - {name: all, action: accept}\n")
        expected = {}
        for source, helper, kind in ((45678, first, "udp"), (45679, second, "free"), (45680, second, "udp"),
                                     (45681, first, "free")):
            number = helper.ask(json.dumps(["open", kind, self.pair.peer4, 7, source]))
            self.assertIs(helper.ask(json.dumps(["talk", number, 10])), True)
            expected[source] = (helper.process.pid, "all", "accept")
        self.wait_told(4)
        self.assertGreaterEqual(self.given(), 2)
        shown = {f["local_port"]: (f["pid"], f["rule"], f["verdict"])
                 for f in json.loads(self.fw.command("flows", "--json").stdout) if f["local_port"] > 45600}
        self.assertEqual(shown, expected)

    @everywhere
    def test_an_open_flow_of_datagrams_keeps_its_name(self):
        """However many others begin, while datagrams leave on it."""
        helper = Helper(self.host, "sockets.py")
        self.addCleanup(helper.stop)
        self.start("  - {name: all, action: accept}\n", more="limits: {bindings: 16}\n")

        def pid() -> int:
            shown = json.loads(self.fw.command("flows", "--json").stdout)
            return next(f["pid"] for f in shown if f["local_port"] == 45680)

        opens = lambda *what: helper.ask(json.dumps(["open", what[0], self.pair.peer4, 7, *what[1:]]))
        talks = lambda number: self.assertIs(helper.ask(json.dumps(["talk", number, 10])), True)
        talks(opens("udp", 45679))
        flow = opens("udp", 45680)
        talks(flow)
        talks(flow)
        self.wait_told(2)
        self.assertEqual(pid(), helper.process.pid)
        for _ in range(60):
            helper.ask(json.dumps(["close", opens("tcp")]))
        self.assertIsNone(pid())
        time.sleep(1.1)
        talks(flow)
        self.assertEqual(pid(), helper.process.pid)

    def test_observing_denies_nothing(self):
        self.fw = self.daemon("rules:\n  - {name: no, action: reject}\n",
                              config=config().replace("enforce", "observe"))
        for _ in range(4):
            self.assertEqual(self.meet(), 0)
        wait_for(4, self.total)
        self.assertEqual(self.given(), 3)
        self.assertEqual({(r["verdict"], r["decision"]) for r in self.fw.audit.rows(OUT)},
                         {("accept", "reject")})

    @everywhere
    def test_a_stopped_daemon_gives_nothing_for_long(self):
        daemon = self.start(f"  - {{name: mine, app: {self.app}, action: accept}}\n")
        for _ in range(2):
            self.assertEqual(self.meet(), 0)
        daemon.process.send_signal(signal.SIGSTOP)
        try:
            wait_for(TIMED_OUT, lambda: self.meet("tcp4", 7, self.app, "--wait", "200"))
        finally:
            daemon.process.send_signal(signal.SIGCONT)
        wait_for(0, lambda: self.meet("tcp4", 7, self.app, "--wait", "200"))

    def test_what_was_given_is_in_the_log_of_a_daemon_that_ends(self):
        daemon = self.start(f"  - {{name: mine, app: {self.app}, action: accept}}\n")
        for _ in range(20):
            self.assertEqual(self.meet(), 0)
        daemon.stop()
        self.assertEqual(self.total(), 20)

    def test_a_full_table_decides_by_the_daemon(self):
        self.start("  - {name: all, action: accept}\n", more="limits: {verdicts: 4}\n")
        for port in range(20000, 20040):
            for _ in range(2):
                self.meet("udp4", port, self.app, "--exit-at-once")
        wait_for(80, self.total)
        status = self.fw.status()["verdicts"]
        self.assertEqual(status["capacity"], 4)
        self.assertLessEqual(status["entries"], 4)
        self.assertGreater(status["no_room"], 0)
        wait_until(lambda: self.fw.status()["verdicts"]["displaced"] > 0)

    def test_it_can_be_switched_off(self):
        self.start("  - {name: all, action: accept}\n", cache=False)
        for _ in range(3):
            self.assertEqual(self.meet(), 0)
        wait_for(3, lambda: len(self.told()))
        self.assertEqual(self.fw.status()["verdicts"],
                         {"enabled": False, "entries": 0, "capacity": 0, "given": 0, "displaced": 0,
                          "no_room": 0})

    @everywhere
    def test_many_at_once_are_all_counted(self):
        self.start(f"  - {{name: mine, app: {self.app}, action: accept}}\n")
        times = 30
        loop = (f"i=0; while [ $i -lt {times} ]; do {self.app} udp4 {self.pair.peer4} 7 --exit-at-once; "
                f"{self.other} udp4 {self.pair.peer4} 7 --exit-at-once; i=$((i+1)); done")
        running = [self.host.start("/bin/sh", "-c", loop) for _ in range(4)]
        for each in running:
            each.wait(timeout=300)
        wait_for(2 * 4 * times, self.total)
        status = self.fw.status()
        self.assertEqual(status["packets"]["accepted"], 4 * times)
        self.assertEqual(status["packets"]["rejected"], 4 * times)
        self.assertEqual(self.wire.count(protocol="udp", dport=7), 4 * times)


@only_in("native")
class OnAndOff(KernelTest):
    """The same traffic under the same rules, with the cache and without: flow by flow the same verdict."""

    def outcomes(self, cache: bool, rules: str, flows: list) -> list[bool]:
        daemon = self.daemon(rules, config=config(cache))
        results = []
        for program, kind, port in flows:
            code = self.contact(kind, port, "--wait", "300", program=program).returncode
            results.append(code == 0)
        if cache:
            wait_until(lambda: daemon.status()["verdicts"]["given"] > len(flows) // 4)
        daemon.stop()
        return results

    def test_random_rules_and_flows(self):
        dice = random.Random(4870)
        programs = copies(built(CONNECT1), self.folder / "bin", 4)
        for _ in range(3):
            lines = []
            for number in range(dice.randrange(1, 6)):
                words = [f"name: r{number}", f"action: {dice.choice(('accept', 'reject'))}"]
                if dice.random() < 0.6:
                    words.append(f"app: {dice.choice(programs)}")
                if dice.random() < 0.4:
                    words.append(f"protocol: {dice.choice(('tcp', 'udp'))}")
                if dice.random() < 0.4:
                    words.append(f"to: {dice.choice((self.pair.peer4, self.pair.peer6, 'private'))}")
                if dice.random() < 0.4:
                    words.append(f"port: {dice.choice(self.ports)}")
                if dice.random() < 0.2:
                    words.append("user: root")
                lines.append("  - {" + ", ".join(words) + "}\n")
            rules = "rules:\n" + "".join(lines)
            kinds = [(p, k, port) for p in programs for k in ("tcp4", "tcp6", "udp4", "udp6")
                     for port in self.ports]
            flows = [dice.choice(kinds) for _ in range(120)]
            with self.subTest(rules=rules):
                self.assertEqual(self.outcomes(True, rules, flows), self.outcomes(False, rules, flows))

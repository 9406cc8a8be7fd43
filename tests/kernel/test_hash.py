# SPDX-License-Identifier: GPL-2.0-or-later
"""A rule may pin the content of an executable: it is that content which runs, or the rule is not met.
Finding out takes time, off the packets' way; whatever can't be found out matches nothing."""

import hashlib
import os
import shutil
import time
from pathlib import Path

from lib.case import TIMED_OUT, KernelTest, everywhere, only_in
from lib.places import WORLD, built, copies, open_program
from lib.wait import wait_until

REFUSED = 111
CONNECT1 = "tests/kernel/programs/connect1"
HOLE = (512 if WORLD == "guest" else 1536) << 20  # bytes of nothing, which take a while to hash

PINNED = "rules:\n  - {{name: pinned, app: {app}, sha256: {sha256}, action: accept}}\n"
ANYWHERE = "rules:\n  - {{name: pinned, sha256: {sha256}, action: accept}}\n"


def digest(path: str) -> str:
    hashed = hashlib.sha256()
    with open(path, "rb") as file:
        while piece := file.read(1 << 20):
            hashed.update(piece)
    return hashed.hexdigest()


def config(**digests: int) -> str:
    values = ", ".join(f"{name}: {value}" for name, value in digests.items())
    return f"mode: enforce\ndigests: {{{values}}}\n"


@only_in("native")
class Hash(KernelTest):
    enlarged: dict[str, str] = {}

    def setUp(self):
        super().setUp()
        self.app, self.other = copies(built(CONNECT1), self.folder / "bin", 2)
        self.good = digest(self.app)
        time.sleep(0.05)  # a file written this instant could be written again without a trace

    def failures(self, daemon) -> dict[str, int]:
        return {f["name"]: f["count"] for f in daemon.status()["content"]["failures"] if f["count"]}

    def modify(self, path: str) -> None:
        """Another content of another length in another file under the same path."""
        changed = Path(path + ".new")
        shutil.copy(path, changed)
        with open(changed, "ab") as file:
            file.write(b"x")
        os.replace(changed, path)

    def enlarge(self) -> str:
        """Makes self.app a program that takes a while to hash; gives its digest."""
        os.truncate(self.app, os.path.getsize(self.app) + HOLE)
        time.sleep(0.05)
        if self.good not in Hash.enlarged:  # the same bytes each time
            Hash.enlarged[self.good] = digest(self.app)
        return Hash.enlarged[self.good]

    def start_and_park(self, daemon):
        """Starts self.app, which sends; returns once its packet waits for the digest."""
        meeting = self.host.start(self.app, "tcp4", self.pair.peer4, "7", "--wait", "60000")
        wait_until(lambda: daemon.status()["content"]["parked"])
        return meeting

    @everywhere
    def test_one_packet_and_gone_the_first_time_and_from_the_cache(self):
        daemon = self.daemon(ANYWHERE.format(sha256=self.good.upper()))
        for number in range(40):
            self.contact("udp4", 20000 + number, "--exit-at-once", program=self.app)
        rows = daemon.audit.wait_rows(40, "exe = ?", self.app)
        self.assertEqual({(r["verdict"], r["rule"], r["unknown"]) for r in rows},
                         {("accept", "pinned", "")})
        self.assertEqual(self.wire.count(protocol="udp"), 40)
        content = daemon.status()["content"]
        self.assertEqual(content["hashed"], 1)
        self.assertGreaterEqual(content["hits"], 40)
        self.assertEqual(content["parked"], 0)
        self.assertEqual(self.failures(daemon), {})

    def test_what_a_rule_names_is_known_before_it_is_met(self):
        daemon = self.daemon(PINNED.format(app=self.app, sha256=self.good))
        wait_until(lambda: daemon.status()["content"]["hashed"])
        self.assertEqual(self.contact("tcp4", program=self.app).returncode, 0)
        content = daemon.status()["content"]
        self.assertEqual((content["hashed"], content["parked_total"]), (1, 0))

    @everywhere
    def test_another_content_under_the_same_path_is_refused(self):
        daemon = self.daemon(PINNED.format(app=self.app, sha256=self.good))
        self.assertEqual(self.contact("tcp4", program=self.app).returncode, 0)
        shutil.copy(self.app, self.app + ".kept")
        self.modify(self.app)
        self.assertEqual(self.contact("tcp4", program=self.app).returncode, REFUSED)
        with open_program(self.app, "ab") as file:  # in place: the same inode
            file.write(b"y")
        self.assertEqual(self.contact("tcp4", program=self.app).returncode, REFUSED)
        os.replace(self.app + ".kept", self.app)
        self.assertEqual(self.contact("tcp4", program=self.app).returncode, 0)
        # The right content under another path is another program to this rule.
        self.assertEqual(self.contact("tcp4", program=self.other).returncode, REFUSED)
        rows = daemon.audit.wait_rows(5, "direction = 'out' AND protocol = 'tcp'")
        self.assertEqual([r["verdict"] for r in rows],
                         ["accept", "reject", "reject", "accept", "reject"])
        self.assertEqual([r["sha256"] == self.good for r in rows],
                         [True, False, False, True, False])
        self.assertNotIn("", [r["sha256"] for r in rows[:4]])
        self.assertEqual(rows[4]["sha256"], "", "no rule asked")

    @everywhere
    def test_one_byte_changed_in_place_with_the_old_time_put_back(self):
        self.daemon(PINNED.format(app=self.app, sha256=self.good))
        self.assertEqual(self.contact("tcp4", program=self.app).returncode, 0)
        status = os.stat(self.app)
        with open_program(self.app, "r+b") as file:
            file.seek(-1, os.SEEK_END)
            last = file.read(1)
            file.seek(-1, os.SEEK_END)
            file.write(bytes([last[0] ^ 1]))
        os.utime(self.app, ns=(status.st_atime_ns, status.st_mtime_ns))
        self.assertEqual(os.stat(self.app).st_size, status.st_size)
        self.assertEqual(self.contact("tcp4", program=self.app).returncode, REFUSED)

    def bash(self, path: str):
        """A copy of bash that connects once it is told to, and says how that ended."""
        script = f"read x; if exec 3<>/dev/tcp/{self.pair.peer4}/7; then echo in; else echo out; fi"
        return self.host.start(path, "-c", script, stdin=-1, stdout=-1, stderr=-3, text=True)

    def test_replaced_while_it_runs(self):
        shell, = copies(os.path.realpath("/bin/bash"), self.folder / "sh", 1)
        sha256 = digest(shell)
        changed = shell + ".changed"
        shutil.copy(shell, changed)
        with open(changed, "ab") as file:
            file.write(b"x")
        self.daemon(PINNED.format(app=shell, sha256=sha256))
        right = self.bash(shell)
        time.sleep(0.3)
        os.replace(changed, shell)
        wrong = self.bash(shell)
        time.sleep(0.3)
        # What runs is what counts: once the right one under the path of a wrong one …
        self.assertEqual(right.communicate("\n", timeout=60)[0].strip(), "in")
        shutil.copy(os.path.realpath("/bin/bash"), shell + ".right")
        os.replace(shell + ".right", shell)
        # … and once the other way round.
        self.assertEqual(wrong.communicate("\n", timeout=60)[0].strip(), "out")

    def test_removed_while_it_is_read(self):
        slow_digest = self.enlarge()
        daemon = self.daemon(ANYWHERE.format(sha256=slow_digest),
                             config=config(wait_ms=60000))
        meeting = self.start_and_park(daemon)
        os.unlink(self.app)
        self.assertEqual(meeting.wait(90), REFUSED)
        self.assertEqual(set(self.failures(daemon)), {"changed"})

    def test_what_has_no_file_is_not_hashed(self):
        daemon = self.daemon(ANYWHERE.format(sha256=self.good))
        script = ("import os, sys\n"
                  "fd = os.memfd_create('copy')\n"
                  f"os.write(fd, open('{self.app}', 'rb').read())\n"
                  f"os.execve(fd, ['copy', 'tcp4', '{self.pair.peer4}', '7'], dict())")
        result = self.host.run("/usr/bin/python3", "-c", script, timeout=60)
        self.assertEqual(result.returncode, REFUSED)
        self.assertIn(set(self.failures(daemon)), ({"unreadable"}, {"gone"}))

    def test_a_deny_rule_does_not_match_what_could_not_be_hashed_either(self):
        slow_digest = self.enlarge()
        rules = ("rules:\n"
                 f"  - {{name: bad, sha256: {slow_digest}, action: drop}}\n"
                 "  - {name: rest, action: reject}\n")
        daemon = self.daemon(rules, config=config(wait_ms=50))
        self.assertEqual(self.contact("tcp4", 7, "--wait", "30000", program=self.app).returncode,
                         REFUSED)
        row = daemon.audit.wait_rows(1, "exe = ?", self.app)[0]
        self.assertEqual((row["verdict"], row["rule"], row["sha256"], row["unread"]),
                         ("reject", "rest", "", "timed-out"))

    def test_a_slow_one_keeps_only_its_own_packets_waiting(self):
        slow_digest = self.enlarge()
        rules = (f"rules:\n  - {{name: pinned, sha256: [{slow_digest}, {self.good}],"
                 " action: accept}\n")
        daemon = self.daemon(rules, config=config(wait_ms=60000))
        slow = self.start_and_park(daemon)
        self.assertEqual(self.contact("tcp4", 7, "--wait", "30000",
                                      program=self.other).returncode, 0)
        self.assertIsNone(slow.poll(), "the slow one was done before the other; enlarge HOLE")
        self.assertEqual(slow.wait(90), 0)
        self.assertEqual(self.failures(daemon), {})
        rows = daemon.audit.wait_rows(2, "direction = 'out' AND protocol = 'tcp'")
        self.assertEqual(rows[0]["exe"], self.other)
        # The log says how long it took, the waiting included.
        self.assertGreater(rows[-1]["latency_ns"], rows[0]["latency_ns"])

    def test_what_takes_too_long_is_refused_and_remembered_for_later(self):
        slow_digest = self.enlarge()
        daemon = self.daemon(ANYWHERE.format(sha256=slow_digest), config=config(wait_ms=100))
        self.assertEqual(self.contact("tcp4", 7, "--wait", "30000", program=self.app).returncode,
                         REFUSED)
        content = daemon.status()["content"]
        self.assertEqual((content["overdue"], content["parked"]), (1, 0))
        self.assertEqual(self.failures(daemon), {"timed-out": 1})
        wait_until(lambda: daemon.status()["content"]["hashed"], 90)
        self.assertEqual(self.contact("tcp4", program=self.app).returncode, 0)

    def test_observing_keeps_nothing_waiting_and_still_knows_in_the_end(self):
        slow_digest = self.enlarge()
        daemon = self.daemon(ANYWHERE.format(sha256=slow_digest), mode="observe",
                             config=config(wait_ms=60000))
        self.assertEqual(self.contact("tcp4", 7, "--wait", "30000", program=self.app).returncode, 0)
        self.assertEqual(daemon.status()["content"]["hashed"], 0, "it was waited for")
        row = daemon.audit.wait_rows(1, "exe = ? AND protocol = 'tcp'", self.app)[0]
        self.assertEqual((row["verdict"], row["decision"], row["rule"]),
                         ("accept", "accept", "pinned"))

    def test_no_more_wait_than_there_is_room_for(self):
        slow_digest = self.enlarge()
        daemon = self.daemon(ANYWHERE.format(sha256=slow_digest), default_out="drop",
                             config=config(wait_ms=2000, parked_packets=24))  # 3 of one file
        for number in range(8):
            self.contact("udp4", 20000 + number, "--exit-at-once", program=self.app)
        rows = daemon.audit.wait_rows(8, "exe = ?", self.app)
        content = daemon.status()["content"]
        self.assertEqual(content["parked_total"], 3)
        self.assertEqual(self.failures(daemon)["too-many"], 5)
        self.assertEqual(len([r for r in rows if r["verdict"] == "drop"][:5]), 5)

    def test_what_waits_in_several_queues_goes_on(self):
        slow_digest = self.enlarge()
        daemon = self.daemon(ANYWHERE.format(sha256=slow_digest), default_out="drop",
                             config=config(wait_ms=60000) + "queues: 4\n")
        for number in range(16):
            self.contact("udp4", 20000 + number, "--exit-at-once", program=self.app)
        rows = daemon.audit.wait_rows(16, "exe = ?", self.app)
        self.assertEqual({(r["verdict"], r["rule"]) for r in rows}, {("accept", "pinned")})
        content = daemon.status()["content"]
        self.assertEqual((content["parked_total"], content["parked"], content["hashed"]), (16, 0, 1))
        self.assertEqual(self.wire.count(protocol="udp"), 16)

    def test_the_package_that_the_program_is_part_of(self):
        daemon = self.daemon("rules:\n  - {name: snakes, package: 'python3*', action: accept}\n")
        connect = f"import socket; socket.create_connection(('{self.pair.peer4}', 7), 30)"
        python = os.path.realpath("/usr/bin/python3")
        self.assertEqual(self.host.run(python, "-c", connect, timeout=60).returncode, 0)
        self.assertEqual(self.contact("tcp4", program=self.app).returncode, REFUSED)
        # Another file under the path of a packaged one, in a mount namespace of its own.
        shell = f"mount --bind {self.app} {python} && exec {python} tcp4 {self.pair.peer4} 7"
        result = self.host.run("unshare", "-m", "sh", "-c", shell, timeout=60)
        self.assertEqual(result.returncode, REFUSED)
        rows = daemon.audit.wait_rows(3, "direction = 'out' AND protocol = 'tcp'")
        self.assertEqual([(r["exe"], r["rule"]) for r in rows],
                         [(python, "snakes"), (self.app, ""), (python, "")])
        self.assertTrue(rows[0]["package"].startswith("python3"), rows[0]["package"])
        self.assertEqual([r["package"] for r in rows[1:]], ["", ""])

    def test_explained_by_the_daemon_and_without_it(self):
        daemon = self.daemon(PINNED.format(app=self.app, sha256=self.good))
        words = ("explain", "--app", self.app, "--to", self.pair.peer4, "--json")
        offline = (*words, "--rules-dir", str(daemon.rules_dir))
        for question in (words, offline):
            self.assertIn('"rule":"pinned"', daemon.command(*question).stdout.replace(" ", ""))
        self.modify(self.app)
        for question in (words, offline):
            answer = daemon.command(*question).stdout.replace(" ", "")
            self.assertIn('"failed":"sha256"', answer)
            self.assertIn('"rule":null', answer)

    def test_the_command_says_what_a_rule_can_say(self):
        daemon = self.new_daemon()
        said = daemon.command("hash", self.app, "/usr/bin/python3")
        self.assertEqual(said.returncode, 0, said.stderr)
        self.assertIn(f"app: {self.app}\nsha256: {self.good}\n", said.stdout)
        python = os.path.realpath("/usr/bin/python3")
        self.assertIn(f"app: {python}\npackage: python3", said.stdout)
        self.assertEqual(daemon.command("hash", "/nonexistent/x").returncode, 1)

    def test_a_changed_rule_is_asked_about_what_waits(self):
        slow_digest = self.enlarge()
        daemon = self.daemon(ANYWHERE.format(sha256=slow_digest),
                             config=config(wait_ms=60000))
        meeting = self.start_and_park(daemon)
        daemon.write_rules(f"rules:\n  - {{name: never, app: {self.app}, action: reject}}\n")
        daemon.reload()
        self.assertEqual(meeting.wait(90), REFUSED)
        self.assertEqual(daemon.status()["content"]["hashed"], 0, "it was not waited for")
        row = daemon.audit.wait_rows(1, "exe = ?", self.app)[0]
        self.assertEqual((row["verdict"], row["rule"]), ("reject", "never"))

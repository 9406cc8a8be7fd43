# SPDX-License-Identifier: GPL-2.0-or-later
"""What was decided is decided the same way again from the log alone; and what would change is told."""

import json
import shutil
import sqlite3
import sys
from pathlib import Path

from lib.case import KernelTest, only_in
from lib.places import built, copies

RULES = """
rules:
  - name: by-user
    app: {0}
    user: root
    not:
      interface: nosuch0
    action: accept
  - name: by-network
    app: {1}
    to: lan
    action: accept
  - name: by-port
    app: {2}
    port: 7
    protocol: tcp
    parent: /usr/**
    action: drop
  - name: by-package
    package: no-such-package
    action: accept
  - name: by-interface
    app: {3}
    interface: {4}
    action: accept
  - name: inbound
    direction: in
    port: 99
    action: accept
"""


@only_in("native")  # what it is about is in the daemon and the command; a guest takes minutes for it
class Replay(KernelTest):
    def replay(self, daemon, folder, *options: str) -> dict:
        result = daemon.command("replay", str(folder), "--database", str(daemon.database), "--json",
                                *options, timeout=120)
        self.assertEqual(result.returncode, 0, result.stderr)
        return json.loads(result.stdout)

    def record(self):
        """A daemon with rules of many kinds, after a run of many programs; and the programs."""
        programs = copies(built("tests/kernel/programs/connect1"), self.folder / "bin", 5)
        daemon = self.daemon(RULES.format(*programs[:4], self.pair.host_link), default_in="drop")
        rows = 0
        for program in programs:
            for kind in ("tcp4", "tcp6", "udp4", "udpconn6"):
                self.contact(kind, 7, "--wait", "300", program=program)
                self.contact(kind, 80, "--wait", "300", program=program)
        for port in ("99", "98"):
            self.peer.run(programs[0], "tcp4", self.pair.host4, port, "--wait", "300")
        rows = daemon.audit.wait_rows(5 * 8 + 2)
        self.assertEqual({row["decision"] for row in rows}, {"accept", "drop", "reject"})
        return daemon, programs, rows

    def test_the_same_rules_decide_the_same_about_every_row(self):
        daemon, _, rows = self.record()
        told = self.replay(daemon, daemon.rules_dir)
        self.assertEqual(told["changed"], 0, told)
        self.assertEqual(told["not_told"], 0, told)
        self.assertTrue(len(rows) <= told["rows"] <= len(daemon.audit.rows()), told)  # the kernel's may come
        self.assertEqual(told["alike"], told["flows"])

    def test_what_would_change_is_told_by_program(self):
        daemon, programs, _ = self.record()
        candidate = self.folder / "candidate"
        shutil.copytree(daemon.rules_dir, candidate)
        (candidate / "05-first.yaml").write_text(
            f"rules:\n  - {{name: no, app: {programs[0]}, to: {self.pair.peer4}, action: drop}}\n")
        told = self.replay(daemon, candidate)
        self.assertEqual((told["changed"], told["not_told"]), (4, 0), told)
        group, = told["groups"]
        self.assertEqual((group["app"], group["before"], group["after"], group["rule_before"],
                          group["rule_after"], group["flows"]),
                         (programs[0], "accept", "drop", "by-user", "no", 4))
        row, = daemon.audit.rows("id = ?", group["example"])
        self.assertEqual(row["exe"], programs[0])
        self.assertEqual(self.replay(daemon, candidate, "--app", programs[1])["changed"], 0)

    def test_explain_answers_every_event_as_it_was_decided(self):
        daemon, programs, rows = self.record()
        explain = ("explain", "--database", str(daemon.database), "--json", "--event")
        answers = {}
        for row in rows:
            run = daemon.command(*explain, str(row["id"]))
            self.assertEqual(run.returncode, 0, run.stderr)
            told = json.loads(run.stdout)
            self.assertEqual((told["now"]["action"], told["now"]["rule"] or "", told["differs"], told["not_known"]),
                             (row["decision"], row["rule"], False, []), (told, dict(row)))
            if row["rule"]:
                self.assertTrue(told["now"]["place"]["file"].startswith(str(daemon.rules_dir)), told)
            answers[row["id"]] = told
        defaults = [told for told in answers.values() if told["now"]["rule"] is None]
        self.assertTrue(defaults)
        for told in defaults:
            held = [each["held"] for each in told["closest"]]
            self.assertEqual((len(held), held), (5, sorted(held, reverse=True)), told)
        # The rules of now, temporary ones too, are asked; the row stays what it was.
        first = next(row for row in rows if row["exe"] == programs[0])
        self.assertEqual(daemon.command("deny", programs[0], "--name", "no", "--until-restart").returncode, 0)
        told = json.loads(daemon.command(*explain, str(first["id"])).stdout)
        self.assertEqual((told["then"]["rule"], told["now"]["rule"], told["now"]["action"], told["differs"]),
                         ("by-user", "no", "reject", True), told)
        for event, word in (("999999", "there is no event 999999"), ("0", "")):
            run = daemon.command(*explain, event)
            self.assertIn(word, run.stderr)
            self.assertEqual(run.returncode, 1 if word else 2, run.stderr)

    def test_explain_knows_a_running_process_as_its_packets_do(self):
        daemon, _, _ = self.record()
        process = self.host.start(shutil.which("sleep"), "60")
        try:
            parent = str(Path(sys.executable).resolve().parent) + "/**"  # wherever this interpreter is
            rule = ("deny", "/**", "--parent", parent, "--user", "0", "--to", "203.0.113.0/24", "--name", "no")
            self.assertEqual(daemon.command(*rule).returncode, 0)
            run = daemon.command("explain", "--pid", str(process.pid), "--to", "203.0.113.7", "--json")
            self.assertEqual(run.returncode, 0, run.stderr)
            self.assertEqual(json.loads(run.stdout)["rule"], "no", run.stdout)
            run = daemon.command("explain", "--pid", str(process.pid), "--to", "192.0.2.7", "--json")
            self.assertNotEqual(json.loads(run.stdout)["rule"], "no", run.stdout)
        finally:
            process.kill()
            process.wait(10)
        run = daemon.command("explain", "--pid", str(process.pid))
        self.assertEqual((run.returncode, "no process" in run.stderr), (1, True), run.stderr)

    def test_what_is_exported_loads_and_decides_alike(self):
        daemon, _, rows = self.record()
        for form in ("yaml", "json"):
            folder = self.folder / form
            folder.mkdir()
            run = daemon.command("export", "--format", form)
            self.assertEqual(run.returncode, 0, run.stderr)
            (folder / "10.yaml").write_text(run.stdout)
            told = self.replay(daemon, folder)
            self.assertEqual((told["changed"], told["not_told"]), (0, 0), told)
            self.assertGreaterEqual(told["rows"], len(rows))

    def test_what_is_wrong_is_said_and_nothing_is_touched(self):
        daemon, _, rows = self.record()
        broken = self.folder / "broken"
        broken.mkdir()
        (broken / "10.yaml").write_text("rules:\n  - {name: a, action: acept}\n")
        run = daemon.command("replay", str(broken), "--database", str(daemon.database))
        self.assertEqual(run.returncode, 1)
        self.assertRegex(run.stderr, r"10\.yaml:2:\d+: ")
        run = daemon.command("replay", str(self.folder / "none"), "--database", str(daemon.database))
        self.assertEqual((run.returncode, "none" in run.stderr), (1, True))
        run = daemon.command("replay", str(daemon.rules_dir), "--database", str(self.folder / "no.db"))
        self.assertEqual((run.returncode, "no.db" in run.stderr), (3, True))
        later = self.folder / "later.db"
        with sqlite3.connect(daemon.database) as source, sqlite3.connect(later) as target:
            source.backup(target)
            target.execute("PRAGMA user_version = 99")
        run = daemon.command("replay", str(daemon.rules_dir), "--database", str(later))
        self.assertEqual((run.returncode, "newer schema version" in run.stderr), (3, True), run.stderr)
        run = daemon.command("explain", "--event", "1", "--database", str(later))
        self.assertEqual((run.returncode, "newer schema version" in run.stderr), (3, True), run.stderr)
        self.assertEqual(len(daemon.audit.rows()), len(rows))

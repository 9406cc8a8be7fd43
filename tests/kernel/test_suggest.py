# SPDX-License-Identifier: GPL-2.0-or-later
"""From observing to a closed door: what was seen is proposed, agreed to, and passes; nothing else does."""

import json
import subprocess

from lib.case import KernelTest, only_in
from lib.places import built, copies

REFUSED = 111


@only_in("native")  # what it is about is in the daemon and the command; a guest takes minutes for it
class Suggest(KernelTest):
    def observed(self, **options):
        """A daemon that observed two programs, and these."""
        programs = copies(built("tests/kernel/programs/connect1"), self.folder / "bin", 3)
        daemon = self.daemon(mode="observe", **options)
        for program, kind, port in ((programs[0], "tcp4", 7), (programs[0], "tcp4", 80),
                                    (programs[1], "udp6", 7)):
            for _ in range(3):
                self.assertEqual(self.contact(kind, port, program=program).returncode, 0)
        daemon.audit.wait_rows(9)
        return daemon, programs

    def suggest(self, daemon, *options: str, answers: str = "") -> str:
        result = subprocess.run(
            [built("cli/doorward"), "--socket", str(daemon.socket), "suggest", "--database",
             str(daemon.database), *options], input=answers, text=True, capture_output=True, timeout=60)
        self.assertEqual(result.returncode, 0, result.stderr)
        return result.stdout

    def seen_passes_and_nothing_else(self, programs) -> None:
        self.assertEqual(self.contact("tcp4", 80, program=programs[0]).returncode, 0)
        self.assertEqual(self.contact("udp6", 7, program=programs[1]).returncode, 0)
        self.assertEqual(self.contact("tcp6", 7, program=programs[0]).returncode, REFUSED)
        self.assertEqual(self.contact("tcp4", 7, program=programs[1]).returncode, REFUSED)
        self.assertEqual(self.contact("tcp4", 7, program=programs[2]).returncode, REFUSED)

    def test_the_proposals_as_rules_let_pass_what_was_seen(self):
        daemon, programs = self.observed()
        text = self.suggest(daemon)
        self.assertEqual(text.count("- name: suggest-"), 2, text)
        self.assertIn("# 6 flows, 1 other end", text)
        daemon.write_rules(text)
        daemon.reload()
        self.assertEqual(daemon.command("mode", "enforce").returncode, 0)
        self.seen_passes_and_nothing_else(programs)

    def test_from_observing_to_a_closed_door(self):
        daemon, programs = self.observed()
        candidate = self.folder / "new"
        candidate.mkdir()
        (candidate / "50-suggested.yaml").write_text(self.suggest(daemon))
        run = daemon.command("rules", "check", str(candidate))
        self.assertEqual((run.returncode, run.stderr), (0, ""))
        run = daemon.command("replay", str(candidate), "--database", str(daemon.database), "--json")
        told = json.loads(run.stdout)
        self.assertEqual((told["changed"], told["alike"], told["not_told"]), (9, 0, 0), told)
        self.assertEqual({(g["before"], g["after"]) for g in told["groups"]}, {("reject", "accept")})
        for words in (("apply", str(candidate), "--confirm", "60s"), ("apply", "--confirmed"),
                      ("mode", "enforce")):
            run = daemon.command(*words)
            self.assertEqual(run.returncode, 0, run.stderr)
        self.seen_passes_and_nothing_else(programs)
        daemon.stop()
        daemon.start()
        self.assertEqual(len(json.loads(daemon.command("rules", "list", "--json").stdout)["rules"]), 2)

    def test_one_after_the_other_is_agreed_to(self):
        daemon, programs = self.observed()
        told = json.loads(self.suggest(daemon, "--json"))
        self.assertEqual((told["flows"], len(told["proposals"])), (9, 2))
        # The kernel itself may have said something.
        self.assertEqual(daemon.audit.rows("unknown NOT IN ('', 'kernel')"), [])
        self.assertIn("added suggest-", self.suggest(daemon, "--review", answers="y\ny\n"))
        self.assertEqual(daemon.command("mode", "enforce").returncode, 0)
        self.seen_passes_and_nothing_else(programs)

    def test_what_is_not_agreed_to_is_not_added(self):
        daemon, _ = self.observed()
        for answers in ("n\nn\n", "q\n", ""):
            self.assertNotIn("added", self.suggest(daemon, "--review", answers=answers))
        self.assertEqual(daemon.status()["ruleset"]["rules"], 0)

    def test_what_a_rule_decides_is_not_proposed_again(self):
        daemon, programs = self.observed()
        daemon.write_rules(f"rules:\n  - {{name: no, app: {programs[0]}, action: drop}}\n")
        daemon.reload()
        before = json.loads(self.suggest(daemon, "--json"))["flows"]
        for _ in range(3):
            self.contact("tcp4", 7, program=programs[0])
        daemon.audit.wait_rows(3, "rule = 'no'")
        self.assertEqual(json.loads(self.suggest(daemon, "--json"))["flows"], before)

# SPDX-License-Identifier: GPL-2.0-or-later
"""The installed unit that fetches blocklists: without rights, sandboxed, started by its timer."""

import json
import pwd
import subprocess
import unittest
from pathlib import Path

from lib.case import only_in

UNIT, TIMER = "doorward-lists.service", "doorward-lists.timer"
CONFIG, KEPT = Path("/etc/doorward/lists.yaml"), Path("/var/lib/doorward-lists")


def run(*words: str) -> subprocess.CompletedProcess:
    return subprocess.run(words, text=True, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, timeout=60)


@only_in("guest")
class ListsUnit(unittest.TestCase):
    def setUp(self):
        self.source = Path("/etc/doorward/blocked.txt")
        self.source.write_text("ads.example\n")
        self.source.chmod(0o644)
        CONFIG.write_text(f"lists: [{{name: own, file: {self.source}}}]\n")
        CONFIG.chmod(0o644)
        self.addCleanup(CONFIG.unlink)
        self.addCleanup(run, "systemctl", "stop", TIMER)

    def test_it_fetches_as_its_user(self):
        started = run("systemctl", "start", UNIT)
        self.assertEqual(started.returncode, 0,
                         run("journalctl", "--no-pager", "-n", "30", "-u", UNIT).stdout)
        self.assertEqual((KEPT / "own").read_text(), "ads.example\n")
        uid = pwd.getpwnam("doorward-lists").pw_uid
        self.assertNotEqual(uid, 0)
        self.assertEqual({path.stat().st_uid for path in (KEPT, *KEPT.iterdir())}, {uid})
        shown = json.loads(run("doorward", "lists", "--json").stdout)
        self.assertEqual([(one["name"], one["entries"], one["error"]) for one in shown],
                         [("own", 1, "")])
        # By hand, root's command comes to the same folder as the same user.
        self.source.write_text("ads.example\nmore.example\n")
        updated = run("doorward", "lists", "update", "own")
        self.assertEqual(updated.stdout, "own: new copy, 2 entries, 0 skipped\n")
        self.assertEqual((KEPT / "own").stat().st_uid, uid)

    def test_the_units_have_no_errors_and_are_sandboxed(self):
        for unit in (UNIT, TIMER):
            checked = run("systemd-analyze", "verify", "--man=no", unit)
            self.assertEqual((checked.returncode, checked.stdout), (0, ""))
        answer = run("systemd-analyze", "security", "--no-pager", "--threshold=11", UNIT)
        self.assertEqual(answer.returncode, 0, answer.stdout)

    def test_its_timer_waits_for_the_next_hour(self):
        started = run("systemctl", "start", TIMER)
        self.assertEqual(started.returncode, 0, started.stdout)
        shown = run("systemctl", "show", "--value", "-p", "ActiveState", TIMER).stdout.strip()
        self.assertEqual(shown, "active")

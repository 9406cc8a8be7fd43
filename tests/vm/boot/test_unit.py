# SPDX-License-Identifier: GPL-2.0-or-later
"""The installed unit, as a boot finds it: early, sandboxed, restarted, and gone without a trace."""

import subprocess
import time
import unittest

from lib.case import only_in

UNIT = "doorwardd.service"


def run(*words: str) -> subprocess.CompletedProcess:
    return subprocess.run(words, text=True, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, timeout=60)


def shown(unit: str, key: str) -> str:
    return run("systemctl", "show", "--value", "-p", key, unit).stdout.strip()


def table_is_in() -> bool:
    return run("nft", "list", "table", "inet", "doorward").returncode == 0


@only_in("guest")
class Unit(unittest.TestCase):
    def setUp(self):
        if shown(UNIT, "ActiveState") != "active":
            run("systemctl", "reset-failed", UNIT)
            run("systemctl", "start", UNIT)
        if shown(UNIT, "ActiveState") != "active":
            self.fail(run("journalctl", "--no-pager", "-n", "30", "-u", UNIT).stdout)

    def wait_for(self, what: str, condition, seconds: float = 30) -> None:
        deadline = time.monotonic() + seconds
        while not condition():
            if time.monotonic() > deadline:
                self.fail(f"not within {seconds} s: {what}\n" +
                          run("systemctl", "status", "--no-pager", UNIT).stdout)
            time.sleep(0.2)

    def test_a_it_started_at_boot_before_the_network(self):
        # First by its name: the other tests start the unit anew.
        self.assertEqual(shown(UNIT, "NRestarts"), "0")
        started = int(shown(UNIT, "ActiveEnterTimestampMonotonic"))
        network = int(shown("network-pre.target", "ActiveEnterTimestampMonotonic"))
        self.assertGreater(started, 0)
        self.assertLessEqual(started, network)

    def test_the_unit_file_has_no_errors(self):
        checked = run("systemd-analyze", "verify", "--man=no", UNIT)
        self.assertEqual((checked.returncode, checked.stdout), (0, ""))

    def test_it_is_sandboxed(self):
        answer = run("systemd-analyze", "security", "--no-pager", "--threshold=40", UNIT)
        self.assertEqual(answer.returncode, 0, answer.stdout)

    def test_its_table_is_in_and_its_watchdog_on(self):
        self.assertTrue(table_is_in())
        self.assertNotIn(shown(UNIT, "WatchdogUSec"), ("0", "infinity"))

    def test_reload_keeps_it_running(self):
        pid = shown(UNIT, "MainPID")
        reloaded = run("systemctl", "reload", UNIT)
        self.assertEqual(reloaded.returncode, 0, reloaded.stdout)
        self.assertEqual(shown(UNIT, "MainPID"), pid)
        self.assertEqual(shown(UNIT, "ActiveState"), "active")

    def test_a_killed_daemon_leaves_its_table_in_and_is_restarted(self):
        pid = shown(UNIT, "MainPID")
        run("systemctl", "kill", "--signal=KILL", "--kill-whom=main", UNIT)
        self.assertTrue(table_is_in())
        self.wait_for("a new daemon", lambda: shown(UNIT, "MainPID") not in (pid, "0")
                      and shown(UNIT, "ActiveState") == "active")
        self.assertTrue(table_is_in())

    def test_stopping_it_takes_the_table_out(self):
        stopped = run("systemctl", "stop", UNIT)
        self.assertEqual(stopped.returncode, 0, stopped.stdout)
        self.assertEqual(shown(UNIT, "Result"), "success")
        self.assertFalse(table_is_in())

# SPDX-License-Identifier: GPL-2.0-or-later
"""The installed unit, as a boot finds it: early, sandboxed, restarted, and gone without a trace."""

import hashlib
import json
import shutil
import subprocess
import time
import unittest
from pathlib import Path

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
        answer = run("systemd-analyze", "security", "--no-pager", "--threshold=20", UNIT)
        self.assertEqual(answer.returncode, 0, answer.stdout)

    def status(self) -> dict:
        return json.loads(run("doorward", "status", "--json").stdout)

    def check_threads(self, *start: int) -> None:
        """Each has three capabilities left of those that it was started with."""
        for task in Path(f"/proc/{shown(UNIT, 'MainPID')}/task").iterdir():
            lines = (task / "status").read_text().splitlines()
            fields = dict(line.split(":\t", 1) for line in lines if ":\t" in line)
            with self.subTest(thread=fields["Name"]):
                self.assertEqual(int(fields["CapEff"], 16), sum(1 << bit for bit in (2, 12, 19)))
                self.assertEqual(fields["CapPrm"], fields["CapEff"])
                self.assertEqual(int(fields["CapBnd"], 16), sum(1 << bit for bit in start))
                self.assertEqual((fields["NoNewPrivs"], fields["Seccomp"]), ("1", "2"))

    def test_no_thread_holds_more_than_it_needs(self):
        self.check_threads(2, 12, 19, 38, 39)  # the last two, perfmon and bpf, load the hooks

    def test_who_prefers_kprobes_says_so_to_the_unit(self):
        # As docs/hardening.md has it.
        folder = Path(f"/run/systemd/system/{UNIT}.d")
        folder.mkdir(parents=True)
        (folder / "kprobes.conf").write_text("[Service]\nSystemCallFilter=perf_event_open\n"
                                             "CapabilityBoundingSet=CAP_SYS_ADMIN\n")
        config = Path("/etc/doorward/doorward.yaml")
        self.assertFalse(config.exists())
        config.write_text("hooks: kprobe\n")
        self.addCleanup(lambda: (shutil.rmtree(folder), config.unlink(), run("systemctl", "daemon-reload"),
                                 run("systemctl", "restart", UNIT)))
        run("systemctl", "daemon-reload")
        self.assertEqual(run("systemctl", "restart", UNIT).returncode, 0)
        self.assertEqual((self.status()["hooks"], self.status()["missing"]), ("kprobe", []))
        self.check_threads(2, 12, 19, 21, 38, 39)
        self.assertEqual(run("systemctl", "stop", UNIT).returncode, 0)  # kprobes are taken out
        self.assertNotIn("was refused", run("journalctl", "--no-pager", "-u", UNIT).stdout)

    def test_it_works_in_its_sandbox(self):
        status = self.status()
        self.assertEqual((status["hooks"], status["missing"]), ("fentry", []))
        self.assertEqual(run("doorward", "deny", "/bin/false", "--name", "sandboxed").returncode, 0)
        self.assertIn("sandboxed", run("doorward", "rules", "list").stdout)
        self.assertEqual(run("doorward", "rules", "undo").returncode, 0)
        # The members of its group may read the audit log and what belongs to it, and nobody else.
        for file in Path("/var/lib/doorward").glob("audit.db*"):
            with self.subTest(file=file.name):
                self.assertEqual((file.group(), oct(file.stat().st_mode & 0o777)), ("doorward", "0o640"))
        self.assertEqual(self.status()["confinement"]["refused_calls"], [])
        self.assertNotIn("was refused", run("journalctl", "--no-pager", "-u", UNIT).stdout)

    def test_another_users_private_program_has_a_digest(self):
        # In a folder that only its owner may enter.
        run("useradd", "--create-home", "private")
        home = Path("/home/private")
        home.chmod(0o700)
        shutil.copy("/usr/bin/python3", home / "own")
        shutil.chown(home / "own", "private")
        (home / "own").chmod(0o700)
        digest = hashlib.sha256((home / "own").read_bytes()).hexdigest()
        rules = Path("/etc/doorward/rules.d/90-private.yaml")
        rules.write_text(f"rules:\n  - {{name: private, sha256: {digest}, action: accept}}\n")
        rules.chmod(0o644)
        self.addCleanup(run, "systemctl", "reload", UNIT)
        self.addCleanup(rules.unlink)
        self.assertEqual(run("systemctl", "reload", UNIT).returncode, 0)
        send = ("import socket; s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM);"
                "s.sendto(b'x', ('192.0.2.7', 9))")
        run("ip", "link", "add", "sandbox0", "type", "dummy")
        self.addCleanup(run, "ip", "link", "del", "sandbox0")
        run("ip", "addr", "add", "192.0.2.1/24", "dev", "sandbox0")
        run("ip", "link", "set", "sandbox0", "up")
        sent = run("runuser", "-u", "private", "--", str(home / "own"), "-c", send)
        self.assertEqual(sent.returncode, 0, sent.stdout)
        self.wait_for("the decision", lambda: run(
            "doorward", "log", "--json", "--rule", "private").stdout.strip())

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

# SPDX-License-Identifier: GPL-2.0-or-later
"""Rules that are in memory only: what they let pass, and that they are gone when they should be."""

import json
import subprocess
import time

from lib.case import KernelTest, everywhere, only_in
from lib.places import built, copies
from lib.wait import wait_for

REFUSED = 111


@only_in("native")
class TemporaryRules(KernelTest):
    def setUp(self):
        super().setUp()
        self.one, self.other = copies(built("tests/kernel/programs/connect1"), self.folder / "bin", 2)
        self.fw = self.daemon(f"rules:\n  - {{name: other, app: {self.other}, action: accept}}\n")

    def do(self, *words: str) -> str:
        result = self.fw.command(*words)
        self.assertEqual(result.returncode, 0, result.stderr)
        return result.stdout

    def refused(self, *words: str) -> str:
        result = self.fw.command(*words)
        self.assertEqual(result.returncode, 1, result.stdout)
        self.assertEqual(len(result.stderr.splitlines()), 1)
        return result.stderr

    def reaches(self, program: str, kind: str = "tcp4") -> bool:
        status = self.contact(kind, program=program).returncode
        self.assertIn(status, (0, REFUSED))
        return status == 0

    def rules(self) -> list[dict]:
        return json.loads(self.do("rules", "list", "--json"))["rules"]

    def names(self) -> list[str]:
        return [entry["rule"]["name"] for entry in self.rules()]

    def files(self) -> dict[str, str]:
        return {path.name: path.read_text() for path in self.fw.rules_dir.iterdir()}

    def sleeper(self) -> subprocess.Popen:
        process = self.host.start("sleep", "600")
        self.addCleanup(process.wait)
        self.addCleanup(process.kill)
        return process

    def test_a_rule_lasts_until_the_daemon_is_restarted(self):
        before = self.files()
        self.do("allow", self.one, "--until-restart", "--name", "mine")
        self.assertTrue(self.reaches(self.one))
        row = self.fw.audit.wait_rows(1, "exe = ?", self.one)[0]
        self.assertEqual(row["rule"], "mine")
        self.assertEqual(self.files(), before)
        self.assertEqual([(entry["place"]["file"], entry["until"]) for entry in self.rules()][0],
                         ("(until restart)", "restart"))
        self.assertEqual(self.fw.status()["ruleset"]["temporary"], 1)
        self.do("rules", "reload")
        self.assertTrue(self.reaches(self.one))
        self.do("rules", "disable", "mine")
        self.assertFalse(self.reaches(self.one))
        self.do("rules", "enable", "mine")
        self.assertTrue(self.reaches(self.one))
        self.assertIn("already", self.refused("allow", self.other, "--name", "mine"))
        self.fw.stop()
        self.fw.start()
        self.assertEqual(self.names(), ["other"])
        self.assertFalse(self.reaches(self.one))

    def test_first_is_before_all_files_and_last_behind_them(self):
        self.do("deny", self.other, "--name", "file-first")
        self.do("allow", self.other, "--until-restart", "--name", "first")
        self.do("deny", self.other, "--until-restart", "--last", "--name", "last")
        self.assertEqual(self.names(), ["first", "file-first", "other", "last"])
        self.assertTrue(self.reaches(self.other))
        self.do("rules", "remove", "first")
        self.assertFalse(self.reaches(self.other))
        self.assertEqual(self.names(), ["file-first", "other", "last"])

    @everywhere
    def test_a_rule_ends_with_its_process_and_open_flows_with_it(self):
        process = self.sleeper()
        self.do("allow", "/usr/bin/python3", "--until-exit", str(process.pid), "--name", "bound")
        client = self.host.start("/usr/bin/python3", "-c", "\n".join((
            "import socket", f"c = socket.create_connection(('{self.pair.peer4}', 7), 20)",
            "c.settimeout(20)", "print('up', flush=True); input()",
            "try:", "    c.sendall(b'more'); print(len(c.recv(4)))",
            "except OSError as error: print(type(error).__name__)")),
            stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        self.addCleanup(client.kill)
        self.assertEqual(client.stdout.readline(), b"up\n")
        entry = self.rules()[0]
        self.assertEqual((entry["until"], entry["pid"]), ("exit", process.pid))
        # Whatever the files say by then.
        self.fw.write_rules("rules: [broken", "50-broken.yaml")
        process.kill()
        process.wait()
        wait_for(["other"], self.names)
        answer = client.communicate(b"\n", timeout=60)[0]
        self.assertNotIn(b"4", answer)
        row = self.fw.audit.wait_rows(1, "exe LIKE '%python%' AND verdict != 'accept'")[0]
        self.assertEqual(row["rule"], "")
        log = self.fw.log.read_text()
        self.assertEqual(log.count(f"rule bound removed: process {process.pid} has ended"), 1)
        self.assertTrue(self.reaches(self.other))

    def test_a_removed_rule_is_not_missed_when_its_process_ends(self):
        process = self.sleeper()
        self.do("allow", self.one, "--until-exit", str(process.pid), "--name", "bound")
        self.do("rules", "remove", "bound")
        self.do("allow", self.one, "--name", "bound")
        process.kill()
        process.wait()
        time.sleep(1)  # in which nothing may happen
        self.assertTrue(self.reaches(self.one))
        self.assertEqual(self.names(), ["bound", "other"])

    def test_a_process_must_be_there(self):
        process = self.sleeper()
        process.kill()
        self.assertEqual(process.wait(), -9)
        message = self.refused("allow", self.one, "--until-exit", str(process.pid))
        self.assertIn(f"there is no process {process.pid}", message)
        # The same number is another process's in another PID namespace.
        command = built("cli/doorward")
        inside = subprocess.run(
            ["unshare", "--pid", "--fork", "--mount-proc", command, "--socket", str(self.fw.socket),
             "allow", self.one, "--until-exit", "1"],
            text=True, stdin=subprocess.DEVNULL, capture_output=True, timeout=60)
        self.assertEqual(inside.returncode, 1, inside.stdout)
        self.assertIn("another PID namespace", inside.stderr)
        self.assertEqual(self.names(), ["other"])
        self.assertFalse(self.reaches(self.one))

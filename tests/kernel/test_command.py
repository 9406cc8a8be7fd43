# SPDX-License-Identifier: GPL-2.0-or-later
"""The command against a live daemon: what it says is what is, what it changes takes effect at once."""

import json
import shutil
import subprocess

from lib.case import KernelTest, everywhere, only_in
from lib.places import built, copies
from lib.wait import wait_until

REFUSED = 111
CANNOT_REACH, NOT_ALLOWED, NOT_NOW = 3, 4, 5


@only_in("native")
class Command(KernelTest):
    def setUp(self):
        super().setUp()
        self.one, self.other = copies(built("tests/kernel/programs/connect1"), self.folder / "bin", 2)
        self.fw = self.daemon(f"rules:\n  - {{name: other, app: {self.other}, action: accept}}\n")

    def ask(self, *words: str) -> dict:
        result = self.fw.command(*words, "--json")
        self.assertEqual(result.returncode, 0, result.stderr)
        return json.loads(result.stdout)

    def do(self, *words: str) -> str:
        result = self.fw.command(*words)
        self.assertEqual(result.returncode, 0, result.stderr)
        return result.stdout

    def reaches(self, program: str, kind: str = "tcp4") -> bool:
        status = self.contact(kind, program=program).returncode
        self.assertIn(status, (0, REFUSED))
        return status == 0

    def test_allow_and_deny_take_effect_at_once_and_the_newest_wins(self):
        self.assertFalse(self.reaches(self.one))
        self.do("allow", self.one)
        self.assertTrue(self.reaches(self.one))
        self.do("deny", self.one, "--to", self.pair.peer4, "--port", "7", "--name", "no-echo")
        self.assertFalse(self.reaches(self.one))
        self.assertTrue(self.reaches(self.one, "tcp6"))
        self.do("rules", "disable", "no-echo")
        self.assertTrue(self.reaches(self.one))
        self.do("rules", "enable", "no-echo")
        self.assertFalse(self.reaches(self.one))
        self.do("rules", "remove", "no-echo")
        self.assertTrue(self.reaches(self.one))
        self.fw.reload()  # it is in the files, not only in memory
        self.assertTrue(self.reaches(self.one))
        self.assertTrue(self.reaches(self.other))

    @everywhere
    def test_explain_agrees_with_the_wire(self):
        self.do("deny", self.other, "--port", "80", "--protocol", "tcp", "--name", "no-web")
        for program, port, expected in ((self.one, 7, False), (self.other, 7, True),
                                        (self.other, 80, False)):
            answer = self.ask("explain", "--app", program, "--to", self.pair.peer4, "--port", str(port))
            self.assertEqual(answer["action"] == "accept", expected)
            self.assertEqual(self.contact("tcp4", port, program=program).returncode == 0, expected)
        row = self.fw.audit.wait_rows(1, "exe = ? AND destination_port = 80", self.other)[0]
        self.assertEqual(row["rule"], "no-web")
        words = self.do("explain", "--app", self.other, "--to", self.pair.peer4, "--port", "7")
        self.assertRegex(words, r"no-web[\s\S]*port")

    def test_mode_can_be_changed_while_it_runs(self):
        self.assertFalse(self.reaches(self.one))
        self.do("mode", "observe")
        self.assertTrue(self.reaches(self.one))
        self.assertTrue(self.reaches(self.one, "udpconn6"))
        self.assertEqual(self.fw.status()["mode"], "observe")
        self.do("mode", "enforce")
        self.assertFalse(self.reaches(self.one))
        self.fw.kill()
        self.assertNotEqual(self.contact("tcp4", 7, "--wait", "300", program=self.other).returncode, 0)

    @everywhere
    def test_flows_and_log_name_the_program(self):
        self.do("allow", "/usr/bin/python3", "--name", "py")
        client = self.host.start("/usr/bin/python3", "-c", "\n".join((
            "import socket", f"c = socket.create_connection(('{self.pair.peer4}', 7), 20)",
            "print('up', flush=True); input()")), stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        self.addCleanup(client.kill)
        self.assertEqual(client.stdout.readline(), b"up\n")
        flows = [flow for flow in self.ask("flows") if flow["pid"] == client.pid]
        self.assertEqual(len(flows), 1)
        self.assertEqual((flows[0]["rule"], flows[0]["remote"]), ("py", self.pair.peer4))
        client.communicate(b"\n", timeout=30)
        self.reaches(self.one)
        self.fw.audit.wait_rows(1, "exe = ?", self.one)
        denied = self.host.run(built("cli/doorward"), "log", "--database", self.fw.database, "--denied",
                               "--app", self.one, "--json", check=True).stdout.splitlines()
        self.assertEqual([json.loads(line)["exe"] for line in denied], [self.one])

    def test_who_is_not_allowed_is_refused(self):
        self.folder.chmod(0o755)
        self.fw.folder.chmod(0o755)
        program = self.folder / "doorward"
        shutil.copy(built("cli/doorward"), program)
        for words in (["status"], ["mode", "observe"], ["rules", "remove", "other"]):
            result = self.host.run("setpriv", "--reuid=65534", "--regid=65534", "--clear-groups",
                                   program, "--socket", self.fw.socket, *words)
            self.assertEqual(result.returncode, NOT_ALLOWED, result.stderr)
            self.assertEqual(len(result.stderr.splitlines()), 1)
        self.assertEqual(self.fw.status()["mode"], "enforce")

    def test_without_a_daemon_it_says_so(self):
        self.fw.stop()
        result = self.fw.command("status")
        self.assertEqual(result.returncode, CANNOT_REACH)
        self.assertRegex(result.stderr, r"^doorward: [^\n]+\n$")

    def test_a_rule_that_makes_no_sense_changes_nothing(self):
        for words in (["deny", self.one, "--port", "70000"], ["deny", self.one, "--to", "10.0.0.1/8"],
                      ["rules", "remove", "no-such-rule"]):
            self.assertNotEqual(self.fw.command(*words).returncode, 0, words)
        self.assertEqual([entry["rule"]["name"] for entry in self.ask("rules", "list")["rules"]], ["other"])

    def test_undo_takes_the_last_change_back_also_after_a_restart(self):
        before = {path.name: path.read_text() for path in self.fw.rules_dir.iterdir()}
        self.assertEqual(self.fw.command("rules", "undo").returncode, NOT_NOW)
        self.do("allow", self.one, "--name", "mine")
        self.assertTrue(self.reaches(self.one))
        self.fw.stop()
        self.fw.start()
        self.assertIn("taken back: rule mine added", self.do("rules", "undo"))
        self.assertFalse(self.reaches(self.one))
        self.assertEqual({path.name: path.read_text() for path in self.fw.rules_dir.iterdir()}, before)
        self.assertIn("done again: rule mine added", self.do("rules", "undo"))
        self.assertTrue(self.reaches(self.one))
        self.do("rules", "disable", "mine", "--json")
        self.do("rules", "undo")
        self.assertTrue(self.reaches(self.one))
        process = self.host.start("sleep", "600")
        self.addCleanup(process.wait)
        self.addCleanup(process.kill)
        self.do("deny", self.one, "--until-exit", str(process.pid), "--name", "bound")
        self.do("rules", "remove", "bound")
        self.assertTrue(self.reaches(self.one))
        self.do("rules", "undo")
        self.assertFalse(self.reaches(self.one))
        process.kill()  # is followed again
        wait_until(lambda: self.reaches(self.one))

# SPDX-License-Identifier: GPL-2.0-or-later
"""Another folder's rules: at once and on trial, confirmed, given up, forgotten and killed in between."""

import json
import os
import pty
import select
import subprocess
import time

from lib.case import KernelTest, only_in
from lib.places import built, copies
from lib.wait import wait_for

REFUSED = 111
NOT_NOW = 5
SSH_PORT = 2222

ECHO = """
import socket, sys
server = socket.create_server((sys.argv[1], int(sys.argv[2])))
print("listening", flush=True)
client = server.accept()[0]
while data := client.recv(100):
    client.sendall(data)
"""
TALK = """
import socket, sys
talk = socket.create_connection((sys.argv[1], int(sys.argv[2])), 20)
talk.settimeout(3)
print(talk.getsockname()[1], flush=True)
for line in sys.stdin:
    try:
        talk.sendall(line.encode())
        print(talk.recv(100).decode().strip() == line.strip(), flush=True)
    except OSError:
        print(False, flush=True)
"""


@only_in("native")  # what it is about is in the daemon and the command; a guest takes minutes for it
class Apply(KernelTest):
    def setUp(self):
        super().setUp()
        self.one, self.other = copies(built("tests/kernel/programs/connect1"), self.folder / "bin", 2)
        self.fw = self.daemon(f"rules:\n  - {{name: other, app: {self.other}, action: accept}}\n")
        self.fw.write_rules("rules: []\n", "50-more.yaml")
        self.before = self.files()
        self.new = self.folder / "new"
        self.new.mkdir()
        self.candidate(f"rules:\n  - {{name: one, app: {self.one}, action: accept}}\n")

    def candidate(self, text: str) -> None:
        (self.new / "10-test.yaml").write_text(text)

    def do(self, *words: str) -> str:
        result = self.fw.command(*map(str, words))
        self.assertEqual(result.returncode, 0, result.stderr)
        return result.stdout

    def refused(self, status: int, *words: str) -> str:
        result = self.fw.command(*map(str, words))
        self.assertEqual(result.returncode, status, result.stdout + result.stderr)
        self.assertEqual(len(result.stderr.splitlines()), 1)
        return result.stderr

    def reaches(self) -> list[bool]:
        """Whether the one and the other do."""
        statuses = [self.contact("tcp4", program=program).returncode for program in (self.one, self.other)]
        self.assertTrue(set(statuses) <= {0, REFUSED}, statuses)
        return [status == 0 for status in statuses]

    def files(self) -> dict[str, str]:
        # A file that was being written when the daemon was killed stays behind, hidden: it is none of them.
        return {path.name: path.read_text() for path in self.fw.rules_dir.glob("[!.]*")}

    def test_at_once_and_taken_back(self):
        self.assertIn("applied: 1 rule in force, 2 files changed", self.do("apply", self.new))
        self.assertEqual(self.reaches(), [True, False])
        self.assertEqual(self.files(), {"10-test.yaml": (self.new / "10-test.yaml").read_text()})
        self.fw.stop()
        self.fw.start()
        self.assertEqual(self.reaches(), [True, False])
        self.assertIn(f"taken back: folder {self.new} applied", self.do("rules", "undo"))
        self.assertEqual(self.files(), self.before)
        self.assertEqual(self.reaches(), [False, True])
        self.do("rules", "undo")
        self.assertEqual(self.reaches(), [True, False])

    def test_on_trial_and_confirmed(self):
        self.assertIn("on trial until", self.do("apply", self.new, "--confirm", "5m"))
        self.assertEqual(self.reaches(), [True, False])
        self.assertEqual(self.files(), self.before)
        self.assertEqual(self.fw.status()["ruleset"]["trial"], str(self.new))
        self.candidate("rules: [broken")  # what was tried is what is confirmed
        for words in (["apply", self.new], ["apply", self.new, "--confirm", "1m"], ["allow", self.other],
                      ["rules", "remove", "one"], ["rules", "reload"], ["rules", "undo"]):
            self.assertIn("on trial", self.refused(NOT_NOW, *words))
        self.assertEqual(self.reaches(), [True, False])
        self.do("apply", "--confirmed")
        self.assertEqual(self.reaches(), [True, False])
        self.assertIn("name: one", self.files()["10-test.yaml"])
        self.assertEqual(list(self.files()), ["10-test.yaml"])
        self.assertIsNone(self.fw.status()["ruleset"]["trial"])
        self.refused(NOT_NOW, "apply", "--confirmed")
        self.do("rules", "undo")
        self.assertEqual(self.files(), self.before)

    def test_given_up_by_command_and_by_time(self):
        self.do("apply", self.new, "--confirm", "5m")
        self.fw.write_rules("rules: [broken", "50-more.yaml")  # what was in force is in force again
        self.do("apply", "--revert")
        self.assertEqual(self.reaches(), [False, True])
        self.refused(NOT_NOW, "apply", "--revert")
        self.fw.write_rules("rules: []\n", "50-more.yaml")
        self.do("apply", self.new, "--confirm", "15s")
        self.assertEqual(self.reaches(), [True, False])
        wait_for([False, True], self.reaches)
        self.assertEqual(self.files(), self.before)
        self.refused(NOT_NOW, "apply", "--confirmed")
        self.assertEqual(self.fw.log.read_text().count("not confirmed in time"), 1)

    def test_a_daemon_that_is_killed_meanwhile_starts_with_the_former_rules(self):
        self.do("apply", self.new, "--confirm", "5m")
        self.assertEqual(self.reaches(), [True, False])
        self.fw.kill()
        self.assertEqual(self.files(), self.before)
        self.fw.start()
        self.assertEqual(self.reaches(), [False, True])
        self.refused(NOT_NOW, "apply", "--confirmed")
        self.assertIn(f"the rules of {self.new} were on trial and not confirmed", self.fw.log.read_text())
        self.fw.stop()
        self.fw.start()
        self.assertEqual(self.fw.log.read_text().count("were on trial and not confirmed"), 1)

    def test_killed_while_it_confirms_it_has_all_of_the_files_or_none(self):
        for number in range(12):
            (self.new / f"{number}.yaml").write_text(f"rules: [{{name: r{number}, action: drop, "
                                                     f"enabled: false}}]\n")
        after = {path.name: path.read_text() for path in self.new.iterdir()}
        seen = []
        for pause in (0.0, 0.02, 0.05, 0.1):
            self.do("apply", self.new, "--confirm", "5m")
            asking = subprocess.Popen([built("cli/doorward"), "--socket", self.fw.socket, "apply", "--confirmed"],
                                      stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                                      stderr=subprocess.DEVNULL)
            time.sleep(pause)
            self.fw.kill()
            asking.wait(60)
            self.fw.start()
            seen.append(self.files())
            self.assertIn(seen[-1], (self.before, after))
            self.assertEqual(self.reaches(), [True, False] if seen[-1] == after else [False, True])
            if seen[-1] == after:
                self.do("rules", "undo")
            self.assertEqual(self.files(), self.before)

    def test_what_is_no_good_is_refused_and_changes_nothing(self):
        def says(*texts: str, status: int = 1) -> None:
            for extra in ([], ["--confirm", "1m"]):
                message = self.refused(status, "apply", self.new, *extra)
                for text in texts:
                    self.assertIn(text, message)
        self.candidate("rules:\n  - name: one\n    colour: red\n")
        says(f"{self.new}/10-test.yaml:3:5")
        self.candidate("rules:\n  - {name: one, user: no-such-user-anywhere, action: drop}\n")
        says(f"{self.new}/10-test.yaml:2:", "no-such-user-anywhere")
        self.candidate("rules: []\n")
        self.new.chmod(0o777)
        says(str(self.new), "can be written by everybody")
        self.new.chmod(0o755)
        os.chown(self.new / "10-test.yaml", 1234, 0)
        says("belongs to uid 1234")
        (self.new / "10-test.yaml").unlink()
        says("has no rule files")
        self.new.rmdir()
        says("cannot find")
        self.assertIn("rule folder itself", self.refused(1, "apply", self.fw.rules_dir))
        self.assertIn("too long", self.refused(2, "apply", "/", "--confirm", "25h"))
        for words in ([], ["--confirmed", "--revert"], ["--confirmed", "/"], ["--revert", "--confirm", "1m"]):
            self.refused(2, "apply", *words)
        self.assertEqual(self.files(), self.before)
        self.assertEqual(self.reaches(), [False, True])

    def on_terminal(self, *words: str, answer: bytes) -> tuple[int, str]:
        ours, theirs = pty.openpty()
        process = subprocess.Popen([built("cli/doorward"), "--socket", self.fw.socket, *map(str, words)],
                                   stdin=theirs, stdout=theirs, stderr=theirs, start_new_session=True)
        os.close(theirs)
        self.addCleanup(process.kill)
        text = b""
        answered = False
        deadline = time.monotonic() + 60
        while time.monotonic() < deadline and select.select([ours], [], [], 60)[0]:
            try:
                text += os.read(ours, 4096)
            except OSError:  # the other end is closed
                break
            if b"[y/N]" in text and not answered:
                answered = True
                os.write(ours, answer)
        status = process.wait(60)
        os.close(ours)
        return status, text.decode()

    def test_a_terminal_is_asked(self):
        status, text = self.on_terminal("apply", self.new, "--confirm", "5m", answer=b"n\n")
        self.assertEqual(status, 1)
        self.assertIn("former rules are in force again", text)
        self.assertEqual(self.reaches(), [False, True])
        status, text = self.on_terminal("apply", self.new, "--confirm", "3s", answer=b"")
        self.assertEqual(status, 1)
        self.assertIn("former rules are in force again", text)
        self.assertEqual(self.reaches(), [False, True])
        status, text = self.on_terminal("apply", self.new, "--confirm", "5m", answer=b"y\n")
        self.assertEqual(status, 0)
        self.assertIn("confirmed: ", text)
        self.assertEqual(self.reaches(), [True, False])

    def open_session(self) -> tuple:
        """A connection from the peer that the rules let in, and the environment of a command in it."""
        inbound = f"  - {{name: ssh, direction: in, protocol: tcp, port: {SSH_PORT}, action: accept}}\n"
        self.fw.write_rules("rules:\n" + inbound, "60-ssh.yaml")
        self.do("rules", "reload")
        self.before = self.files()
        server = self.host.start("/usr/bin/python3", "-c", ECHO, self.pair.host4, str(SSH_PORT),
                                 stdout=subprocess.PIPE)
        self.addCleanup(server.wait)
        self.addCleanup(server.kill)
        self.assertEqual(server.stdout.readline(), b"listening\n")
        client = self.peer.start("/usr/bin/python3", "-c", TALK, self.pair.host4, str(SSH_PORT),
                                 stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self.addCleanup(client.wait)
        self.addCleanup(client.kill)
        port = client.stdout.readline().strip()
        environment = {**os.environ,
                       "SSH_CONNECTION": f"{self.pair.peer4} {port} {self.pair.host4} {SSH_PORT}"}
        return client, environment, inbound

    def says(self, client, text: str) -> bool:
        client.stdin.write(text + "\n")
        client.stdin.flush()
        return client.stdout.readline().strip() == "True"

    def apply_in(self, environment: dict, *words: str) -> tuple[dict, str]:
        result = subprocess.run([built("cli/doorward"), "--socket", self.fw.socket, "apply", "--json", *words],
                                text=True, env=environment, stdin=subprocess.DEVNULL, capture_output=True,
                                timeout=60)
        self.assertEqual(result.returncode, 0, result.stderr)
        return json.loads(result.stdout), result.stderr

    def names(self) -> list[str]:
        return self.do("rules", "list", "--names").splitlines()

    def test_the_session_that_it_is_done_in_is_kept(self):
        client, environment, _ = self.open_session()
        self.assertTrue(self.says(client, "a"))
        told, warning = self.apply_in(environment, str(self.new), "--confirm", "5m")
        self.assertIn("do not let your ssh session pass", warning)
        self.assertTrue(told["cuts_session"])
        self.assertEqual(self.names(), ["keep-session", "one"])
        self.assertTrue(self.says(client, "b"))
        self.do("apply", "--revert")
        self.assertEqual(self.names(), ["other", "ssh"])
        self.assertTrue(self.says(client, "c"))
        self.apply_in(environment, str(self.new), "--confirm", "5m")
        self.do("apply", "--confirmed")
        self.assertEqual(self.names(), ["keep-session", "one"])
        self.assertTrue(self.says(client, "d"))
        # It is that rule that does it.
        self.do("rules", "remove", "keep-session")
        self.assertFalse(self.says(client, "e"))

    def test_a_session_that_the_rules_let_pass_is_not_warned_of(self):
        client, environment, inbound = self.open_session()
        self.assertTrue(self.says(client, "a"))
        self.candidate("rules:\n" + inbound)
        told, warning = self.apply_in(environment, str(self.new), "--confirm", "5m")
        self.assertEqual(warning, "")
        self.assertFalse(told["cuts_session"])
        self.assertTrue(self.says(client, "b"))
        self.do("apply", "--confirmed")
        self.assertEqual(self.names(), ["ssh"])
        self.assertTrue(self.says(client, "c"))
        # By program: which one has the connection is known.
        self.candidate("rules:\n  - {name: by-app, direction: in, app: /usr/bin/python3, action: accept}\n")
        told, warning = self.apply_in(environment, str(self.new))
        self.assertEqual(warning, "")
        self.assertIsNone(told["kept"])
        self.assertEqual(self.names(), ["by-app"])
        self.assertTrue(self.says(client, "d"))
        self.candidate("rules: []\n")
        told, warning = self.apply_in(environment, str(self.new))
        self.assertIn("keep-session", warning)
        self.assertEqual(self.names(), ["keep-session"])
        self.assertTrue(self.says(client, "e"))
        self.assertEqual(self.fw.audit.rows("direction = 'in' AND verdict != 'accept'"), [])

# SPDX-License-Identifier: GPL-2.0-or-later
"""What a program was started with and by whom: the script behind its interpreter, its ancestors."""

import os
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from lib.case import KernelTest
from lib.places import built, copies

REFUSED = 111
PYTHON = "/usr/bin/python3*"
CONNECT = """#!/usr/bin/python3
import socket, sys
try:
    socket.create_connection(("10.99.0.2", 7), 10)
except OSError as error:
    sys.exit(error.errno)
"""


class Scripts(KernelTest):
    def setUp(self):
        super().setUp()
        self.folder.chmod(0o755)
        self.scripts = [self.folder / "backup" / name for name in ("run.py", "other.py")]
        self.scripts[0].parent.mkdir()
        for script in self.scripts:
            script.write_text(CONNECT)
            script.chmod(0o755)
        self.rule = "rules:\n  - {name: it, app: %s, script: %s, action: accept}\n"

    def status(self, *words: str, **options) -> int:
        return self.host.run(*words, **options).returncode

    def test_two_scripts_get_two_verdicts_however_they_are_started(self):
        daemon = self.daemon(self.rule % (f"'{PYTHON}'", self.scripts[0]))
        run, other = map(str, self.scripts)
        link = self.folder / "link"
        link.symlink_to(run)
        in_folder = {"cwd": self.scripts[0].parent}
        env_script = self.folder / "backup" / "env.py"
        env_script.write_text(CONNECT.replace("/usr/bin/python3", "/usr/bin/env -S python3 -u"))
        env_script.chmod(0o755)
        for words, options, meets in (
                (("/usr/bin/python3", run), {}, True),
                (("/usr/bin/python3", other), {}, False),
                ((run,), {}, True),
                ((other,), {}, False),
                (("/usr/bin/python3", "-u", "run.py", other), in_folder, True),
                (("/usr/bin/python3", "./other.py", run), in_folder, False),
                (("/usr/bin/env", "-S", f"/usr/bin/python3 {run}"), {}, True),
                (("/usr/bin/python3", "-c", CONNECT, run), {}, False),
                (("/usr/bin/python3", "-m", "other"), in_folder, False),
                (("/usr/bin/python3", "-"), {"stdin": None, "input": CONNECT}, False),
                ((str(env_script),), {}, False)):
            with self.subTest(words=words):
                self.assertEqual(self.status(*words, **options), 0 if meets else REFUSED)
        rows = daemon.audit.wait_rows(11, "destination_port = 7")
        self.assertEqual([row["script"] for row in rows],
                         [run, other, run, other, run, other, run, "", "module:other", "",
                          str(env_script)])
        shown = daemon.command("log", "--database", str(daemon.database), "--script", run, "--json")
        self.assertEqual(len(shown.stdout.splitlines()), 4)

    def test_a_script_behind_a_link_is_what_the_link_leads_to_if_root_alone_could_put_it_there(self):
        folder = Path(tempfile.mkdtemp(prefix="dwt-", dir="/run"))
        self.addCleanup(shutil.rmtree, folder)
        folder.chmod(0o755)
        script = folder / "run.sh"
        script.write_text("exec 3<>/dev/tcp/10.99.0.2/7\n")
        ours = folder / "link"
        ours.symlink_to("run.sh")
        anybodys = self.folder / "link"  # below /tmp
        anybodys.symlink_to(script)
        daemon = self.daemon(self.rule % ("/usr/bin/bash", script))
        self.assertEqual(self.status("/usr/bin/bash", str(ours)), 0)
        self.assertNotEqual(self.status("/usr/bin/bash", str(anybodys)), 0)
        rows = daemon.audit.wait_rows(2, "destination_port = 7")
        self.assertEqual([row["script"] for row in rows], [str(script), str(anybodys)])

    def test_a_shell_script_is_known_by_the_programs_it_starts_itself(self):
        """bash x.sh with bash's own /dev/tcp."""
        script = self.folder / "x.sh"
        script.write_text("exec 3<>/dev/tcp/10.99.0.2/7\n")
        daemon = self.daemon(self.rule % ("/usr/bin/bash", script))
        self.assertEqual(self.status("/usr/bin/bash", "x.sh", cwd=self.folder), 0)
        self.assertNotEqual(self.status("/usr/bin/bash", "-c", script.read_text(), str(script)), 0)
        rows = daemon.audit.wait_rows(2, "destination_port = 7")
        self.assertEqual([row["script"] for row in rows], [str(script), ""])

    def test_arguments_written_over_later_change_nothing(self):
        """The process puts an accepted script's path where its arguments are, then connects."""
        run, other = map(str, self.scripts)
        self.scripts[1].write_text(
            "import ctypes, re, sys\n"
            "stat = open('/proc/self/stat').read().rsplit(')', 1)[1].split()\n"
            "start = int(stat[45])\n"  # arg_start, field 48
            f"text = b'/usr/bin/python3\\0{run}\\0'\n"
            "ctypes.memmove(start, text, len(text))\n"
            f"assert open('/proc/self/cmdline', 'rb').read().startswith(text)\n" + CONNECT)
        daemon = self.daemon(self.rule % (f"'{PYTHON}'", run))
        padding = "x" * 300  # so that there is room
        self.assertEqual(self.status("/usr/bin/python3", other, padding), REFUSED)
        row = daemon.audit.wait_rows(1, "destination_port = 7")[0]
        self.assertEqual(row["script"], other)

    def test_a_fork_without_exec_runs_the_same_script(self):
        run = self.scripts[0]
        fork = "import os, sys\nif os.fork():\n    sys.exit(os.waitstatus_to_exitcode(os.wait()[1]))\n"
        run.write_text(CONNECT.replace("import socket, sys\n", fork + "import socket\n"))
        daemon = self.daemon(self.rule % (f"'{PYTHON}'", run))
        self.assertEqual(self.status(str(run)), 0)
        row = daemon.audit.wait_rows(1, "destination_port = 7")[0]
        self.assertEqual(row["script"], str(run))
        self.assertTrue(row["ancestors"].startswith("/usr/bin/python3"), row["ancestors"])

    def test_a_program_older_than_the_daemon(self):
        run, other = map(str, self.scripts)
        for path in (run, other):
            with open(path, "w") as script:
                script.write("input()\n" + CONNECT)
        started = [self.host.start("/usr/bin/python3", path, stdin=subprocess.PIPE) for path in (run, other)]
        for process in started:
            self.addCleanup(process.kill)
        time.sleep(0.5)  # until they run Python and wait
        daemon = self.daemon(self.rule % (f"'{PYTHON}'", run))
        for process, expected in zip(started, (0, REFUSED)):
            process.communicate(b"\n", timeout=60)
            self.assertEqual(process.returncode, expected)
        rows = daemon.audit.wait_rows(2, "destination_port = 7")
        self.assertEqual([row["script"] for row in rows], [run, other])
        self.assertIn(os.path.realpath(sys.executable), rows[0]["ancestors"].splitlines())


class Ancestors(KernelTest):
    """connect1 stands for curl, copies of bash for those who start it."""

    def setUp(self):
        super().setUp()
        self.folder.chmod(0o755)
        self.tool, = copies(built("tests/kernel/programs/connect1"), self.folder / "bin", 1)
        self.contact_words = f"{self.tool} tcp4 {self.pair.peer4} 7"
        self.make, self.cron = (str(self.folder / "bin" / name) for name in ("make", "cron"))
        for path in (self.make, self.cron):
            shutil.copy("/usr/bin/bash", path)
        self.rules = ("rules:\n  - {name: below, app: %s, parent: %s, action: accept}\n"
                      % (self.tool, self.make))

    def meet(self, shell: str, script: str) -> int:
        return self.host.run(shell, "-c", script).returncode

    def test_any_ancestor_counts_and_nobody_else(self):
        daemon = self.daemon(self.rules)
        self.assertEqual(self.meet(self.make, f"{self.contact_words}; exit $?"), 0)
        self.assertEqual(self.meet(self.make, f"{self.cron} -c '{self.contact_words}; exit $?'; exit $?"), 0)
        self.assertEqual(self.meet(self.cron, f"{self.contact_words}; exit $?"), REFUSED)
        # Who becomes the program by exec is not its parent, and neither is a child of the parent.
        self.assertEqual(self.meet(self.cron, f"exec {self.make} -c 'exec {self.contact_words}'"), REFUSED)
        self.assertEqual(self.meet(self.cron, f"{self.make} -c true; {self.contact_words}; exit $?"), REFUSED)
        rows = daemon.audit.wait_rows(5, "destination_port = 7")
        ancestors = [row["ancestors"].splitlines() for row in rows]
        self.assertEqual(ancestors[0][0], self.make)
        self.assertEqual(ancestors[1][:2], [self.cron, self.make])
        self.assertEqual([row["parent_exe"] for row in rows[:3]], [self.make, self.cron, self.cron])
        self.assertNotIn(self.make, ancestors[2] + ancestors[3] + ancestors[4])

    def test_ancestors_are_known_when_they_are_gone(self):
        """A double fork: both parents have ended before the program starts."""
        daemon = self.daemon(self.rules)
        waits = self.folder / "go"
        os.mkfifo(waits)
        script = f"{self.cron} -c '(read < {waits}; exec {self.contact_words}) & exit'; exit"
        gone = self.host.start(self.make, "-c", script, stdout=subprocess.DEVNULL,
                               stderr=subprocess.DEVNULL)
        self.assertEqual(gone.wait(30), 0)
        waits.write_text("\n")
        row = daemon.audit.wait_rows(1, "destination_port = 7")[0]
        self.assertEqual((row["rule"], row["verdict"]), ("below", "accept"))
        self.assertEqual(row["ancestors"].splitlines()[:2], [self.cron, self.make])

    def test_a_parent_that_runs_another_program_since_counts_as_what_it_was(self):
        daemon = self.daemon(self.rules)
        waits = self.folder / "go"
        os.mkfifo(waits)
        child = f"(read < {waits}; exec {self.contact_words}) &"
        for first, second in ((self.cron, self.make), (self.make, self.cron)):
            changing = self.host.start(first, "-c", f"{child} exec {second} -c 'read < {waits}.never'")
            os.path.exists(f"{waits}.never") or os.mkfifo(f"{waits}.never")
            while os.readlink(f"/proc/{changing.pid}/exe") != second:
                time.sleep(0.02)
            waits.write_text("\n")
            daemon.audit.wait_rows(1 if first == self.cron else 2, "destination_port = 7")
            changing.kill()
            changing.wait()
        rows = daemon.audit.rows("destination_port = 7")
        self.assertEqual([row["rule"] for row in rows], ["", "below"])
        self.assertEqual([row["ancestors"].splitlines()[0] for row in rows], [self.cron, self.make])

    def test_many_levels_are_cut_and_none_is_invented(self):
        daemon = self.daemon("rules:\n  - {name: all, action: accept}\n")
        script = self.contact_words
        for _ in range(30):
            script = f"({script}; exit $?)"
        self.assertEqual(self.meet(self.cron, script), 0)
        row = daemon.audit.wait_rows(1, "destination_port = 7")[0]
        ancestors = row["ancestors"].splitlines()
        self.assertGreaterEqual(len(ancestors), 8)
        self.assertEqual(set(ancestors), {self.cron})

    def test_the_table_of_running_programs_empties_itself(self):
        daemon = self.daemon(self.rules)
        for _ in range(20):
            self.host.run("/usr/bin/bash", "-c", "for i in {1..100}; do /usr/bin/true & done; wait")
        programs, = (m for m in daemon.status()["maps"] if m["name"] == "programs")
        self.assertEqual(programs["failed_updates"], 0)

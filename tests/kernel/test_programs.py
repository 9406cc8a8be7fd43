# SPDX-License-Identifier: GPL-2.0-or-later
"""What a program was started with and as: the script behind its interpreter, the name of its file."""

import os
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from lib.case import KernelTest

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
                         [run, other, run, other, run, other, run, "unknown:options", "module:other",
                          "unknown:input", str(env_script)])
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
        self.assertEqual([row["script"] for row in rows], [str(script), "unknown:options"])
        self.assertIsNone(rows[1]["script_inode"])

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
        file = run.stat()
        self.assertEqual((row["script_device"], row["script_inode"]), (file.st_dev, file.st_ino))
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


class Renamed(KernelTest):
    def test_a_program_keeps_the_name_that_it_was_started_under(self):
        self.folder.chmod(0o755)
        old, new, waits = (self.folder / name for name in ("old", "new", "go"))
        shutil.copy("/usr/bin/bash", old)
        os.mkfifo(waits)
        daemon = self.daemon("rules:\n  - {name: it, app: %s, action: accept}\n" % old)
        connect = "exec 3<>/dev/tcp/10.99.0.2/7"
        running = self.host.start(str(old), "-c", f"echo up; read < {waits}; {connect}",
                                  stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
        self.addCleanup(running.stdout.close)
        self.assertEqual(running.stdout.readline(), b"up\n")  # the kernel shows its name before exec is over
        old.rename(new)
        waits.write_text("\n")
        self.assertEqual(running.wait(60), 0)
        self.assertNotEqual(self.host.run(str(new), "-c", connect).returncode, 0)
        rows = daemon.audit.wait_rows(2, "destination_port = 7")
        self.assertEqual([(row["rule"], row["exe"]) for row in rows], [("it", str(old)), ("", str(new))])

# SPDX-License-Identifier: GPL-2.0-or-later
"""A process that has the kernel take an allowed program's file for its executable (PR_SET_MM_MAP with exe_fd, which
anybody may ask for in a user namespace of his own): its name is what it was started as, or unknown."""

import os
import subprocess
import time

from attack import PORT, USER, Attack
from lib.places import built, copies


class OtherName(Attack):
    def setUp(self):
        super().setUp()
        self.tool = copies(built("tests/kernel/programs/other_name"), self.folder / "bin", 1)[0]

    def begin(self, times: int) -> subprocess.Popen:
        made = self.host.start("setpriv", f"--reuid={USER}", f"--regid={USER}", "--clear-groups", self.tool,
                               self.allowed, "0a630002", str(PORT), str(times), stdout=subprocess.PIPE, text=True)
        self.addCleanup(made.stdout.close)
        self.addCleanup(made.wait)
        self.addCleanup(made.kill)
        self.assertEqual(made.stdout.readline(), "y\n")
        self.assertEqual(os.readlink(f"/proc/{made.pid}/exe"), self.allowed)
        return made

    def refused(self) -> None:
        rows = self.wait_rows(1)
        self.assertEqual(self.arrived(), 0)
        self.assertNotIn(self.allowed, {row["exe"] for row in rows})
        self.allowed_sends()

    def test_begun_before_the_daemon(self):
        sender = self.begin(20)
        self.start()
        self.wire.reset()
        time.sleep(1.5)
        self.assertIsNone(sender.poll())
        self.refused()

    def test_begun_under_the_daemon(self):
        self.start()
        self.begin(3).wait()
        self.refused()

    def test_when_the_table_of_programs_is_full(self):
        self.start(config="limits: {processes: 64}\n")
        # More programs that run than there is room for.
        idle = self.host.start("setpriv", f"--reuid={USER}", f"--regid={USER}", "--clear-groups", self.denied, "-ISc",
                               self.script("""
            import signal
            made = []
            for _ in range(600):
                pid = os.fork()
                if pid == 0: signal.alarm(60); signal.pause(); os._exit(0)
                made.append(pid)
            print("ready", flush=True); sys.stdin.readline()
            for pid in made: os.kill(pid, 9)
            for pid in made: os.waitpid(pid, 0)
            """), stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self.addCleanup(idle.wait)
        self.addCleanup(idle.stdin.close)
        self.addCleanup(idle.stdout.close)
        self.assertEqual(idle.stdout.readline(), "ready\n")
        self.begin(3).wait()
        self.refused()

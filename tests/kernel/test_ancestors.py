# SPDX-License-Identifier: GPL-2.0-or-later
"""By whom a program was started: its ancestors, and the table of running programs that keeps them."""

import os
import shutil
import subprocess
import time

from lib.case import KernelTest
from lib.places import WORLD, built, copies

REFUSED = 111


def forks_so_far() -> int:
    with open("/proc/stat") as stat:
        return next(int(line.split()[1]) for line in stat if line.startswith("processes"))


def failed_programs(daemon) -> int:
    programs, = (each for each in daemon.status()["maps"] if each["name"] == "programs")
    return programs["failed_updates"]


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

    def test_a_parent_whose_path_has_no_room_is_not_left_out(self):
        """Or its own parent would be taken for it."""
        folder = self.folder.joinpath(*["f" * 190] * 3)
        folder.mkdir(parents=True)
        shell = shutil.copy("/usr/bin/bash", folder)
        daemon = self.daemon(self.rules)
        self.assertEqual(self.meet(self.make, f"{shell} -c '{self.contact_words}; exit $?'; exit $?"), REFUSED)
        row = daemon.audit.wait_rows(1, "destination_port = 7")[0]
        self.assertEqual(row["ancestors"], "")
        self.assertIn(row["parent_exe"], ("", str(shell)))

    def test_a_program_under_nohup_whose_parent_is_gone(self):
        """The same by exec alone: nohup and what it starts are one process, so no ancestors."""
        daemon = self.daemon(self.rules)
        waits = self.folder / "go"
        os.mkfifo(waits)
        for number, shell in enumerate((self.make, self.cron), start=1):
            script = f"nohup /usr/bin/bash -c 'read < {waits}; exec {self.contact_words}' & exit"
            gone = self.host.start(shell, "-c", script, stdout=subprocess.DEVNULL,
                                   stderr=subprocess.DEVNULL)
            self.assertEqual(gone.wait(30), 0)
            waits.write_text("\n")
            daemon.audit.wait_rows(number, "destination_port = 7")
        rows = daemon.audit.rows("destination_port = 7")
        self.assertEqual([row["rule"] for row in rows], ["below", ""])
        self.assertEqual([row["ancestors"].splitlines()[0] for row in rows], [self.make, self.cron])

    def test_names_hold_while_many_programs_start_and_end(self):
        """As fast as two shells can: natively 1,300 to 3,100 each second on two cores."""
        daemon = self.daemon(self.rules)
        storm = "while :; do for i in {1..40}; do (:) & done; /usr/bin/true; wait; done"
        for _ in range(2):
            shell = self.host.start("/usr/bin/bash", "-c", storm, stdout=subprocess.DEVNULL,
                                    stderr=subprocess.DEVNULL)
            self.addCleanup(lambda shell=shell: (shell.kill(), shell.wait()))
        forks, begin = forks_so_far(), time.monotonic()
        shells = [self.make, self.cron] * 5
        self.assertEqual([self.meet(shell, f"{self.contact_words}; exit $?") for shell in shells],
                         [0, REFUSED] * 5)
        rate = (forks_so_far() - forks) / (time.monotonic() - begin)
        rows = daemon.audit.wait_rows(10, "destination_port = 7")
        self.assertEqual([row["ancestors"].splitlines()[0] for row in rows], shells)
        self.assertGreater(rate, 0 if WORLD == "guest" else 300)
        self.assertEqual(failed_programs(daemon), 0)


class TableOfPrograms(KernelTest):
    """It has four places for each of `limits.processes`."""

    def start(self, processes: int):
        self.tool = built("tests/kernel/programs/connect1")
        self.shell = "/usr/bin/bash"
        self.watched = self.daemon(
            "rules:\n  - {name: below, app: %s, parent: %s, action: accept}\n" % (self.tool, self.shell),
            config="mode: enforce\nlimits: {processes: %d}\n" % processes)

    def test_it_empties_itself(self):
        self.start(processes=60)  # more places than programs run on a machine at rest
        before = failed_programs(self.watched)
        for _ in range(6):
            self.host.run(self.shell, "-c", "for i in {1..50}; do /usr/bin/true & done; wait")
        self.assertEqual(failed_programs(self.watched), before)

    def test_what_has_no_room_has_no_ancestors_and_is_counted(self):
        self.start(processes=10)
        before = failed_programs(self.watched)
        done = self.host.run(
            self.shell, "-c", "for i in {1..90}; do sleep 120 & done; "
            f"{self.tool} tcp4 {self.pair.peer4} 7; status=$?; kill $(jobs -p); exit $status", timeout=120)
        self.assertGreater(failed_programs(self.watched), before + 40)
        # A place may have come free in between.
        row, = self.watched.audit.wait_rows(1, "destination_port = 7")
        known = self.shell in row["ancestors"].splitlines()
        self.assertEqual((row["rule"], done.returncode), ("below", 0) if known else ("", REFUSED))

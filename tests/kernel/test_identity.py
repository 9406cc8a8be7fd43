# SPDX-License-Identifier: GPL-2.0-or-later
"""What a process is beside its executable: group, systemd unit and slice, container."""

import os
import subprocess
from pathlib import Path

from lib.case import KernelTest
from lib.places import built

REFUSED = 111
ID = "0123456789abcdef" * 4


def cgroup2() -> Path:
    """Where cgroup v2 is mounted."""
    for line in Path("/proc/mounts").read_text().splitlines():
        if line.split()[2] == "cgroup2":
            return Path(line.split()[1])
    raise AssertionError("cgroup v2 is not mounted")


class Identity(KernelTest):
    def cgroup(self, path: str) -> Path:
        """Makes a cgroup and those above it; they are removed at the end."""
        made = cgroup2()
        for part in path.split("/"):
            made /= part
            if not made.exists():
                made.mkdir()
                self.addCleanup(made.rmdir)
        return made

    def meet_in(self, cgroup: Path) -> int:
        """One contact by a process that is started in a cgroup."""
        words = self.host.command(built("tests/kernel/programs/connect1"), "tcp4", self.pair.peer4, "7")
        procs = cgroup / "cgroup.procs"
        join = lambda: procs.write_text(str(os.getpid()))
        return subprocess.run(words, preexec_fn=join, stdin=subprocess.DEVNULL, timeout=30).returncode

    def check(self, rule: str, inside: str, outside: str, **columns) -> None:
        """`rule` accepts who is in the cgroup `inside` and nobody who is in `outside`."""
        daemon = self.daemon("rules:\n  - {name: it, action: accept, %s}\n" % rule)
        self.assertEqual(self.meet_in(self.cgroup(inside)), 0)
        self.assertEqual(self.meet_in(self.cgroup(outside)), REFUSED)
        rows = daemon.audit.wait_rows(2, "destination_port = 7")
        self.assertEqual([row["rule"] for row in rows], ["it", ""])
        self.assertEqual({name: rows[0][name] for name in columns}, columns)

    def test_unit(self):
        self.check("unit: dwtest-backup.service", "dwtest.slice/dwtest-backup.service/below",
                   "dwtest.slice/dwtest-other.service/dwtest-backup.service",
                   unit="dwtest-backup.service", slice="dwtest.slice", container="")

    def test_slice(self):
        self.check("slice: dwtest-a.slice", "dwtest.slice/dwtest-a.slice/dwtest-x.service",
                   "dwtest.slice/dwtest-b.slice/dwtest-x.service",
                   unit="dwtest-x.service", slice="dwtest-a.slice")

    def test_container(self):
        self.check("container: 'docker:%s'" % ID, f"dwtest.slice/docker-{ID}.scope",
                   f"dwtest.slice/docker-{ID[::-1]}.scope", container=f"docker:{ID}")

    def test_a_users_unit_does_not_pass_for_the_systems(self):
        manager = "dwtest.slice/user@4242.service/app.slice"
        self.check("unit: [dwtest-backup.service, 'user:dwtest-mine*']",
                   f"{manager}/dwtest-mine.service", f"{manager}/dwtest-backup.service",
                   unit="user:dwtest-mine.service", slice="user:app.slice")

    def test_group_is_the_real_gid(self):
        daemon = self.daemon("rules:\n  - {name: nogroup-only, group: nogroup, action: accept}\n")
        program = built("tests/kernel/programs/connect1")
        meet = lambda *options: self.host.run("setpriv", *options, program, "tcp4", self.pair.peer4,
                                              "7").returncode
        self.assertEqual(meet("--rgid=65534", "--egid=0", "--clear-groups"), 0)
        self.assertEqual(meet("--rgid=0", "--egid=65534", "--clear-groups"), REFUSED)
        self.assertEqual(meet("--groups=65534"), REFUSED)
        rows = daemon.audit.wait_rows(3, "destination_port = 7")
        self.assertEqual([row["gid"] for row in rows], [65534, 0, 0])
        shown = daemon.command("log", "--database", str(daemon.database), "--json", "--limit", "1",
                               "--port", "7")
        self.assertIn('"gid":0', shown.stdout)

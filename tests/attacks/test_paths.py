# SPDX-License-Identifier: GPL-2.0-or-later
"""Programs that want to be taken for another one by their path: by other names of a file, by other files under
a name, by mounts that only they see."""

import os
import shutil

from attack import PORT, USER, Attack
from lib.places import built

TAKEN = "user:"  # in front of a path in mounts that anybody could have made


class Paths(Attack):
    def setUp(self):
        super().setUp()
        # It sends by itself: a fake needs no library that it might not find.
        self.evil = shutil.copy(built("tests/kernel/programs/connect1"), self.folder / "evil")
        self.words = ["udp4", self.pair.peer4, str(PORT), "--exit-at-once"]
        self.private = self.folder / "private"
        self.private.mkdir()

    def check(self, *expected: str) -> None:
        """One datagram was refused by each of these names, and what is allowed goes on."""
        self.assertEqual(self.arrived(), 0)
        self.assertEqual([row["exe"] for row in self.wait_rows(len(expected))], list(expected))
        self.assertEqual({row["verdict"] for row in self.rows()}, {"drop"})
        if os.path.exists(self.allowed):
            self.allowed_sends()

    def in_own_mounts(self, script: str, opened: str = "/dev/null") -> None:
        """As a user without privileges, who has them in a user namespace; descriptor 9 is from before."""
        unshare = "unshare --user --map-root-user --mount"
        done = self.host.run("setpriv", f"--reuid={USER}", f"--regid={USER}", "--clear-groups",
                             "sh", "-ec", f'exec 9< {opened}; exec {unshare} sh -ec "$0"', script)
        self.assertEqual((done.returncode, done.stderr), (0, ""))

    def test_renamed(self):
        """An open program keeps the name it was started under: its file's new name makes it no other."""
        self.start()
        other = self.folder / "bin" / "moved"
        done = self.host.run("sh", "-ec", f"mv {self.allowed} {other}; cp {self.evil} {self.folder}/bin/x; "
                             f"ln {self.folder}/bin/x {self.folder}/bin/y; {self.folder}/bin/y {' '.join(self.words)}; "
                             f"{other} -c 'import socket; socket.socket(2, 2).sendto(b\"x\", (\"{self.pair.peer4}\", {PORT}))'; "
                             f"mv {other} {self.allowed}")
        self.assertEqual(done.returncode, 0, done.stderr)
        self.check(str(self.folder / "bin/y"), str(other))

    def test_hard_link(self):
        """Each name of a file is a program of its own."""
        self.start()
        link = self.folder / "link"
        os.link(self.allowed, link)
        self.run_as(str(link), "send(b'x')")
        self.check(str(link))

    def test_symbolic_link_and_argument_zero(self):
        self.start()
        link = self.folder / "bin" / "allowed-too"
        link.symlink_to(self.denied)
        self.run_as(str(link), "send(b'x')")
        self.host.run("bash", "-c", f"exec -a {self.allowed} {self.evil} {' '.join(self.words)}", check=True)
        self.check(self.denied, str(self.evil))

    def test_replaced(self):
        """Who may write to the path is the program of that path: that is what a path says. Its digest isn't."""
        digest = os.popen(f"sha256sum {self.allowed}").read().split()[0]
        self.start(f"  - {{name: changed, app: {self.allowed}, not: {{sha256: {digest}}}, action: drop}}\n")
        self.allowed_sends()
        shutil.copy(self.evil, self.allowed + ".new")
        os.replace(self.allowed + ".new", self.allowed)
        before = self.arrived()
        self.host.run(self.allowed, *self.words, check=True)
        self.assertEqual(self.arrived(), before)
        row = self.wait_rows(1, rule="changed")[0]
        self.assertEqual((row["exe"], row["verdict"]), (self.allowed, "drop"))
        self.assertNotEqual(row["sha256"], digest)

    def test_bind_mount_over_it(self):
        self.start()
        self.in_own_mounts(f"mount --bind {self.evil} {self.allowed}; {self.allowed} {' '.join(self.words)}")
        self.check(TAKEN + self.allowed)

    def test_another_root(self):
        """A tree of its own, with the path in it, as the root of all: by chroot and by pivot_root."""
        self.start()
        self.private.chmod(0o777)
        fill = f"mkdir -p {self.private}{self.folder}/bin; cp {self.evil} {self.private}{self.allowed}"
        words = " ".join(self.words)
        self.in_own_mounts(f"mount -t tmpfs none {self.private}; {fill}; chroot {self.private} {self.allowed} {words}; "
                           f"cd {self.private}; mkdir old; pivot_root . old; {self.allowed} {words}")
        self.check(f"{TAKEN}{self.private}{self.allowed}", TAKEN + self.allowed)

    def test_mounted_nowhere(self):
        """A file system that was taken out of the tree while the program is in it: its path begins there."""
        self.start()
        self.in_own_mounts(
            f"mount -t tmpfs none {self.private}; mkdir -p {self.private}{self.folder}/bin; "
            f"cp {self.evil} {self.private}{self.allowed}; cd {self.private}; umount -l {self.private}; "
            f".{self.allowed} {' '.join(self.words)}")
        self.check(TAKEN + self.allowed)

    def test_a_patterns_wide_arms(self):
        """A pattern takes in paths of the host, also the widest one."""
        self.start("  - {name: wide, app: '/**', to: 10.99.0.2, action: accept}\n")
        self.in_own_mounts(f"mount --bind {self.evil} {self.allowed}; {self.allowed} {' '.join(self.words)}")
        self.check(TAKEN + self.allowed)

    def test_a_rule_may_name_them(self):
        """What runs in a sandbox that users make can be allowed, by a rule that says so."""
        self.start(f"  - {{name: boxed, app: 'user:{self.folder}/**', action: accept}}\n")
        self.in_own_mounts(f"mount --bind {self.evil} {self.denied}; {self.denied} {' '.join(self.words)}")
        row = self.wait_rows(1)[0]
        self.assertEqual((row["exe"], row["rule"], row["verdict"]), (TAKEN + self.denied, "boxed", "accept"))
        self.assertEqual(self.arrived(), 1)
        self.host.run(self.evil, *self.words, check=True)
        self.assertEqual(self.wait_rows(2)[1]["verdict"], "drop")
        self.assertEqual(self.arrived(), 1)

    def test_the_kernels_own_memory_of_verdicts(self):
        """What it has been told of the path is not told of the path in other mounts."""
        self.start(config="verdict_cache: true\n")
        for _ in range(3):
            self.allowed_sends()
        self.in_own_mounts(f"mount --bind {self.evil} {self.allowed}; {self.allowed} {' '.join(self.words)}")
        self.assertEqual(self.arrived(), 3)
        row = self.wait_rows(1, exe=TAKEN + self.allowed)[0]
        self.assertEqual(row["verdict"], "drop")

    def test_a_fake_parent(self):
        """The program itself is the host's, by a descriptor from before; who started it only seems to be."""
        make = self.folder / "bin" / "make"
        shutil.copy(self.denied, make)
        self.start(f"  - {{name: made, app: [{self.evil}, '{TAKEN}{self.evil}'], parent: {make}, action: accept}}\n")
        inside = "; ".join(("import os, sys", "child = os.fork()",
                            "child or os.execv('/proc/self/fd/9', ['x', *sys.argv[1:]])", "os.waitpid(child, 0)"))
        self.in_own_mounts(f"mount --bind {self.denied} {make}; "
                           f"exec {make} -c \"{inside}\" {' '.join(self.words)}", self.evil)
        row = self.wait_rows(1)[0]
        self.assertEqual((row["exe"], row["verdict"]), (f"{TAKEN}{self.evil}", "drop"))
        self.assertEqual(row["ancestors"].splitlines()[0], f"{TAKEN}{make}")
        self.assertEqual(self.arrived(), 0)
        self.host.run(make, "-c", "import subprocess, sys; subprocess.run(sys.argv[1:], check=True)", self.evil,
                      *self.words, check=True)
        self.assertEqual(self.arrived(), 1)

    def test_a_fake_script(self):
        """The interpreter is the host's, by a descriptor from before; the script only has the name."""
        script, fake = self.folder / "job.py", self.folder / "fake.py"
        send = f"import socket; socket.socket(2, 2).sendto(b'x', ('{self.pair.peer4}', {PORT}))\n"
        script.write_text(send)
        fake.write_text("# not this one\n" + send)
        python = shutil.copy(self.denied, self.folder / "bin" / "python3")
        self.start(f"  - {{name: job, app: [{python}, '{TAKEN}{python}'], script: {script}, action: accept}}\n")
        self.in_own_mounts(f"mount --bind {fake} {script}; exec /proc/self/fd/9 {script}", python)
        row = self.wait_rows(1)[0]
        self.assertEqual((row["exe"], row["script"], row["verdict"]),
                         (f"{TAKEN}{python}", f"{TAKEN}{script}", "drop"))
        self.host.run(python, script, check=True)
        self.assertEqual(self.arrived(), 1)

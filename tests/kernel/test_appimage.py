# SPDX-License-Identifier: GPL-2.0-or-later
"""AppImages: what runs in the mount of one is known by the AppImage's own path, and nothing else is."""

import os
import shutil

from lib import appimage
from lib.case import KernelTest
from lib.places import built

REFUSED = 111
SCRIPT = '#!/bin/sh\nexec "$APPDIR/usr/bin/foo" "$@"\n'


class AppImages(KernelTest):
    def setUp(self):
        if why_not := appimage.why_not():
            self.skipTest(why_not)
        super().setUp()
        self.addCleanup(appimage.unmount_below, self.folder)
        self.folder.chmod(0o755)
        self.tool = built("tests/kernel/programs/connect1")
        self.words = ["tcp4", self.pair.peer4, "7"]
        self.mounts = self.folder / "mounts"
        self.mounts.mkdir()

    def make(self, name: str, run=None, more: dict | None = None, **options) -> str:
        files = {"AppRun": run or self.tool, "usr/bin/foo": self.tool, **(more or {})}
        return appimage.appimage(self.folder / "apps" / name, files, **options)

    def mount_home(self) -> None:
        """A FUSE mount as sshfs would make one, with a program of its own."""
        image = appimage.squashfs(self.folder / "home.squashfs", {"foo": self.tool})
        appimage.mount(image, self.mounts / "home")

    def meet(self, *command: str) -> int:
        done = self.host.run("env", f"TMPDIR={self.mounts}", *command)
        self.assertIn(done.returncode, (0, REFUSED), done.stderr)
        return done.returncode

    def rows(self, daemon, count: int) -> list[dict]:
        return daemon.audit.wait_rows(count, "destination_port = 7")

    def accept(self, condition: str):
        return self.daemon("rules:\n  - {name: it, %s, action: accept}\n" % condition)

    def test_two_appimages_get_two_verdicts(self):
        good, other = self.make("Good.AppImage"), self.make("Other.AppImage")
        daemon = self.accept(f"app: {good}")
        self.assertEqual([self.meet(good, *self.words), self.meet(other, *self.words),
                          self.meet(good, *self.words)], [0, REFUSED, 0])
        rows = self.rows(daemon, 3)
        self.assertEqual([(row["rule"], row["appimage"]) for row in rows],
                         [("it", good), ("", other), ("it", good)])
        # What is said to have run is what ran: another path each time.
        self.assertEqual(len({row["exe"] for row in rows}), 3)
        for row, name in zip(rows, ("Good.A", "Other.", "Good.A")):
            self.assertRegex(row["exe"], f"^{self.mounts}/.mount_{name}....../AppRun$")
        shown = daemon.command("log", "--database", str(daemon.database), "--app", good, "--json")
        self.assertEqual(shown.stdout.count("\n"), 2, shown.stdout)

    def test_whatever_apprun_is(self):
        """A script that becomes the program, one that starts it, a link to it."""
        forks = SCRIPT.replace("exec ", "") + "exit $?\n"
        images = [self.make("A.AppImage", SCRIPT), self.make("B.AppImage", forks),
                  self.make("C.AppImage", ("usr/bin/foo",))]
        daemon = self.accept("app: [%s]" % ", ".join(images))
        self.assertEqual([self.meet(image, *self.words) for image in images], [0, 0, 0])
        rows = self.rows(daemon, 3)
        self.assertEqual([row["appimage"] for row in rows], images)
        for row in rows:
            self.assertTrue(row["exe"].endswith("/usr/bin/foo"), row["exe"])

    def test_what_it_starts_is_itself_but_has_it_for_an_ancestor(self):
        shell = f"#!/bin/sh\n{self.folder}/outside \"$@\"\nexit $?\n"
        shutil.copy(self.tool, self.folder / "outside")
        image, other = (self.make(f"{name}.AppImage", shell) for name in "AB")
        daemon = self.daemon("rules:\n  - {name: image, app: %s, action: accept}\n"
                             "  - {name: started, app: %s/outside, parent: %s, action: accept}\n"
                             % (image, self.folder, image))
        self.assertEqual([self.meet(image, *self.words), self.meet(other, *self.words)], [0, REFUSED])
        row, refused = self.rows(daemon, 2)
        self.assertEqual((row["rule"], row["appimage"]), ("started", ""))
        self.assertEqual(row["ancestors"].splitlines()[1], image)
        # Its parent is the shell that runs AppRun, and nothing else.
        self.assertEqual(row["parent_exe"], os.path.realpath("/bin/sh"))
        self.assertEqual((refused["rule"], refused["ancestors"].splitlines()[1]), ("", other))

    def test_a_copy_has_its_own_name(self):
        image = self.make("Good.AppImage")
        copy = shutil.copy(image, self.folder / "Good.AppImage")
        daemon = self.accept(f"app: {image}")
        self.assertEqual(self.meet(str(copy), *self.words), REFUSED)
        self.assertEqual(self.rows(daemon, 1)[0]["appimage"], str(copy))

    def test_a_file_that_is_not_marked_is_no_appimage(self):
        image = self.make("Good.AppImage", mark=b"AI\x07")
        daemon = self.accept(f"app: {image}")
        self.assertEqual(self.meet(image, *self.words), REFUSED)
        row, = self.rows(daemon, 1)
        self.assertEqual((row["appimage"], row["exe"].endswith("/AppRun")), ("", True))

    def test_who_runs_a_program_on_fuse_does_not_lend_it_a_name(self):
        """By exec from a shell and from a marked file that mounts nothing, and by fork."""
        self.mount_home()
        shell = self.folder / "shell"
        shutil.copy(os.path.realpath("/bin/bash"), shell)
        with shell.open("r+b") as file:
            file.seek(8)
            file.write(appimage.MARK)
        daemon = self.accept(f"app: [{shell}, {os.path.realpath('/bin/bash')}]")
        words = " ".join(self.words)
        for command in ([str(shell), "-c", f"exec {self.mounts}/home/foo {words}"],
                        [str(shell), "-c", f"{self.mounts}/home/foo {words}; exit $?"],
                        ["/bin/bash", "-c", f"exec {self.mounts}/home/foo {words}"]):
            self.assertEqual(self.meet(*command), REFUSED)
        for row in self.rows(daemon, 3):
            self.assertEqual((row["exe"], row["appimage"]), (f"{self.mounts}/home/foo", ""))

    def test_another_fuse_mount_below_an_appimage_has_no_name(self):
        self.mount_home()
        image = self.make("Shell.AppImage", f"#!/bin/sh\nexec {self.mounts}/home/foo \"$@\"\n")
        daemon = self.accept(f"app: {image}")
        self.assertEqual(self.meet(image, *self.words), REFUSED)
        row, = self.rows(daemon, 1)
        self.assertEqual((row["exe"], row["appimage"]), (f"{self.mounts}/home/foo", ""))

    def test_an_appimage_started_by_another_has_its_own_name(self):
        inner = self.make("Inner.AppImage")
        outer = self.make("Outer.AppImage", f"#!/bin/sh\n{inner} \"$@\"\nexit $?\n")
        daemon = self.accept(f"app: {outer}")
        self.assertEqual(self.meet(outer, *self.words), REFUSED)
        row, = self.rows(daemon, 1)
        self.assertEqual(row["appimage"], inner)
        self.assertIn(outer, row["ancestors"].splitlines())

    def test_one_older_than_the_daemon_has_no_name(self):
        waits = self.folder / "go"
        os.mkfifo(waits)
        image = self.make("Old.AppImage", SCRIPT.replace("exec ", f"read go < {waits}; exec "))
        old = self.host.start("env", f"TMPDIR={self.mounts}", image, *self.words)
        self.addCleanup(lambda: (old.kill(), old.wait()))
        with waits.open("w") as go:  # opened as soon as AppRun reads
            daemon = self.accept(f"app: {image}")
            go.write("\n")
        self.assertEqual(old.wait(30), REFUSED)
        row, = self.rows(daemon, 1)
        self.assertEqual((row["appimage"], row["exe"].endswith("/usr/bin/foo")), ("", True))

# SPDX-License-Identifier: GPL-2.0-or-later
"""Programs that see other files than the daemon does: chroot, mount namespaces, tmpfs, overlayfs,
btrfs and the sandboxes made of these. The path is the one from the root of the program's mount tree;
beside it stands whose tree that is."""

import os
import shutil
import subprocess

from lib.case import KernelTest
from lib.places import built

REFUSED = 111


def mount_namespace(path: str = "/proc/self/ns/mnt") -> int:
    return os.stat(path).st_ino


class Mounts(KernelTest):
    def setUp(self):
        super().setUp()
        self.root = self.folder / "root"
        (self.root / "bin").mkdir(parents=True)
        self.program = self.root / "bin" / "tool"
        shutil.copy(built("tests/kernel/programs/connect1"), self.program)
        self.words = f"tcp4 {self.pair.peer4} 7"

    def run_script(self, script: str) -> tuple[int, int]:
        """Runs a shell script in a mount namespace of its own; its status, and that namespace."""
        note = self.folder / "namespace"
        script = f"set -e; stat -L -c %i /proc/self/ns/mnt > {note}; {script}"
        done = self.host.run("unshare", "--mount", "sh", "-c", script)
        self.assertNotEqual(note.read_text(), "", done.stderr)
        return done.returncode, int(note.read_text())

    def one_row(self, daemon) -> dict:
        return daemon.audit.wait_rows(1, "destination_port = 7")[0]

    def test_chroot(self):
        daemon = self.daemon("rules:\n  - {name: it, app: %s, action: accept}\n" % self.program)
        status = self.host.run("chroot", str(self.root), "/bin/tool", *self.words.split()).returncode
        self.assertEqual(status, 0)
        row = self.one_row(daemon)
        self.assertEqual((row["rule"], row["exe"]), ("it", str(self.program)))
        self.assertEqual(row["mount_namespace"], mount_namespace())

    def test_a_path_in_a_chroot_is_not_the_path_outside(self):
        """The same path as seen by the program does not make it the program of that path."""
        inside = self.root / str(self.program).lstrip("/")
        inside.parent.mkdir(parents=True)
        shutil.copy(self.program, inside)
        daemon = self.daemon("rules:\n  - {name: it, app: %s, action: accept}\n" % self.program)
        status = self.host.run("chroot", str(self.root), str(self.program), *self.words.split()).returncode
        self.assertEqual(status, REFUSED)
        self.assertEqual(self.one_row(daemon)["exe"], str(inside))

    def test_tmpfs_in_a_mount_namespace(self):
        hidden = self.folder / "hidden"
        hidden.mkdir()
        daemon = self.daemon("rules:\n  - {name: all, action: accept}\n")
        status, namespace = self.run_script(
            f"mount -t tmpfs none {hidden}; cp {self.program} {hidden}/tool; {hidden}/tool {self.words}")
        self.assertEqual(status, 0)
        row = self.one_row(daemon)
        self.assertEqual(row["exe"], f"{hidden}/tool")
        self.assertEqual(row["mount_namespace"], namespace)
        self.assertNotEqual(namespace, mount_namespace())

    def test_overlayfs(self):
        merged = self.folder / "merged"
        merged.mkdir()
        daemon = self.daemon("rules:\n  - {name: it, app: %s/lower-tool, action: accept}\n"
                             "  - {name: up, app: %s/upper-tool, action: accept}\n" % (merged, merged))
        status, namespace = self.run_script(
            f"cd {self.folder}; mount -t tmpfs none root; mkdir root/lower root/upper root/work; "
            f"cp {built('tests/kernel/programs/connect1')} root/lower/lower-tool; "
            f"mount -t overlay -o lowerdir=root/lower,upperdir=root/upper,workdir=root/work none merged; "
            f"cp merged/lower-tool merged/upper-tool; "
            f"{merged}/lower-tool {self.words}; {merged}/upper-tool {self.words}")
        self.assertEqual(status, 0)
        rows = daemon.audit.wait_rows(2, "destination_port = 7")
        self.assertEqual([(row["rule"], row["exe"]) for row in rows],
                         [("it", f"{merged}/lower-tool"), ("up", f"{merged}/upper-tool")])
        self.assertEqual({row["mount_namespace"] for row in rows}, {namespace})

    def test_btrfs(self):
        """Each subvolume has a device number of its own there, unlike the file system."""
        if not shutil.which("mkfs.btrfs"):
            self.skipTest("mkfs.btrfs is not installed")
        disk = self.folder / "disk"
        with open(disk, "wb") as file:
            file.truncate(128 << 20)
        subprocess.run(["mkfs.btrfs", "-q", str(disk)], check=True, timeout=60, capture_output=True)
        daemon = self.daemon("rules:\n  - {name: it, app: %s/root/sub/tool, action: accept}\n" % self.folder)
        status, namespace = self.run_script(
            # Without udev nothing makes /dev/loop-control before the module is in.
            "modprobe loop 2> /dev/null || true; "
            f"cd {self.folder}; mount -o loop disk root; btrfs -q subvolume create root/sub; "
            f"cp {built('tests/kernel/programs/connect1')} root/sub/tool; cp root/sub/tool root/other; "
            f"{self.root}/sub/tool {self.words}; {self.root}/other {self.words}")
        self.assertEqual(status, REFUSED)
        rows = daemon.audit.wait_rows(2, "destination_port = 7")
        self.assertEqual([(row["rule"], row["exe"]) for row in rows],
                         [("it", f"{self.root}/sub/tool"), ("", f"{self.root}/other")])
        self.assertEqual({row["mount_namespace"] for row in rows}, {namespace})

    def test_a_script_in_a_chroot_is_not_the_script_outside(self):
        """A shell of BusyBox's kind is not at hand everywhere; bash and its libraries are bound in."""
        script = self.folder / "x.sh"
        script.write_text("exec 3<>/dev/tcp/10.99.0.2/7\n")
        daemon = self.daemon("rules:\n  - {name: it, app: '/**/bash', script: %s, action: accept}\n" % script)
        fake = self.root / str(script).lstrip("/")
        binds = " ".join(f"mkdir -p {self.root}/{name}; mount --rbind /{name} {self.root}/{name};"
                         for name in ("usr", "lib", "lib64") if os.path.isdir(f"/{name}"))
        status, _ = self.run_script(
            f"{binds} mkdir -p {fake.parent}; cp {script} {fake}; "
            f"chroot {self.root} /usr/bin/bash {script}")
        self.assertNotEqual(status, 0)
        self.assertEqual(self.one_row(daemon)["script"], "unknown:root")
        self.assertEqual(self.host.run("/usr/bin/bash", str(script)).returncode, 0)

    def test_a_sandbox_of_bubblewrap(self):
        if not shutil.which("bwrap"):
            self.skipTest("bwrap is not installed")
        daemon = self.daemon("rules:\n  - {name: all, action: accept}\n")
        done = self.host.run("bwrap", "--unshare-user", "--unshare-pid", "--ro-bind", str(self.root),
                             "/", "--", "/bin/tool", *self.words.split())
        self.assertEqual(done.returncode, 0, done.stderr)
        row = self.one_row(daemon)
        self.assertEqual(row["exe"], "user:/bin/tool")  # a tree that any user can make
        self.assertNotEqual(row["mount_namespace"], mount_namespace())
        self.assertTrue(row["ancestors"].splitlines()[0].endswith("/bwrap"), row["ancestors"])

# SPDX-License-Identifier: GPL-2.0-or-later
"""Rules by the package that owns a program, with a database that rpm itself has made."""

import shutil
import subprocess

from lib.case import KernelTest, only_in
from lib.places import built

REFUSED = 111
SPEC = """\
Name: {name}
Version: 1
Release: 1
Summary: A tool
License: none
%define debug_package %{{nil}}
%define __os_install_post %{{nil}}
%description
A tool.
%install
mkdir -p %{{buildroot}}{folder}
cp {files} %{{buildroot}}{folder}
%files
"""


@only_in("native")
class Rpm(KernelTest):
    def setUp(self):
        if not shutil.which("rpmbuild"):
            self.skipTest("rpm is not installed")
        super().setUp()
        self.folder.chmod(0o755)
        self.bin, self.database = self.folder / "bin", self.folder / "rpm"
        self.bin.mkdir()
        self.database.mkdir()
        for name in ("tool", "claimed", "replaced"):
            shutil.copy(built("tests/kernel/programs/connect1"), self.bin / name)
        self.other = self.folder / "tool"
        shutil.copy(self.bin / "tool", self.other)
        self.install("dwtool", "tool", "replaced", claims=("claimed",))

    def install(self, name: str, *files: str, claims: tuple = ()) -> None:
        """Into the database alone: the files are there."""
        paths = [str(self.bin / file) for file in files]
        listed = paths + [f"%ghost {self.bin / file}" for file in claims]
        spec = self.folder / f"{name}.spec"
        spec.write_text(SPEC.format(name=name, folder=self.bin, files=" ".join(paths))
                        + "\n".join(listed) + "\n")
        build = ["rpmbuild", "-bb", "--define", f"_topdir {self.folder}/build", str(spec)]
        subprocess.run(build, check=True, capture_output=True, timeout=120)
        package, = (self.folder / "build" / "RPMS").glob(f"*/{name}-*.rpm")
        subprocess.run(["rpm", "--dbpath", str(self.database), "--install", "--justdb", "--nodeps",
                        "--replacefiles", str(package)], check=True, capture_output=True, timeout=60)

    def inside(self, program: str) -> str:
        """A script that starts `program` where rpm's database is the one made here."""
        script = self.folder / program.rpartition("/")[2]
        script.write_text(f"#!/bin/sh\nexec unshare --mount sh -c 'mount --bind {self.database} /var/lib/rpm"
                          f" && exec {built(program)} \"$@\"' sh \"$@\"\n")
        script.chmod(0o755)
        return str(script)

    def test_the_package_by_rpms_own_database(self):
        before = sorted(path.name for path in self.database.iterdir())
        daemon = self.daemon("rules:\n  - {name: it, package: dwtool, action: accept}\n",
                             program=self.inside("fwd/doorwardd"))
        words = ["tcp4", self.pair.peer4, "7"]
        meet = lambda program: self.host.run(str(program), *words).returncode
        # The same basename elsewhere, and a path that the package only lays claim to.
        self.assertEqual([meet(path) for path in (self.bin / "tool", self.other, self.bin / "claimed")],
                         [0, REFUSED, REFUSED])
        rows = daemon.audit.wait_rows(3, "destination_port = 7")
        self.assertEqual([(row["rule"], row["package"]) for row in rows],
                         [("it", "dwtool"), ("", ""), ("", "")])
        self.assertEqual(sorted(path.name for path in self.database.iterdir()), before)

    def test_a_file_that_another_package_has_replaced_is_that_ones(self):
        (self.bin / "replaced").write_bytes((self.bin / "tool").read_bytes() + b"\n")
        self.install("dwother", "replaced")
        hash_command = self.inside("cli/doorward")
        for name, package in (("tool", "dwtool"), ("replaced", "dwother")):
            said = subprocess.run([hash_command, "hash", str(self.bin / name)], check=True, text=True,
                                  capture_output=True, timeout=30).stdout
            self.assertIn(f"package: {package}\n", said)

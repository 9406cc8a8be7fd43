# SPDX-License-Identifier: GPL-2.0-or-later
"""An allowed program whose loader finds other files than the host's, without a variable that says so."""

import shutil
import subprocess

from attack import USER, Attack
from lib.places import built

REFUSED = "  - {name: foreign-code, injected: [any, filter], action: drop}\n"


class Loader(Attack):
    def setUp(self):
        super().setUp()
        self.library = str(shutil.copy(built("tests/kernel/programs/preload.module"), self.folder / "evil.so"))

    def held_as(self, exe: str, injected: str) -> None:
        row = self.wait_rows(1)[0]
        self.assertEqual((row["exe"], row["injected"], row["verdict"]), (exe, injected, "drop"))
        self.assertEqual(self.arrived(), 0)
        self.allowed_sends()

    def root(self):
        """A folder in which the allowed program finds what it needs, and what it is to preload."""
        root = self.folder / "root"
        needed = subprocess.run(["ldd", self.allowed], capture_output=True, text=True, check=True).stdout.split()
        for path in (word for word in needed if word.startswith("/")):
            (root / path[1:]).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(path, root / path[1:])
        (root / "etc").mkdir()
        shutil.copy(self.library, root / "evil.so")
        (root / "etc/ld.so.preload").write_text("/evil.so\n")
        subprocess.run(["chmod", "-R", "a+rX", root], check=True)
        return root

    def test_another_root_below_the_executable(self):
        root = self.root()
        self.start()
        self.run_as(self.denied, """
            program = os.open(sys.argv[1], os.O_RDONLY)
            assert ctypes.CDLL(None).unshare(0x10000000) == 0  # CLONE_NEWUSER
            os.chroot(sys.argv[2])
            os.execve(program, ["allowed", "-ISc", ""], {})
        """, self.allowed, root, user=USER, check=False)
        self.held_as("user:" + self.allowed, "")

    def test_own_mounts_around_it(self):
        self.start()
        self.run_as(self.denied, """
            program, user = os.open(sys.argv[1], os.O_RDONLY), os.getuid()
            libc = ctypes.CDLL(None)
            assert libc.unshare(0x10020000) == 0  # CLONE_NEWUSER, CLONE_NEWNS
            for name, text in (("uid_map", f"{user} {user} 1"), ("setgroups", "deny"), ("gid_map", f"{user} {user} 1")):
                open("/proc/self/" + name, "w").write(text)
            assert libc.mount(b"none", b"/etc", b"tmpfs", 0, None) == 0
            open("/etc/ld.so.preload", "w").write(sys.argv[2])
            os.execve(program, ["allowed", "-ISc", ""], {})
        """, self.allowed, self.library, user=USER, check=False)
        self.held_as("user:" + self.allowed, "")

    def test_not_what_root_puts_into_a_user_namespace(self):
        self.start()
        self.host.run("unshare", "--user", "--map-root-user", self.allowed, "-ISc", self.script("send(b'x')"), check=True)
        row = self.wait_rows(1)[0]
        self.assertEqual((row["exe"], row["verdict"], self.arrived()), (self.allowed, "accept", 1))

    def test_modules_that_convert_text(self):
        place = self.folder / "gconv"
        place.mkdir()
        shutil.copy(self.library, place / "EVIL.so")
        (place / "gconv-modules").write_text("module ISO-8859-15// INTERNAL EVIL 1\nmodule INTERNAL ISO-8859-15// EVIL 1\n")
        self.start(REFUSED)
        self.run_as(self.denied, """
            converts = "import ctypes; ctypes.CDLL(None).iconv_open(b'UTF-8', b'ISO-8859-15')"
            subprocess.run([sys.argv[1], "-ISc", converts], env={"GCONV_PATH": sys.argv[2]})
        """, self.allowed, place, user=USER)
        self.held_as(self.allowed, "preload")

    def test_a_filter_that_opens_another_file(self):
        """Where the loader asks for /etc/ld.so.preload, a seccomp filter says that it is open already, as 0."""
        letter = self.folder / "letter"
        letter.write_text(self.library)
        letter.chmod(0o644)
        self.start(REFUSED)
        self.run_as(self.denied, """
            libc = ctypes.CDLL(None)
            allowed, letter = sys.argv[1:3]
            probe = os.fork()
            if probe == 0:
                libc.personality(0x40000)  # ADDR_NO_RANDOMIZE
                os.execve(allowed, [allowed, "-ISc", "import time; time.sleep(60)"], {})
            for _ in range(100):
                time.sleep(0.05)
                if os.readlink(f"/proc/{probe}/exe") != allowed: continue
                lines = [line for line in open(f"/proc/{probe}/maps") if "/ld-" in line]  # not its cache, ld.so.cache
                if lines: break
            base, path = int(lines[0].split("-")[0], 16), lines[0].split()[-1]
            os.kill(probe, 9); os.waitpid(probe, 0)
            asked = (base + open(path, "rb").read().index(b"/etc/ld.so.preload\\0")) & 0xffffffff
            def step(code, yes, no, value): return struct.pack("HBBI", code, yes, no, value)
            done = step(6, 0, 0, 0x50000)  # SECCOMP_RET_ERRNO with no error
            code = b"".join(step(0x20, 0, 0, argument) + step(0x15, 0, 1, asked) + done for argument in (24, 16))
            code = ctypes.create_string_buffer(code + step(6, 0, 0, 0x7fff0000))
            steps = struct.pack("HxxxxxxQ", (len(code) - 1) // 8, ctypes.addressof(code))
            child = os.fork()
            if child == 0:
                os.dup2(os.open(letter, os.O_RDONLY), 0)
                libc.personality(0x40000)
                assert libc.prctl(38, 1, 0, 0, 0) == 0 and libc.syscall(317, 1, 0, steps) == 0
                os.execve(allowed, [allowed, "-ISc", ""], {})
            os.waitpid(child, 0)
        """, self.allowed, letter, user=USER)
        self.held_as(self.allowed, "filter")

# SPDX-License-Identifier: GPL-2.0-or-later
"""The base of all attacks: one program that may send and one that may not, both of them Python, so that a
test can have either of them do anything. What counts is what arrives at the other end of the wire."""

import os
import shutil
import subprocess
import textwrap
from pathlib import Path

from lib.case import KernelTest
from lib.places import copies

PORT = 4000  # nobody listens there, and the peer says nothing about it
USER = 4321  # without any privilege

# What each script may use. send() gives 0 or the error's number.
PRELUDE = f"""
import ctypes, os, socket, struct, subprocess, sys, time
sys.dont_write_bytecode = True
sys.path.append({str(Path(__file__).parent)!r})
HOST, PEER, HOST6, PEER6, PORT = "10.99.0.1", "10.99.0.2", "fd99::1", "fd99::2", {PORT}
def send(data, port=PORT, to=PEER, s=None):
    s = s or socket.socket(socket.AF_INET6 if ":" in to else socket.AF_INET, socket.SOCK_DGRAM)
    try: s.sendto(data, (to, port))
    except OSError as error: return error.errno
    return 0
"""


class Attack(KernelTest):
    def setUp(self):
        super().setUp()
        self.folder.chmod(0o755)
        python = os.path.realpath("/usr/bin/python3")
        named = [shutil.move(path, self.folder / "bin" / name)
                 for path, name in zip(copies(python, self.folder / "bin", 2), ("allowed", "denied"))]
        self.allowed, self.denied = map(str, named)
        # An error that comes back would end what is tried; nothing is heard of what arrives.
        self.peer.run("nft", "add table inet x; add chain inet x i { type filter hook input priority 0; }; "
                      f"add rule inet x i udp dport {PORT}-{PORT + 999} drop", check=True)

    def start(self, more: str = "", config: str = "", **options):
        """A daemon that accepts what `allowed` sends or gets, refuses everything else, and first asks the
        rules in `more`."""
        options = {"default_out": "drop", "default_in": "drop", **options}
        self.fw = self.daemon(f"rules:\n{more}  - {{name: allowed, app: {self.allowed}, action: accept}}\n",
                              config="mode: enforce\n" + config, **options)
        return self.fw

    def script(self, text: str) -> str:
        return PRELUDE + textwrap.dedent(text)

    def run_as(self, program: str, text: str, *words, user: int | None = None, check: bool = True,
               timeout: float = 60, **options) -> subprocess.CompletedProcess:
        """Runs a script by one of the two programs."""
        drop = ["setpriv", f"--reuid={user}", f"--regid={user}", "--clear-groups"] if user else []
        # Isolated, and without what takes a slow machine seconds to load.
        done = self.host.run(*drop, program, "-ISc", self.script(text), *map(str, words), timeout=timeout, **options)
        if check and done.returncode != 0:
            raise AssertionError(f"the attempt itself failed: {done.stderr}")
        return done

    def talk_to(self, program: str, text: str, *words, before: tuple | list = ()) -> subprocess.Popen:
        """Starts a script by one of the two programs, to be spoken to, and ends it at last."""
        made = self.host.start(*before, program, "-ISc", self.script(text), *map(str, words), stdin=subprocess.PIPE,
                               stdout=subprocess.PIPE, text=True)
        for end in (made.wait, made.kill, made.stdin.close, made.stdout.close):
            self.addCleanup(end)
        return made

    def ready_as(self, program: str, text: str, *words, user: int | None = None, before: tuple | list = ()) -> subprocess.Popen:
        """The same, of one that has said that it is ready."""
        drop = ["setpriv", f"--reuid={user}", f"--regid={user}", "--clear-groups"] if user else []
        made = self.talk_to(program, text, *words, before=[*drop, *before])
        self.assertEqual(made.stdout.readline(), "ready\n")
        return made

    @staticmethod
    def go_on(program: subprocess.Popen) -> None:
        program.stdin.write("go\n")
        program.stdin.flush()

    def arrived(self, port: int = PORT, protocol: str = "udp", **wanted) -> int:
        return self.wire.count(protocol=protocol, dport=port, **wanted)

    def allowed_sends(self, port: int = PORT) -> None:
        """The control: what is refused to one is granted to the other, at the same place."""
        before = self.arrived(port)
        self.run_as(self.allowed, "assert send(b'allowed', int(sys.argv[1])) == 0", port)
        self.assertEqual(self.arrived(port), before + 1, "not even the allowed program gets through")

    def rows(self, port: int = PORT, **wanted) -> list[dict]:
        return self.fw.audit.rows(*self._where(port, wanted))

    def wait_rows(self, count: int = 1, port: int = PORT, **wanted) -> list[dict]:
        return self.fw.audit.wait_rows(count, *self._where(port, wanted))

    @staticmethod
    def _where(port: int, wanted: dict) -> tuple:
        terms = ["destination_port = ?", *(f"{name} = ?" for name in wanted)]
        return " AND ".join(terms), port, *wanted.values()

    def never_accepted(self, exe: str | None = None) -> None:
        """The log does not say that anything was let through of this program."""
        self.assertEqual(self.fw.audit.rows("exe = ? AND verdict = 'accept'", exe or self.denied), [])

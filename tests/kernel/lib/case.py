# SPDX-License-Identifier: GPL-2.0-or-later
"""The base of all kernel tests."""

import shutil
import subprocess
import tempfile
import unittest
from pathlib import Path

from .daemon import Daemon
from .namespace import Pair
from .peer import EchoServers, Wire
from .places import WORLD, built

# What connect1 exits with when nothing answered.
TIMED_OUT = 110


def only_in(world: str):
    """For a test that is about the "guest" or the "native" kernel: it is not run elsewhere."""
    def mark(test):
        test.only_in = world
        return test
    return mark


def everywhere(test):
    """For a test that is run on every kernel although its class isn't: a guest has a tenth of the speed."""
    test.only_in = WORLD
    return test


class KernelTest(unittest.TestCase):
    """Gives each test two joined namespaces and a folder; removes them whatever happens.

    self.host, self.peer: namespaces; self.pair: their addresses; self.folder: a new folder;
    self.wire: what arrives at the peer; echo servers answer there on self.ports.
    """

    ports = (7, 80)

    def setUp(self):
        self.folder = Path(tempfile.mkdtemp(prefix="dwt-"))
        self.addCleanup(shutil.rmtree, self.folder, ignore_errors=True)
        self.pair = Pair()
        self.addCleanup(self.pair.remove)
        self.host, self.peer = self.pair.host, self.pair.peer
        self.servers = EchoServers(self.peer, *self.ports)
        self.addCleanup(self.servers.stop)
        self.wire = Wire(self.peer, self.pair.peer_link)
        self.addCleanup(self.wire.stop)

    def address(self, kind: str) -> str:
        """The peer's address for a KIND of connect1."""
        return self.pair.peer6 if kind.endswith("6") else self.pair.peer4

    def contact(self, kind: str, port: int = 7, *options: str,
                program: str | None = None) -> subprocess.CompletedProcess:
        """One contact of the host with the peer; `program` is a copy of connect1."""
        program = program or built("tests/kernel/programs/connect1")
        return self.host.run(program, kind, self.address(kind), str(port), *options)

    def daemon(self, rules: str = "", **options) -> Daemon:
        """doorwardd in the host's namespace, ready; see lib.daemon for the options."""
        return self.new_daemon(rules, **options).start()

    def new_daemon(self, rules: str = "", **options) -> Daemon:
        """The same, not started yet. Each has a folder of its own."""
        number = len(list(self.folder.glob("daemon-*")))
        daemon = Daemon(self.host, self.folder / f"daemon-{number}", rules, **options)
        self.addCleanup(daemon.remove)
        return daemon

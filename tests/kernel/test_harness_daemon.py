# SPDX-License-Identifier: GPL-2.0-or-later
"""The tests' way of running a daemon, tried on a stand-in of a few lines."""

import shutil
import sys
import tempfile
import unittest
from pathlib import Path

from lib.case import only_in
from lib.daemon import Daemon, DaemonError
from lib.namespace import Namespace

STAND_IN = """#!{python}
import os, signal, socket, sys
def tell(text):
    s = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    s.sendto(text.encode(), os.environ["NOTIFY_SOCKET"])
print("began with", *sys.argv[1:], flush=True)
{body}
"""
OBEDIENT = """
signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
signal.signal(signal.SIGHUP, lambda *_: tell("RELOADING=1\\nREADY=1"))
tell("READY=1\\nSTATUS=fine")
while True: signal.pause()
"""
QUITTER = "print('no such option', flush=True); sys.exit(3)"
BAD_END = "signal.signal(signal.SIGTERM, lambda *_: sys.exit(4)); tell('READY=1'); signal.pause()"
SILENT = "signal.pause()"


@only_in("native")
class DaemonHelper(unittest.TestCase):
    def setUp(self):
        self.folder = Path(tempfile.mkdtemp(prefix="dwt-"))
        self.addCleanup(shutil.rmtree, self.folder)
        self.namespace = Namespace("daemon")
        self.addCleanup(self.namespace.remove)

    def make(self, body: str, **options) -> Daemon:
        program = self.folder / "stand-in"
        program.write_text(STAND_IN.format(python=sys.executable, body=body))
        program.chmod(0o755)
        return Daemon(self.namespace, self.folder / "d", program=str(program), **options)

    def test_ready_reload_stop(self):
        daemon = self.make(OBEDIENT, default_out="accept").start()
        self.addCleanup(daemon.remove)
        self.assertIn("STATUS=fine", daemon.notifications.messages)
        self.assertIn("--default-out accept", daemon.log.read_text())
        daemon.reload()
        self.assertEqual(daemon.notifications.messages.count("READY=1"), 2)
        daemon.stop()

    def test_an_early_end_is_told_with_the_output(self):
        daemon = self.make(QUITTER)
        with self.assertRaisesRegex(DaemonError, "status 3(.|\n)*no such option"):
            daemon.start()
        daemon.process = None
        daemon.remove()

    def test_a_bad_end_is_an_error(self):
        daemon = self.make(BAD_END).start()
        with self.assertRaisesRegex(DaemonError, "status 4"):
            daemon.remove()

    def test_a_daemon_that_died_meanwhile_is_an_error(self):
        daemon = self.make(OBEDIENT).start()
        daemon.process.kill()
        daemon.process.wait()
        with self.assertRaisesRegex(DaemonError, "ended by itself"):
            daemon.remove()

    def test_one_that_never_gets_ready_is_given_up(self):
        daemon = self.make(SILENT)
        with self.assertRaisesRegex(DaemonError, "not ready after 0.5 s"):
            daemon.start(timeout=0.5)
        daemon.kill()
        daemon.remove()

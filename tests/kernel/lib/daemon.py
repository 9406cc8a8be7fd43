# SPDX-License-Identifier: GPL-2.0-or-later
"""doorwardd in one namespace, with a folder of its own for everything that it reads and writes."""

import contextlib
import json
import os
import select
import signal
import socket
import subprocess
import time
from pathlib import Path

from .audit import Audit
from .namespace import Namespace
from .places import FORCED_HOOKS, built

# What the daemon says of a system call that is not on its list.
REFUSED_CALL = "was refused: the daemon should not need it"

DAEMON, COMMAND = "fwd/doorwardd", "cli/doorward"


class DaemonError(AssertionError):
    """The daemon did not do what was asked; the message ends with its own output."""


class Notifications:
    """What the daemon tells its service manager (sd_notify), received as systemd would."""

    def __init__(self, path: Path):
        self.path = path
        self.messages: list[str] = []
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.socket.bind(str(path))

    def receive(self, timeout: float) -> None:
        if select.select([self.socket], [], [], timeout)[0]:
            self.messages += self.socket.recv(65536).decode(errors="replace").splitlines()

    def close(self) -> None:
        self.socket.close()
        self.path.unlink(missing_ok=True)


class Daemon:
    """`options` are long options of doorwardd: default_out="accept" gives --default-out accept."""

    def __init__(self, namespace: Namespace, folder: Path, rules: str = "",
                 config: str = "mode: enforce\n", program: str | None = None, **options: str):
        self.namespace = namespace
        self.folder = folder
        self.rules_dir = folder / "rules.d"
        self.database = folder / "audit.db"
        self.socket = folder / "control.sock"
        self.log = folder / "doorwardd.log"
        self.audit = Audit(self.database)
        self.program = program or built(DAEMON)
        self.process: subprocess.Popen | None = None
        self.notifications: Notifications | None = None
        self.rules_dir.mkdir(parents=True, exist_ok=True)
        self.config = folder / "doorward.yaml"
        # Most tests look at each decision's own row; test_verdict_cache.py is about those given again.
        cache = "" if "verdict_cache" in config else "verdict_cache: false\n"
        self.config.write_text(config + cache)
        if rules:
            self.write_rules(rules)
        forced = {"hooks": FORCED_HOOKS} if FORCED_HOOKS else {}
        self.options = {**forced, "config": self.config, "rules_dir": self.rules_dir,
                        "database": self.database, "control_socket": self.socket, **options}

    def write_rules(self, text: str, name: str = "10-test.yaml") -> Path:
        path = self.rules_dir / name
        path.write_text(text)
        return path

    def arguments(self) -> list[str]:
        words = [self.program]
        for name, value in self.options.items():
            words += ["--" + name.replace("_", "-"), str(value)]
        return words

    def start(self, timeout: float = 120) -> "Daemon":
        self.launch()
        self.wait_ready(timeout)
        return self

    def launch(self) -> None:
        """Starts it and does not wait."""
        if self.notifications:
            self.notifications.close()
        self.notifications = Notifications(self.folder / "notify.sock")
        with open(self.log, "ab") as log:
            self.process = self.namespace.start(
                *self.arguments(), stdout=log, stderr=log,
                env={**os.environ, "NOTIFY_SOCKET": str(self.notifications.path)})

    def wait_ready(self, timeout: float = 120, times: int = 1) -> None:
        """Waits for READY=1; `times` 2 for the second one, which follows a reload."""
        deadline = time.monotonic() + timeout
        while self.notifications.messages.count("READY=1") < times:
            if self.process.poll() is not None:
                raise self._error(f"ended with status {self.process.returncode} instead of "
                                  "getting ready")
            if time.monotonic() > deadline:
                raise self._error(f"was not ready after {timeout} s")
            self.notifications.receive(0.1)

    def reload(self, timeout: float = 60) -> None:
        """SIGHUP, then waits until the daemon says that it is ready again."""
        self.notifications.receive(0)
        times = self.notifications.messages.count("READY=1") + 1
        self.process.send_signal(signal.SIGHUP)
        self.wait_ready(timeout, times)

    def stop(self, timeout: float = 60) -> None:
        """Ends it as systemd would; anything but a clean end is an error, and so is a system call that
        its own filter has refused meanwhile."""
        if self.process is None:
            return
        early = self.process.poll()
        if early is None:
            self.process.send_signal(signal.SIGTERM)
        try:
            status = self.process.wait(timeout)
        except subprocess.TimeoutExpired:
            self.kill()
            raise self._error(f"did not end within {timeout} s of SIGTERM") from None
        self.process = None
        if early is not None:
            raise self._error(f"had ended by itself with status {early}")
        if status != 0:
            raise self._error(f"ended with status {status} after SIGTERM")
        if REFUSED_CALL in self.log.read_text(errors="replace"):
            raise self._error("made a system call that it may not make")

    @contextlib.contextmanager
    def paused(self):
        """Nobody decides, and what waits is decided afterwards."""
        self.pause()
        try:
            yield
        finally:
            self.process.send_signal(signal.SIGCONT)

    def pause(self, timeout: float = 60) -> None:
        """SIGSTOP, until every thread stands still: a signal is taken when a thread next comes out
        of the kernel, and until then the others go on."""
        self.process.send_signal(signal.SIGSTOP)
        tasks = Path(f"/proc/{self.process.pid}/task")
        deadline = time.monotonic() + timeout
        while any((task / "stat").read_text().rpartition(")")[2].split()[0] != "T"
                  for task in tasks.iterdir()):
            if time.monotonic() > deadline:
                raise self._error(f"was not stopped {timeout} s after SIGSTOP")
            time.sleep(0.01)

    def kill(self) -> None:
        """SIGKILL: no chance to tidy up."""
        self.process.kill()
        self.process.wait()
        self.process = None

    def remove(self) -> None:
        """For cleaning up after a test: ends it if it still runs, and complains as stop() does."""
        try:
            self.stop()
        finally:
            if self.notifications:
                self.notifications.close()
                self.notifications = None

    def command(self, *words: str, timeout: float = 30) -> subprocess.CompletedProcess:
        """`doorward --socket … WORDS`."""
        return subprocess.run([built(COMMAND), "--socket", str(self.socket), *words], text=True,
                              stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                              stderr=subprocess.PIPE, timeout=timeout)

    def status(self) -> dict:
        result = self.command("status", "--json")
        if result.returncode != 0:
            raise self._error(f"gave no status: {result.stderr.strip()}")
        return json.loads(result.stdout)

    def _error(self, what: str) -> DaemonError:
        lines = self.log.read_text(errors="replace").splitlines()[-40:]
        return DaemonError("\n  ".join([f"doorwardd {what}; its output:", *lines]))

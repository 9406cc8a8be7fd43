# SPDX-License-Identifier: GPL-2.0-or-later
"""The programs that attempt what is forbidden, and how many attempts each of them is told to make."""

import json
import select
import subprocess
import time
from dataclasses import dataclass

from lib.namespace import Namespace
from lib.places import WORLD


@dataclass
class Kind:
    name: str
    weight: float       # of all attempts, before they are made to add up to one
    families: str = "46"
    exec: str = ""      # of contact.c: each attempt is a program that sends once and is gone


KINDS = [
    Kind("tcp", 2), Kind("tcp-nb", 12), Kind("udp", 14), Kind("udp-connected", 14), Kind("ping", 8),
    Kind("raw", 6), Kind("forged", 6, "4"), Kind("packet", 6, "4"),
    Kind("exec tcp-nb", 0.6, exec="connect-nb"), Kind("exec udp", 0.6, exec="send"),
    Kind("exec ping", 0.3, exec="raw-ping"),
]
PAUSE_MS = 500 if WORLD == "guest" else 10  # between bursts: emulated, twenty loads take all there is
WEIGHTS = sum(kind.weight * len(kind.families) for kind in KINDS)


class Load:
    """One process for each kind and family, under `programs`, until finish()."""

    def __init__(self, host: Namespace, link: str, program: str, contact: str, attempts: int):
        self.processes: list[tuple[str, int, subprocess.Popen]] = []
        self.told: dict[str, int] = {}
        self.waiting: dict[str, subprocess.Popen] = {}  # for the end of a burst
        try:
            for number, kind in enumerate(KINDS):
                for family in kind.families:
                    address = f"10.98.{number}.1" if family == "4" else f"fd98::{number}:1"
                    words = [contact, kind.exec, address] if kind.exec else []
                    process = host.start(program, "exec" if kind.exec else kind.name, address, link,
                                         str(PAUSE_MS), *words,
                                         stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
                    wanted = max(1, round(attempts * kind.weight / WEIGHTS))
                    self.processes.append((f"{kind.name} v{family}", wanted, process))
        except BaseException:
            self.kill()
            raise

    def burst(self, share: float = 1.0) -> "Load":
        """Each makes this share of its attempts without a pause. done() waits for it."""
        self.done()
        for name, wanted, process in self.processes:
            number = max(1, round(wanted * share))
            self.told[name] = self.told.get(name, 0) + number
            process.stdin.write(f"{number}\n")
            process.stdin.flush()
            self.waiting[name] = process
        return self

    def busy(self, wait: float = 0) -> bool:
        """Whether any is still at its burst, after so many seconds at most."""
        streams = {process.stdout: name for name, process in self.waiting.items()}
        for stream in select.select(streams, [], [], wait)[0] if streams else ():
            process = self.waiting.pop(streams[stream])
            if stream.readline() != "done\n":
                raise RuntimeError(f"the load {streams[stream]} ended early (status {process.wait(10)})")
        return bool(self.waiting)

    def done(self, timeout: float = 600) -> None:
        deadline = time.monotonic() + timeout
        while self.busy(1):
            if time.monotonic() > deadline:
                raise RuntimeError(f"after {timeout} s still at it: {', '.join(self.waiting)}")

    def finish(self) -> dict[str, dict]:
        """Ends all; what each says. One that made fewer attempts than it was told to is an error."""
        self.done()
        said = {}
        for name, _, process in self.processes:
            out, _ = process.communicate(timeout=60)
            said[name] = json.loads(out.splitlines()[-1])
            if process.returncode != 0 or said[name]["attempts"] < self.told.get(name, 0):
                raise RuntimeError(f"the load {name} made too few attempts: {said[name]}, "
                                   f"of {self.told.get(name, 0)}")
        return said

    def kill(self) -> None:
        for _, _, process in self.processes:
            if process.poll() is None:
                process.kill()
            process.wait(30)
            process.stdin.close()
            process.stdout.close()


class Keeper:
    """The allowed program: open flows that go on, and new ones all the time."""

    def __init__(self, host: Namespace, program: str, peer4: str, peer6: str, port: int):
        self.process = host.start(program, peer4, peer6, str(port), stdin=subprocess.PIPE,
                                  stdout=subprocess.PIPE, text=True)

    def report(self) -> dict[str, int]:
        """Counts since the last report."""
        self.process.stdin.write("\n")
        self.process.stdin.flush()
        if not select.select([self.process.stdout], [], [], 30)[0]:
            raise RuntimeError("leak-keeper is silent")
        return json.loads(self.process.stdout.readline())

    def stop(self) -> None:
        self.process.kill()
        self.process.wait(30)
        self.process.stdin.close()
        self.process.stdout.close()

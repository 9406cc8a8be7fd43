# SPDX-License-Identifier: GPL-2.0-or-later
"""Keeps the processors from sleeping. In a virtual machine it may take longer to wake one up than all that is
measured here, and whether one has to be woken is chance: with few clients the spread is mostly that."""

import os
import subprocess
import sys

SPIN = """
import os, sys
parent = int(sys.argv[1])
os.sched_setaffinity(0, {int(sys.argv[2])})
os.sched_setscheduler(0, os.SCHED_IDLE, os.sched_param(0))
while os.getppid() == parent:
    for _ in range(100000):
        pass
"""


class Awake:
    """Context: a loop on each processor that gives way to everything else. Ends with this process."""

    def __init__(self, wanted: bool):
        self.processors = sorted(os.sched_getaffinity(0)) if wanted else []
        self.loops: list[subprocess.Popen] = []

    def __enter__(self) -> "Awake":
        for processor in self.processors:
            words = [sys.executable, "-c", SPIN, str(os.getpid()), str(processor)]
            self.loops.append(subprocess.Popen(words, stdin=subprocess.DEVNULL))
        return self

    def __exit__(self, *_) -> None:
        for loop in self.loops:
            loop.kill()
            loop.wait()

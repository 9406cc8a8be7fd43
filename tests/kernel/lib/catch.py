# SPDX-License-Identifier: GPL-2.0-or-later
"""Runs a Catch2 program and counts its test cases."""

import re
import subprocess
from dataclasses import dataclass


@dataclass
class Counts:
    passed: int
    failed: int
    output: str


def counts(status: int, output: str) -> Counts:
    """What the closing lines of a Catch2 program say; a program without them has failed."""
    all_passed = re.search(r"^All tests passed \(\d+ assertions? in (\d+) test cases?\)", output, re.M)
    if all_passed and status == 0:
        return Counts(int(all_passed[1]), 0, output)
    some = re.search(r"^test cases: +(\d+)(?: \| +(\d+) passed)?(?: \| +(\d+) failed)?", output, re.M)
    if some and status != 0:
        return Counts(int(some[2] or 0), int(some[3] or 1), output)
    return Counts(0, 1, output + f"\n(ended with status {status} and without a Catch2 summary)")


def run(command: list[str], timeout: float = 600, **options) -> Counts:
    try:
        done = subprocess.run(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                              stderr=subprocess.STDOUT, timeout=timeout, **options)
    except subprocess.TimeoutExpired as late:
        text = (late.output or b"").decode(errors="replace")
        return Counts(0, 1, f"{text}\n(ended after {timeout} s)")
    return counts(done.returncode, done.stdout.decode(errors="replace"))

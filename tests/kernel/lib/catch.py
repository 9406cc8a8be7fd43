# SPDX-License-Identifier: GPL-2.0-or-later
"""Runs a Catch2 program and counts its test cases."""

import os
import re
import subprocess
import tempfile
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import reduce


@dataclass
class Counts:
    passed: int
    failed: int
    output: str

    def __add__(self, other: "Counts") -> "Counts":
        """Of the output, what a failure is told in: the rest would bury it."""
        told = [counts.output for counts in (self, other) if counts.failed]
        return Counts(self.passed + other.passed, self.failed + other.failed, "".join(told))


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
    output = done.stdout.decode(errors="replace")
    # A line with the names of all cases that were asked for: of no use, and taken for a finding.
    output = re.sub(r"^Filters: .*\n", "", output, flags=re.M)
    return counts(done.returncode, output)


def run_shares(command: list[str], timeout: float = 600, **options) -> Counts:
    """The same with the cases spread over processes, one per processor at a time."""
    listed = subprocess.run([*command, "--list-test-names-only", "~[.]"], stdin=subprocess.DEVNULL,
                            capture_output=True, text=True, timeout=timeout, **options)
    names = [name.replace(",", "\\,") for name in listed.stdout.splitlines()]
    processors = os.cpu_count() or 1
    shares = 8 * processors  # more than there are processors: some cases take a thousand times longer
    with tempfile.TemporaryDirectory(prefix="dwt-") as folder, ThreadPoolExecutor(processors) as at_once:
        def share(number: int) -> Counts:
            path = f"{folder}/{number}"
            with open(path, "w") as out:
                out.write("\n".join(names[number::shares]) + "\n")
            return run([*command, "--input-file", path], timeout, **options)

        total = reduce(Counts.__add__, at_once.map(share, range(min(shares, len(names)))))
    if total.passed + total.failed != len(names):
        return total + Counts(0, 1, f"\n({len(names)} cases are listed)")
    return total

#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Runs the kernel tests: every test_*.py of a folder, one line for each test.

usage: run.py [--folder FOLDER] [--share I/N] [--list] [PART-OF-A-NAME…]
Without --folder: those of this folder, and the *-check programs that are built from it.
--share 1/2 runs every second test, --share 2/2 the others.
Needs root, a built tree (DOORWARD_BUILD, default ./build) and no host network: each test makes its
own namespaces. DOORWARD_WORLD=guest|native says on whose kernel it runs.
The last line is "N passed, N failed, N skipped"; the exit status is 1 if a test failed.
"""

import argparse
import os
import signal
import sys
import time
import unittest
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.dont_write_bytecode = True  # the tree stays as it was checked out
sys.path.insert(0, str(HERE))

from lib import catch  # noqa: E402
from lib.namespace import remove_stale  # noqa: E402
from lib.places import BUILD, WORLD  # noqa: E402

SECONDS_PER_TEST = 600


class Outcome(unittest.TestResult):
    """Prints one line for each test, and its failure below it at once."""

    def __init__(self):
        super().__init__()
        self.passed = 0
        self.note = None

    def startTest(self, test):
        super().startTest(test)
        self.began = time.monotonic()
        self.note = None
        signal.alarm(SECONDS_PER_TEST)

    def stopTest(self, test):
        signal.alarm(0)
        super().stopTest(test)
        word, text = self.note or ("ok", "")
        self.passed += self.note is None
        print(f"{word:5}{time.monotonic() - self.began:7.1f} s  {title(test)}", flush=True)
        if text:
            print("    " + text.rstrip().replace("\n", "\n    "), flush=True)

    def _failed(self, test, error):
        earlier = self.note[1] if self.note else ""
        self.note = ("FAIL", earlier + self._exc_info_to_string(error, test))

    def addError(self, test, err):
        super().addError(test, err)
        if isinstance(test, unittest.TestCase):
            self._failed(test, err)
        else:  # setUpClass or its like, which belongs to no test
            print(f"FAIL           {test}\n{self.errors[-1][1]}", flush=True)

    def addFailure(self, test, err):
        super().addFailure(test, err)
        self._failed(test, err)

    def addSubTest(self, test, subtest, err):
        super().addSubTest(test, subtest, err)
        if err is not None:
            self._failed(subtest, err)

    def addSkip(self, test, reason):
        super().addSkip(test, reason)
        self.note = ("skip", reason)
        if not isinstance(test, unittest.TestCase):
            print(f"skip           {test}: {reason}", flush=True)

    def addUnexpectedSuccess(self, test):
        super().addUnexpectedSuccess(test)
        self.note = ("FAIL", "was expected to fail, and passed")


def title(test: unittest.TestCase) -> str:
    return test.id().removeprefix("test_")


def belongs_here(test: unittest.TestCase) -> bool:
    method = getattr(test, test._testMethodName, None)
    world = getattr(method, "only_in", getattr(test, "only_in", WORLD))
    return world == WORLD


def tests_of(suite: unittest.TestSuite):
    for item in suite:
        if isinstance(item, unittest.TestSuite):
            yield from tests_of(item)
        else:
            yield item


def choose(folder: str, parts: list[str]) -> list[unittest.TestCase]:
    """The tests whose name holds one of `parts`, less those about another kernel."""
    found = tests_of(unittest.TestLoader().discover(folder, "test_*.py"))
    wanted = [test for test in found if not parts or any(part in test.id() for part in parts)]
    chosen = [test for test in wanted if belongs_here(test)]
    if len(chosen) < len(wanted):
        print(f"{len(wanted) - len(chosen)} tests are about another kernel than the {WORLD} one")
    return chosen


def check_programs(parts: list[str]) -> list[Path]:
    programs = sorted((BUILD / "tests" / "kernel").glob("*-check"))
    return [path for path in programs if not parts or any(part in path.name for part in parts)]


def run_checks(programs: list[Path]) -> tuple[int, int]:
    """Runs Catch2 programs; gives how many cases passed and failed."""
    passed = failed = 0
    for program in programs:
        began = time.monotonic()
        result = catch.run([str(program)], SECONDS_PER_TEST)
        passed += result.passed
        failed += result.failed
        word = "FAIL" if result.failed else "ok"
        print(f"{word:5}{time.monotonic() - began:7.1f} s  {program.name}: "
              f"{result.passed} of {result.passed + result.failed} cases", flush=True)
        if result.failed:
            print("    " + result.output.rstrip().replace("\n", "\n    "), flush=True)
    return passed, failed


def run_tests(tests: list[unittest.TestCase]) -> tuple[int, int, int]:
    """Gives how many passed, failed and were skipped; a test with failing parts counts once."""
    outcome = Outcome()
    unittest.TestSuite(tests)(outcome)  # a suite, so that setUpClass runs
    failed = {getattr(test, "test_case", test).id() for test, _ in outcome.failures + outcome.errors}
    unexpected = len(outcome.unexpectedSuccesses)
    return outcome.passed, len(failed) + unexpected, len(outcome.skipped)


def share(text: str) -> slice:
    number, _, of = text.partition("/")
    if not 1 <= int(number) <= int(of):
        raise ValueError(text)
    return slice(int(number) - 1, None, int(of))


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--folder")
    parser.add_argument("--share", type=share, default=slice(None), metavar="I/N")
    parser.add_argument("--list", action="store_true")
    parser.add_argument("parts", nargs="*")
    arguments = parser.parse_args()

    tests = choose(arguments.folder or str(HERE), arguments.parts)[arguments.share]
    checks = [] if arguments.folder else check_programs(arguments.parts)[arguments.share]
    if arguments.list:
        print("\n".join([title(test) for test in tests] + [path.name for path in checks]))
        return 0
    if os.geteuid() != 0:
        print("run.py: must run as root: the tests make network namespaces", file=sys.stderr)
        return 1

    remove_stale()
    checks_passed, checks_failed = run_checks(checks)
    passed, failed, skipped = run_tests(tests)
    passed += checks_passed
    failed += checks_failed
    print(f"{passed} passed, {failed} failed, {skipped} skipped")
    return 0 if passed and not failed else 1


def interrupted(number, _frame):
    what = "took too long" if number == signal.SIGALRM else f"got signal {number}"
    raise TimeoutError(what) if number == signal.SIGALRM else SystemExit(what)


if __name__ == "__main__":
    signal.signal(signal.SIGALRM, interrupted)
    signal.signal(signal.SIGTERM, interrupted)
    sys.exit(main())

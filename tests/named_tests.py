#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Checks that the tests which a document names are there: `FILE::TEST`, FILE below this folder. And that each attack
is named by it.

usage: named_tests.py DOCUMENT
"""

import re
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent


def tests_in(path: Path) -> set[str]:
    return set(re.findall(r"^    def (test_\w+)\(", path.read_text(), re.MULTILINE)) if path.is_file() else set()


def main() -> int:
    text = Path(sys.argv[1]).read_text()
    named = re.findall(r"`([\w./-]+)::(\w+)`", text)
    wrong = [f"{file}::{test} is not there" for file, test in named if test not in tests_in(HERE / file)]
    for path in sorted((HERE / "attacks").glob("test_*.py")):
        file = f"attacks/{path.name}"
        if not tests_in(path) & {test for each, test in named if each == file}:
            wrong.append(f"{file} is not named")
    print("\n".join(wrong or [f"{len(named)} tests"]))
    return 1 if wrong or not named else 0


sys.exit(main())

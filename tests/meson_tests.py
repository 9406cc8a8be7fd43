#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Runs the Catch2 programs that a build folder declares as tests, all but those of one suite, and
counts their cases.

usage: meson_tests.py BUILD-FOLDER SUITE-TO-LEAVE-OUT
The last line is "N passed, N failed".
"""

import json
import os
import sys
import time
from pathlib import Path

sys.dont_write_bytecode = True
sys.path.insert(0, str(Path(__file__).resolve().parent / "kernel"))

from lib import catch  # noqa: E402


def main() -> int:
    folder, left_out = Path(sys.argv[1]), sys.argv[2]
    declared = json.loads((folder / "meson-info" / "intro-tests.json").read_text())
    passed = failed = 0
    for test in declared:
        if any(suite.split(":")[-1] == left_out for suite in test["suite"]):
            continue
        if not Path(test["cmd"][0]).is_relative_to(folder.resolve()):
            continue  # an installed tool, such as mandoc: no Catch2 program
        began = time.monotonic()
        result = catch.run_shares(test["cmd"], cwd=test["workdir"], env={**os.environ, **test["env"]})
        passed += result.passed
        failed += result.failed
        word = "FAIL" if result.failed else "ok"
        print(f"{word:5}{time.monotonic() - began:7.1f} s  {test['name']}: "
              f"{result.passed} of {result.passed + result.failed} cases", flush=True)
        if result.failed:
            print(result.output)
    print(f"{passed} passed, {failed} failed")
    return 0 if passed and not failed else 1


sys.exit(main())

# SPDX-License-Identifier: GPL-2.0-or-later
"""Helper process: runs the programs named on stdin (JSON), so many at a time; prints how each ended.

usage: run_all.py PARALLEL
"""

import json
import os
import sys


def main() -> None:
    parallel = int(sys.argv[1])
    commands = json.load(sys.stdin)
    results: list[dict] = [{} for _ in commands]
    running: dict[int, int] = {}
    quiet = [(os.POSIX_SPAWN_OPEN, fd, "/dev/null", os.O_RDWR, 0) for fd in (0, 1, 2)]

    def reap() -> None:
        pid, status = os.wait()
        results[running.pop(pid)] = {"pid": pid, "status": os.waitstatus_to_exitcode(status)}

    for index, command in enumerate(commands):
        if len(running) >= parallel:
            reap()
        pid = os.posix_spawn(command[0], command, os.environ, file_actions=quiet)
        running[pid] = index
    while running:
        reap()
    json.dump(results, sys.stdout)


main()

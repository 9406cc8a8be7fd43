# SPDX-License-Identifier: GPL-2.0-or-later
"""Where things are, on the building machine and in the guest alike."""

import errno
import os
import shutil
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[3]
BUILD = Path(os.environ.get("DOORWARD_BUILD", ROOT / "build"))

# "native": this machine's own kernel. "guest": Debian's kernel in QEMU. Set by ./test.
WORLD = os.environ.get("DOORWARD_WORLD", "native")


def built(path: str) -> str:
    """The full path of a program that the build made, such as "fwd/doorwardd"."""
    program = BUILD / path
    if not program.exists():
        raise FileNotFoundError(f"{program} is not built; run ./setup (or set DOORWARD_BUILD)")
    return str(program)


def copies(program: str, folder: Path, count: int) -> list[str]:
    """`count` copies of a program, each under its own name in `folder`."""
    folder.mkdir(parents=True, exist_ok=True)
    stem = Path(program).name
    paths = [folder / f"{stem}-{number:05d}" for number in range(count)]
    for path in paths:
        shutil.copy(program, path)
    return [str(path) for path in paths]


def open_program(path: str, mode: str, seconds: float = 10):
    """Opens a program that ran to write into it. It is busy while anybody, such as who reads its
    command line in /proc, still holds the memory of a process that has been waited for."""
    deadline = time.monotonic() + seconds
    while True:
        try:
            return open(path, mode)
        except OSError as error:
            if error.errno != errno.ETXTBSY or time.monotonic() > deadline:
                raise
        time.sleep(0.05)


# A set of hooks that all daemons are told to take, but those of tests that choose one.
FORCED_HOOKS = os.environ.get("DOORWARD_HOOKS")


def usual_hooks() -> str:
    """The set that a daemon takes here. A kernel whose perf unit for kprobes exists is Debian's, and has fentry too."""
    has_both = Path("/sys/bus/event_source/devices/kprobe/type").exists()
    return FORCED_HOOKS or ("fentry" if has_both else "cgroup")

# SPDX-License-Identifier: GPL-2.0-or-later
"""A control group for the daemon, in whichever hierarchy has the controller."""

from contextlib import suppress
from pathlib import Path


def _mounted(kind: str, option: str = "") -> Path | None:
    for line in Path("/proc/mounts").read_text().splitlines():
        _, path, found, options = line.split()[:4]
        if found == kind and (not option or option in options.split(",")):
            return Path(path)
    return None


class ControlGroup:
    """`controller`: freezer or memory. `freeze()` needs the first, `limit()` the second."""

    def __init__(self, controller: str, name: str):
        first = _mounted("cgroup", controller)
        self.unified = first is None
        root = _mounted("cgroup2") if self.unified else first
        if root is None:
            raise RuntimeError(f"no control groups for {controller}")
        if self.unified and controller == "memory":
            (root / "cgroup.subtree_control").write_text("+memory")
        self.root, self.path = root, root / name
        self.path.mkdir()

    def add(self, pid: int) -> None:
        (self.path / "cgroup.procs").write_text(str(pid))

    def freeze(self, frozen: bool) -> None:
        if self.unified:
            (self.path / "cgroup.freeze").write_text("1" if frozen else "0")
        else:
            (self.path / "freezer.state").write_text("FROZEN" if frozen else "THAWED")

    def frozen(self) -> bool:
        if self.unified:
            return "frozen 1" in (self.path / "cgroup.events").read_text()
        return (self.path / "freezer.state").read_text().strip() == "FROZEN"

    def used(self) -> int:
        name = "memory.current" if self.unified else "memory.usage_in_bytes"
        return int((self.path / name).read_text())

    def limit(self, limit: int) -> None:
        (self.path / ("memory.max" if self.unified else "memory.limit_in_bytes")).write_text(str(limit))

    def remove(self) -> None:
        with suppress(OSError):
            for pid in (self.path / "cgroup.procs").read_text().split():
                (self.root / "cgroup.procs").write_text(pid)
        self.path.rmdir()

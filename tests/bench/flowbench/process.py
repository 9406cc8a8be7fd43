# SPDX-License-Identifier: GPL-2.0-or-later
"""What a process has used, by the scheduler's own clock."""

from dataclasses import dataclass
from pathlib import Path


@dataclass
class Usage:
    cpu_ns: dict[str, int]  # of each thread, by name and number
    rss_kb: int
    peak_kb: int

    @staticmethod
    def of(pid: int) -> "Usage":
        status = dict(line.split(":", 1) for line in Path(f"/proc/{pid}/status").read_text().splitlines()
                      if ":" in line)
        threads = {}
        for task in Path(f"/proc/{pid}/task").iterdir():
            try:
                name = (task / "comm").read_text().strip()
                threads[f"{name}/{task.name}"] = int((task / "schedstat").read_text().split()[0])
            except (FileNotFoundError, ProcessLookupError):
                pass  # a thread that ended meanwhile
        kilobytes = {key: int(status[key].split()[0]) for key in ("VmRSS", "VmHWM")}
        return Usage(threads, kilobytes["VmRSS"], kilobytes["VmHWM"])

    def cpu_since(self, before: "Usage") -> dict[str, int]:
        """Nanoseconds of each name of a thread; threads of one name are added up."""
        used: dict[str, int] = {}
        for thread, now in self.cpu_ns.items():
            name = thread.rpartition("/")[0]
            used[name] = used.get(name, 0) + now - before.cpu_ns.get(thread, 0)
        return used

# SPDX-License-Identifier: GPL-2.0-or-later
"""What the numbers were measured on."""

import os
import platform
import time
from pathlib import Path


def other_daemons() -> int:
    """Their hooks run for all programs of this machine, and so are in every contender's numbers."""
    found = 0
    for path in Path("/proc").glob("[0-9]*/comm"):
        try:
            found += path.read_text().strip() == "doorwardd"
        except (FileNotFoundError, ProcessLookupError):
            pass  # ended meanwhile
    return found


def describe() -> dict:
    model = [line.split(":", 1)[1].strip() for line in Path("/proc/cpuinfo").read_text().splitlines()
             if line.startswith("model name")]
    return {"kernel": platform.release(), "processor": model[0] if model else platform.machine(),
            "cpus": os.cpu_count(), "load_at_start": os.getloadavg()[0],
            "other_daemons": other_daemons(),
            "time": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())}


def line(machine: dict) -> str:
    parts = [f"Linux {machine['kernel']}", f"{machine['cpus']} × {machine['processor']}"]
    if "hooks" in machine:
        parts.append(f"doorward {machine['version']}, {machine['hooks']} hooks, {machine['queue']} queue")
    parts.append(f"load {machine['load_at_start']:.1f} at the start")
    if machine.get("other_daemons"):
        parts.append(f"{machine['other_daemons']} other doorwardd, whose hooks slow everybody")
    return "; ".join(parts)

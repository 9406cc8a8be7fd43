# SPDX-License-Identifier: GPL-2.0-or-later
"""Does the audit log have all that was decided? Every verdict is in one row, or counted in one.

The load's own count is the truth from outside: nothing that passed may lack a verdict.
"""

import time
from dataclasses import dataclass

ROWS = "SELECT coalesce(sum(count), 0) AS kept FROM decisions WHERE reason <> 'audit-loss'"


@dataclass
class Kept:
    flows: int     # that the load made and that needed a verdict each
    verdicts: int  # as `doorward status` counts them: also those on what failed, and on others' packets
    rows: int      # sum of the rows' counts
    lost: int      # that the daemon itself says it could not keep

    @property
    def equal(self) -> bool:
        return self.flows <= self.verdicts == self.rows and self.lost == 0


def verdicts(status: dict) -> int:
    return sum(status["packets"][name] for name in ("accepted", "dropped", "rejected"))


def rows(daemon) -> int:
    return daemon.audit.query(ROWS)[0]["kept"]


def wait_written(daemon, flows: int, seconds: float = 60) -> None:
    """Verdicts are collected and rows written in batches: waits for that, but no longer. The daemon is
    not asked: an answer costs it more than a hundred flows."""
    deadline = time.monotonic() + seconds
    while rows(daemon) < flows and time.monotonic() < deadline:
        time.sleep(0.1)


def wait_kept(daemon, flows: int, seconds: float = 60) -> Kept:
    """Waits until nothing is missing, or so long."""
    deadline = time.monotonic() + seconds
    while True:
        status = daemon.status()
        kept = Kept(flows, verdicts(status), rows(daemon), status["audit"]["lost"])
        nothing_waits = status["audit"]["pending"] == 0 and kept.lost > 0
        if kept.equal or nothing_waits or time.monotonic() > deadline:
            return kept
        time.sleep(0.2)

# SPDX-License-Identifier: GPL-2.0-or-later
"""Tables are bounded: flows and processes come and go, the daemon stays as large as it is."""

import os
import re
from functools import cache
from pathlib import Path
from unittest import mock

from lib.case import KernelTest, only_in
from lib.places import built
from lib.wait import wait_for, wait_until

KIB = 1024
FLOWS = 150_000  # more than any table holds
IDLE = 15 * KIB * KIB
WITH_RULES = 60 * KIB * KIB


@cache
def sanitizers() -> set[str]:
    """What the daemon was built with: it keeps memory of its own."""
    program = Path(built("fwd/doorwardd")).read_bytes()
    return {name for name in ("asan", "tsan") if f"__{name}_init".encode() in program}


class Memory(KernelTest):
    def resident(self, daemon) -> int:
        status = Path(f"/proc/{daemon.process.pid}/status").read_text()
        return int(re.search(r"VmRSS:\s+(\d+) kB", status)[1]) * KIB

    def settle(self, daemon) -> None:
        wait_for(0, lambda: daemon.status()["audit"]["pending"], 120)

    def send(self, daemon, what: str, count: int) -> int:
        attack = built("tests/attribution/programs/attack")
        ended = self.host.run(attack, what, str(count), self.pair.peer4, timeout=300)
        self.assertEqual(ended.returncode, 0, ended.stderr)
        self.settle(daemon)
        return self.resident(daemon)

    def send_until(self, daemon, decided: int) -> int:
        """What finds the queue full is not decided."""
        for _ in range(40):
            size = self.send(daemon, "flows", 20_000)
            if daemon.status()["packets"]["received"] >= decided:
                return size
        self.fail(f"too few were decided: {daemon.status()['packets']}")

    @only_in("native")  # shared libraries of other versions have other sizes
    def test_what_the_start_took_is_given_back(self):
        daemon = self.daemon("", config="mode: enforce\n")
        wait_until(lambda: self.resident(daemon) < (1000 if sanitizers() else 1) * IDLE)
        self.assertNotEqual(self.contact("tcp4", 7).returncode, 0)  # and it still decides

    @only_in("native")
    def test_a_hundred_thousand_rules(self):
        count = 10_000 if sanitizers() else 100_000  # which takes a sanitizer minutes
        rules = "".join(f"  - {{name: r{i}, app: /usr/lib/program-{i % 5000}/bin/tool-{i}, protocol: tcp,\n"
                        f"     to: 10.{i % 256}.{i // 256 % 256}.0/24, port: {1000 + i % 5000}, action: accept}}\n"
                        for i in range(count))
        daemon = self.daemon("rules:\n" + rules, config="mode: enforce\n")
        wait_until(lambda: self.resident(daemon) < (1000 if sanitizers() else 1) * WITH_RULES, 120)
        self.assertEqual(daemon.status()["ruleset"]["rules"], count)

    @only_in("native")  # of the guest's kernel nothing is asked here that takes 100,000 flows to see
    def test_many_short_lived_flows_and_processes_leave_it_flat(self):
        may_grow = (32 if "tsan" in sanitizers() else 8) * KIB * KIB
        # ASan keeps 256 MB of what was freed, to find late uses of it: far more than there is to see.
        options = {"ASAN_OPTIONS": os.environ.get("ASAN_OPTIONS", "") + ":quarantine_size_mb=1"}
        self.enterContext(mock.patch.dict(os.environ, options))
        daemon = self.daemon("", config="mode: enforce\nlimits: {audit_records: 4096}\n",
                             default_out="accept")
        full = self.send_until(daemon, FLOWS)
        after = self.send_until(daemon, 2 * FLOWS)
        self.assertLess(after - full, may_grow, f"{full} bytes, then {after}")
        after = self.send(daemon, "children", 10_000)
        self.assertLess(after - full, 4 * may_grow, f"{full} bytes, then {after}, of 10,000 processes")

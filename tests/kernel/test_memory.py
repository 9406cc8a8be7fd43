# SPDX-License-Identifier: GPL-2.0-or-later
"""Tables are bounded: flows and processes come and go, the daemon stays as large as it is."""

import re
import time
from pathlib import Path

from lib.case import KernelTest, only_in
from lib.places import built

KIB = 1024
FLOWS = 150_000  # more than any table holds
MAY_GROW = 8 * KIB * KIB


class Memory(KernelTest):
    def resident(self, daemon) -> int:
        status = Path(f"/proc/{daemon.process.pid}/status").read_text()
        return int(re.search(r"VmRSS:\s+(\d+) kB", status)[1]) * KIB

    def settle(self, daemon) -> None:
        deadline = time.monotonic() + 120
        while daemon.status()["audit"]["pending"] > 0 and time.monotonic() < deadline:
            time.sleep(0.2)

    def send(self, daemon, what: str, count: int) -> int:
        attack = built("tests/attribution/programs/attack")
        ended = self.host.run(attack, what, str(count), self.pair.peer4, timeout=300)
        self.assertEqual(ended.returncode, 0, ended.stderr)
        self.settle(daemon)
        return self.resident(daemon)

    @only_in("native")  # of the guest's kernel nothing is asked here that takes 100,000 flows to see
    def test_many_short_lived_flows_and_processes_leave_it_flat(self):
        daemon = self.daemon("", config="mode: enforce\nlimits: {audit_records: 4096}\n",
                             default_out="accept")
        full = self.send(daemon, "flows", FLOWS)
        after = self.send(daemon, "flows", FLOWS)
        self.assertLess(after - full, MAY_GROW, f"{full} bytes, then {after}")
        self.assertGreater(daemon.status()["packets"]["received"], FLOWS)
        after = self.send(daemon, "children", 10_000)
        self.assertLess(after - full, 4 * MAY_GROW, f"{full} bytes, then {after}, of 10,000 processes")

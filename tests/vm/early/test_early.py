# SPDX-License-Identifier: GPL-2.0-or-later
"""A boot with systemd, closed by default, and somebody who sends before any network is configured."""

import json
import subprocess
import time
import unittest
from pathlib import Path

from lib.case import only_in
from lib.wait import wait_until

RESULT = Path("/run/leak-early.json")


def entered(unit: str) -> float:
    """When it became active: seconds of CLOCK_MONOTONIC."""
    words = ("systemctl", "show", "--value", "-p", "ActiveEnterTimestampMonotonic", unit)
    return int(subprocess.run(words, text=True, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, timeout=60,
                              check=True).stdout) / 1e6


@only_in("guest")
class Early(unittest.TestCase):
    def told(self) -> dict:
        """What the sender has written down, once it has sent often enough since the last arrival."""
        deadline = time.monotonic() + 60
        while True:
            told = json.loads(RESULT.read_text()) if RESULT.exists() else {}
            if told.get("sent_since", 0) >= 500:
                return told
            self.assertLess(time.monotonic(), deadline, told)
            time.sleep(0.5)

    def test_nothing_gets_out_once_the_unit_is_up_and_that_is_before_any_network(self):
        wait_until(lambda: entered("doorwardd.service") and entered("network-pre.target"), 120)
        unit, network = entered("doorwardd.service"), entered("network-pre.target")
        told = self.told()
        last = told["last_arrival"]
        print(f"      first packet sent {told['began']:.2f} s after the kernel began; {told['arrived']} arrived, the "
              f"last at {last or 0:.2f} s; unit up at {unit:.2f} s, network-pre.target at {network:.2f} s; "
              f"{told['sent_since']} sent since")
        self.assertGreater(unit, 0)
        self.assertLessEqual(unit, network)
        if last is not None:
            self.assertLess(last, unit)
            self.assertLess(last, network)

# SPDX-License-Identifier: GPL-2.0-or-later
"""The guest is what the boot tests take it for: a Debian that systemd has brought up."""

import os
import subprocess
import unittest
from pathlib import Path

from lib.case import only_in


def output(*words: str) -> str:
    return subprocess.run(words, text=True, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, timeout=60).stdout


@only_in("guest")
class Guest(unittest.TestCase):
    def test_systemd_is_the_first_process(self):
        self.assertEqual(Path("/proc/1/comm").read_text().strip(), "systemd")

    def test_the_kernel_is_debians_with_kprobes(self):
        release = os.uname().release
        self.assertRegex(release, r"^6\.1\.0-\d+(-cloud)?-amd64$")
        self.assertIn("CONFIG_KPROBES=y", Path(f"/boot/config-{release}").read_text())

    def test_no_unit_has_failed(self):
        output("systemctl", "is-system-running", "--wait")
        self.assertEqual(output("systemctl", "list-units", "--failed", "--plain", "--no-legend"), "")

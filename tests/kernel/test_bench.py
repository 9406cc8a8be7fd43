# SPDX-License-Identifier: GPL-2.0-or-later
"""The benchmark of flows still runs, measures what it says, and finds every verdict in the log."""

import json
import shutil
import subprocess
import sys
import tempfile
import unittest
import xml.etree.ElementTree as ElementTree
from pathlib import Path

from lib.case import only_in
from lib.places import ROOT

CONTENDERS = ("conntrack", "accept-loop", "doorward")
MEASURES = ("tcp", "udp", "exec", "denied", "stream", "packets")


@only_in("native")
class Bench(unittest.TestCase):
    def setUp(self):
        self.folder = Path(tempfile.mkdtemp(prefix="dwt-"))
        self.addCleanup(shutil.rmtree, self.folder, ignore_errors=True)

    def run_flows(self, *words: str) -> subprocess.CompletedProcess:
        return subprocess.run([sys.executable, str(ROOT / "tests/bench/flows"), *words], text=True,
                              stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                              timeout=240)

    def test_every_cell_is_measured_and_every_verdict_kept(self):
        data_file, plot_file = self.folder / "flows.json", self.folder / "flows.svg"
        result = self.run_flows("--rounds", "1", "--seconds", "0.05", "--clients", "2", "--rules", "10",
                                "--contenders", ",".join(CONTENDERS), "--json", str(data_file),
                                "--plot", str(plot_file))
        self.assertEqual(result.returncode, 0, result.stdout + result.stderr)
        data = json.loads(data_file.read_text())
        self.assertEqual(data["absent"], {})
        wanted = {(contender, measure) for contender in CONTENDERS for measure in MEASURES}
        wanted.remove(("accept-loop", "denied"))  # it can't
        self.assertEqual({(cell["contender"], cell["measure"]) for cell in data["cells"]}, wanted)
        for cell in data["cells"]:
            with self.subTest(contender=cell["contender"], measure=cell["measure"]):
                self.check_cell(cell)
        self.check_kept(data["kept"])
        self.assertIn("| doorward ", result.stdout)
        bars = ElementTree.parse(plot_file).getroot().findall("{http://www.w3.org/2000/svg}rect")
        self.assertEqual(len(bars), len(wanted) + 1)  # and the background

    def check_cell(self, cell: dict):
        self.assertGreater(cell["count"], 0)
        self.assertGreater(cell["rate"], 0)
        self.assertEqual(cell["errors"], {})
        if cell["measure"] not in ("stream", "packets"):
            times = [cell["latency_ns"][name] for name in ("p50", "p90", "p99", "p999")]
            self.assertEqual(times, sorted(times))
            self.assertGreater(times[0], 0)
        if cell["contender"] in ("accept-loop", "doorward") and cell["measure"] != "stream":
            self.assertGreater(sum(cell["firewall_cpu_ns"].values()), 0)

    def check_kept(self, kept: list[dict]):
        self.assertEqual({one["measure"] for one in kept}, set(MEASURES))
        for one in kept:
            with self.subTest(kept=one["measure"]):
                self.assertEqual(one["verdicts"], one["rows"])
                self.assertGreaterEqual(one["verdicts"], one["flows"])
                self.assertGreater(one["flows"], 0)

    def test_wrong_words_are_refused(self):
        for words in (("--contenders", "conntrack,nobody"), ("--measures", "tpc"), ("--rounds", "0"),
                      ("--clients", "0"), ("--base", "nobody"), ("--seconds", "601")):
            with self.subTest(words=words):
                self.assertEqual(self.run_flows(*words).returncode, 2)

# SPDX-License-Identifier: GPL-2.0-or-later
"""Users who may not even ask, and who take all places at the control socket: who may ask still can."""

import grp
import os
import subprocess
import time

from attack import Attack
from lib.places import built

HOLD = """
import os, socket, sys, time
path, seconds = sys.argv[1], float(sys.argv[2])
open_ones, end = [], time.monotonic() + seconds
print("ready", flush=True)
while time.monotonic() < end:
    kept = []
    for s in open_ones:
        try:
            if s.recv(65536) == b"": s.close(); continue
        except BlockingIOError: pass
        except OSError: s.close(); continue
        kept.append(s)
    open_ones = kept
    while len(open_ones) < 20:
        s = socket.socket(socket.AF_UNIX); s.setblocking(False)
        try: s.connect(path)
        except OSError: s.close(); break
        open_ones.append(s)
    time.sleep(0.02)
"""


class Crowd(Attack):
    def test_who_may_ask_still_can(self):
        name, gid = "games", grp.getgrnam("games").gr_gid
        self.start(config=f"groups: {{read: {name}}}\n")
        os.chmod(self.fw.folder, 0o755)
        ask = ["setpriv", "--reuid=4444", f"--regid={gid}", "--clear-groups", built("cli/doorward"),
               "--socket", str(self.fw.socket), "status"]
        first = subprocess.run(ask, capture_output=True, text=True)
        self.assertEqual(first.returncode, 0, first.stderr)
        crowd = []
        for user in (5001, 5002, 5003):
            made = subprocess.Popen(["setpriv", f"--reuid={user}", f"--regid={user}", "--clear-groups", self.allowed,
                                     "-ISc", HOLD, str(self.fw.socket), "12"], stdout=subprocess.PIPE, text=True)
            self.addCleanup(made.stdout.close)
            self.addCleanup(made.wait)
            self.addCleanup(made.kill)
            made.stdout.readline()
            crowd.append(made)
        time.sleep(0.5)
        failed = []
        for _ in range(30):
            done = subprocess.run(ask, capture_output=True, text=True, timeout=20)
            if done.returncode:
                failed.append(done.stderr.strip())
            time.sleep(0.2)
        self.assertEqual(failed, [])

# SPDX-License-Identifier: GPL-2.0-or-later
"""The installed unit, closed by default: nothing gets out while systemd restarts it, or its watchdog ends it."""

import json
import signal
import subprocess
import sys
import time
import unittest
from pathlib import Path

from lib.case import only_in

UNIT = "doorwardd.service"
CONFIG = Path("/etc/doorward/doorward.yaml")
ADDRESS, FAR = "10.97.0.2", "02:00:00:00:97:02"

# Sends as fast as it can until its input ends; says how often.
SENDER = """
import json, select, socket, sys
count = refused = 0
while not select.select([sys.stdin], [], [], 0)[0]:
    for _ in range(20):
        s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        try:
            s.sendto(b"forbidden", ("%s", 9 + count %% 1000))
        except OSError:
            refused += 1
        s.close()
        count += 1
print(json.dumps({"sent": count, "refused": refused}))
""" % ADDRESS


def run(*words: str) -> str:
    return subprocess.run(words, text=True, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, timeout=120, check=True).stdout


def shown(key: str) -> str:
    return run("systemctl", "show", "--value", "-p", key, UNIT).strip()


@only_in("guest")
class UnitLeak(unittest.TestCase):
    def setUp(self):
        run("ip", "link", "add", "dw0", "type", "veth", "peer", "name", "dw1")
        self.addCleanup(run, "ip", "link", "del", "dw0")
        for link in ("dw0", "dw1"):
            Path(f"/proc/sys/net/ipv6/conf/{link}/disable_ipv6").write_text("1")
            run("ip", "link", "set", link, "up")
        run("ip", "address", "add", "10.97.0.1/24", "dev", "dw0")
        run("ip", "neigh", "replace", ADDRESS, "lladdr", FAR, "dev", "dw0", "nud", "permanent")
        CONFIG.write_text("mode: enforce\ndefaults: {out: drop}\n")
        CONFIG.chmod(0o644)
        self.addCleanup(run, "systemctl", "restart", UNIT)
        self.addCleanup(CONFIG.unlink)
        run("systemctl", "restart", UNIT)

    def arrived(self) -> int:
        return int(Path("/sys/class/net/dw1/statistics/rx_packets").read_text())

    def while_sending(self, act) -> int:
        """How many packets arrive while that is done; how many were tried is printed."""
        before = self.arrived()
        sender = subprocess.Popen([sys.executable, "-c", SENDER], text=True, stdin=subprocess.PIPE,
                                  stdout=subprocess.PIPE)
        try:
            time.sleep(1)
            act()
            time.sleep(1)
            said = json.loads(sender.communicate(timeout=60)[0])
        finally:
            sender.kill()
            sender.wait()
        print(f"      {act.__name__}: {said['sent']} datagrams sent, {self.arrived() - before} arrived")
        self.assertGreater(said["sent"], 500)
        return self.arrived() - before

    def active_again(self, pid: str) -> None:
        deadline = time.monotonic() + 120
        while shown("MainPID") in (pid, "0") or shown("ActiveState") != "active":
            if time.monotonic() > deadline:
                self.fail(run("systemctl", "status", "--no-pager", UNIT))
            time.sleep(0.2)

    def test_a_restart_opens_nothing_and_a_stop_does(self):
        def restart():
            for _ in range(3):
                run("systemctl", "restart", UNIT)

        def stop():
            run("systemctl", "stop", UNIT)

        self.assertEqual(self.while_sending(restart), 0)
        self.assertGreater(self.while_sending(stop), 0)  # what counts does count
        run("systemctl", "start", UNIT)

    def test_a_kill_opens_nothing(self):
        def kill():
            pid = shown("MainPID")
            run("systemctl", "kill", "--signal=KILL", "--kill-whom=main", UNIT)
            self.active_again(pid)

        self.assertEqual(self.while_sending(kill), 0)

    def test_the_watchdog_opens_nothing(self):
        def watchdog():
            pid = shown("MainPID")
            restarts = int(shown("NRestarts"))
            subprocess.run(["kill", f"-{signal.SIGSTOP.value}", pid], check=True)
            self.active_again(pid)
            self.assertGreater(int(shown("NRestarts")), restarts)

        self.assertEqual(self.while_sending(watchdog), 0)

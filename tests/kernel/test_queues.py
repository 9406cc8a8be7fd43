# SPDX-License-Identifier: GPL-2.0-or-later
"""Several queues, each with a thread that decides: what they have to agree on."""

import contextlib
import ctypes
import json
import os
import time
from pathlib import Path

from lib.case import TIMED_OUT, KernelTest, everywhere, only_in
from lib.exchange import Exchange
from lib.places import WORLD, copies
from lib.wait import wait_for

FOUR = "mode: enforce\nqueues: 4\n"
FIRST = 4870
FLOWS = 200 if WORLD == "native" else 40
ACCEPT_ALL = "rules:\n  - {name: all, action: accept}\n"

# Flows of both protocols, each from a socket of its own.
SEND = """
import socket, sys
peer, count = sys.argv[1], int(sys.argv[2])
for _ in range(count):
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s: s.sendto(b"x", (peer, 7))
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as s:
        s.settimeout(20)
        try: s.connect((peer, 7))
        except ConnectionRefusedError: pass
"""


# Slowly, and from ports by which all wait in the third of four queues.
SEND_TO_THIRD = """
import socket, sys, time
for port in [p for p in range(20000, 22000) if (p ^ 7) >> 1 & 3 == 2][:200]:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s: s.bind(("", port)); s.sendto(b"x", (sys.argv[1], 7))
    time.sleep(0.003)
"""


@contextlib.contextmanager
def stopped_thread(pid: int, name: str):
    """One thread of a process alone, as a debugger stops it."""
    libc = ctypes.CDLL(None, use_errno=True)
    tid, = (int(task) for task in os.listdir(f"/proc/{pid}/task")
            if Path(f"/proc/{pid}/task/{task}/comm").read_text().strip() == name)

    def ptrace(request: int) -> None:
        if libc.ptrace(request, tid, None, None) != 0:
            raise OSError(ctypes.get_errno(), "ptrace")
    ptrace(0x4206)  # PTRACE_SEIZE
    ptrace(0x4207)  # PTRACE_INTERRUPT
    os.waitpid(tid, 0x40000000)  # __WALL
    try:
        yield
    finally:
        ptrace(17)  # PTRACE_DETACH


@only_in("native")
class Queues(KernelTest):
    def packets_of_each(self) -> dict[int, int]:
        """How many have been in each queue, by its number."""
        table = self.host.run("cat", "/proc/net/netfilter/nfnetlink_queue", check=True).stdout
        return {int(row.split()[0]): int(row.split()[7]) for row in table.splitlines()}

    @everywhere
    def test_each_flow_is_its_program_s_and_told_once(self):
        programs = copies(os.path.realpath("/usr/bin/python3"), self.folder / "bin", 4)
        allowed, denied = programs[::2], programs[1::2]
        daemon = self.daemon(f"rules:\n  - {{name: allowed, app: {json.dumps(allowed)}, action: accept}}\n"
                             "  - {name: rest, action: reject}\n", config=FOUR)
        running = [self.host.start(program, "-c", SEND, self.pair.peer4, str(FLOWS)) for program in programs]
        for process in running:
            self.assertEqual(process.wait(120), 0)

        def told(program: str, rule: str) -> int:
            return daemon.audit.query("SELECT coalesce(sum(count), 0) AS n FROM decisions WHERE exe = ? AND rule = ? "
                                      "AND direction = 'out'", program, rule)[0]["n"]
        for program in allowed:
            wait_for(2 * FLOWS, lambda program=program: told(program, "allowed"))
        for program in denied:
            wait_for(2 * FLOWS, lambda program=program: told(program, "rest"))
        self.assertEqual(self.wire.count(protocol="udp"), 2 * FLOWS)
        self.assertEqual(daemon.audit.rows("unknown != '' AND direction = 'out' AND protocol IN ('tcp', 'udp')"), [])
        packets = self.packets_of_each()
        self.assertEqual(sorted(packets), list(range(FIRST, FIRST + 4)))
        self.assertGreater(min(packets.values()), FLOWS // 2, packets)
        self.assertIn("4870 to 4873", daemon.command("status").stdout)
        self.assertEqual(daemon.status()["queues"], 4)

    def test_known_verdicts_are_counted_whichever_queue_the_first_was_in(self):
        program, = copies(os.path.realpath("/usr/bin/python3"), self.folder / "bin", 1)
        daemon = self.daemon(f"rules:\n  - {{name: allowed, app: {program}, action: accept}}\n",
                             config=FOUR + "verdict_cache: true\n")
        running = [self.host.start(program, "-c", SEND, self.pair.peer4, str(FLOWS)) for _ in range(4)]
        for process in running:
            self.assertEqual(process.wait(120), 0)
        wait_for(8 * FLOWS, lambda: daemon.audit.query("SELECT coalesce(sum(count), 0) AS n FROM decisions "
                                                       "WHERE rule = 'allowed'")[0]["n"])
        self.assertGreater(daemon.status()["verdicts"]["given"], 6 * FLOWS)

    @everywhere
    def test_new_rules_are_asked_about_flows_of_all_queues(self):
        daemon = self.daemon(ACCEPT_ALL, config=FOUR)
        clients = [Exchange(self, self.host, self.pair.peer4, patience=3) for _ in range(8)]
        self.assertGreater(len([n for n in self.packets_of_each().values() if n > 0]), 1)
        daemon.write_rules("rules:\n  - {name: nothing, action: reject}\n")
        daemon.reload()
        self.wire.reset()
        for client in clients:
            self.assertIsNone(client.go_on())
        self.assertEqual(self.wire.count(protocol="tcp", dport=7), 0)

    def test_a_killed_daemon_lets_nothing_out_of_any(self):
        daemon = self.daemon(ACCEPT_ALL, config=FOUR)
        daemon.kill()
        self.wire.reset()
        for number in range(8):
            self.assertEqual(self.contact(("tcp4", "udp6")[number % 2], 7, "--wait", "200").returncode, TIMED_OUT)
        self.assertEqual(self.wire.count(), 0)
        daemon.config.write_text(daemon.config.read_text().replace("queues: 4", "queues: 1"))
        daemon.start()
        for _ in range(8):
            self.assertEqual(self.contact("tcp4").returncode, 0)
        self.assertEqual(list(self.packets_of_each()), [FIRST])

    def test_the_watchdog_speaks_for_each_thread(self):
        os.environ["WATCHDOG_USEC"] = "2000000"
        self.addCleanup(os.environ.pop, "WATCHDOG_USEC")
        daemon = self.daemon(ACCEPT_ALL, config=FOUR)

        def fed(seconds: float) -> int:
            """How often within so many seconds from now on."""
            while daemon.notifications.messages:
                daemon.notifications.messages.clear()
                daemon.notifications.receive(0)
            until = time.monotonic() + seconds
            while (left := until - time.monotonic()) > 0:
                daemon.notifications.receive(left)
            return daemon.notifications.messages.count("WATCHDOG=1")
        self.assertGreater(fed(4), 1)
        # One that has had much to do went round far more often than those with nothing to do.
        self.host.run("/usr/bin/python3", "-c", SEND_TO_THIRD, self.pair.peer4, check=True)
        self.assertGreater(self.packets_of_each()[FIRST + 2], 150)
        with stopped_thread(daemon.process.pid, f"packets {FIRST + 2}"):
            self.assertLessEqual(fed(4), 1, "it is fed although a queue is not read")
        self.assertGreater(fed(4), 1)

    def test_one_of_them_is_taken(self):
        other = self.daemon(config="mode: enforce\nqueue: 4872\nqueues: 1\n")
        before = self.host.run("nft", "list", "ruleset", check=True).stdout
        daemon = self.new_daemon(config=FOUR)
        daemon.launch()
        self.assertNotEqual(daemon.process.wait(60), 0)
        daemon.process = None
        self.assertRegex(daemon.log.read_text(), "queues 4870 to 4873: packet queue 4872 is read by another process")
        self.assertEqual(self.host.run("nft", "list", "ruleset", check=True).stdout, before)
        other.stop()

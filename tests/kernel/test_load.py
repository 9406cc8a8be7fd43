# SPDX-License-Identifier: GPL-2.0-or-later
"""More than the daemon can keep up with: nothing forbidden passes, every loss is in a counter, and once it is over
all is as it was before."""

import contextlib
import json
import os
import shutil
import sqlite3
import subprocess
import sys

from lib.case import KernelTest, everywhere, only_in
from lib.helper import Helper
from lib.places import WORLD, built, copies
from lib.wait import wait_for, wait_until

# Nobody answers on the thousand ports from each of these; the echo servers do on the other two.
ALLOWED, DENIED, ALLOWED_ECHO, DENIED_ECHO = 4000, 5000, 7, 80
FLOOD = 20_000 if WORLD == "native" else 1000
QUEUED = 64
WAITING_ROWS = 256
GOOD, OTHER = "10.99.0.10", "10.99.0.11"
DNS_RECORD = 8 + 8 + 512  # bytes in the ring, of a short message (bpf/wire.h)

# Says how many of its attempts ended with which error, and how long half of them took at most. Each has a socket of
# its own, so that each is a flow of its own.
SEND = """
import errno, json, os, socket, struct, sys, time
kind, peer, first, ports, count = sys.argv[1], sys.argv[2], *map(int, sys.argv[3:])
def datagram(port):
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s: s.sendto(b"load", (peer, port))
def begin(port):
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as s:
        s.setblocking(False)
        try: s.connect((peer, port))
        except BlockingIOError: pass
def connect(port):
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as s: s.settimeout(60); s.connect((peer, port))
def raw_syn(port):
    source = struct.unpack("!H", os.urandom(2))[0] | 1024
    head = struct.pack("!HHIIBBHHH", source, port, 1, 0, 0x50, 2, 1024, 0, 0)
    words = struct.unpack("!10H", head) + struct.unpack("!4H", addresses) + (6, len(head))
    total = sum(words); total = (total & 0xffff) + (total >> 16); total = (total & 0xffff) + (total >> 16)
    raw.sendto(head[:16] + struct.pack("!H", ~total & 0xffff) + head[18:], (peer, 0))
if kind == "raw_syn":
    raw = socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_TCP)
    raw.setsockopt(socket.SOL_SOCKET, 32, 1 << 26)  # SO_SNDBUFFORCE: what waits for a verdict is in it
    raw.connect((peer, 0)); addresses = socket.inet_aton(raw.getsockname()[0]) + socket.inet_aton(peer)
errors, times = {}, []
for number in range(count):
    began = time.monotonic()
    try: globals()[kind](first + number % ports); error = 0
    except OSError as failed: error = failed.errno or errno.ETIMEDOUT
    times.append(time.monotonic() - began)
    errors[error] = errors.get(error, 0) + 1
print(json.dumps([errors, sorted(times)[count // 2]]))
"""

# Asks for names, each as many times as it is told, always from one socket.
ASK = """
import socket, struct, sys
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
s.settimeout(30); s.connect((sys.argv[1], 53))
asked = 0
for line in sys.stdin:
    name, times = line.split()
    question = b"".join(bytes([len(part)]) + part.encode() for part in name.split(".")) + b"\\0\\0\\1\\0\\1"
    for _ in range(int(times)):
        asked += 1
        s.send(struct.pack("!HHHHHH", asked, 0x0100, 1, 0, 0, 0) + question); s.recv(65536)
    print("done", flush=True)
"""

# Ends by itself if nobody does it.
BUSY = "import time\nend = time.monotonic() + 300\nprint(flush=True)\nwhile time.monotonic() < end: pass"


@only_in("native")
class Load(KernelTest):
    ports = (ALLOWED_ECHO, DENIED_ECHO)

    def setUp(self):
        super().setUp()
        for side, link in ((self.host, self.pair.host_link), (self.peer, self.pair.peer_link)):
            # What the kernel sends by itself would be among what is counted.
            side.sysctl(f"net.ipv6.conf.{link}.disable_ipv6", 1)
        # An answer would be one more packet, and make the kernel refuse it once the socket is gone.
        self.peer.run("nft", "add table inet x; add chain inet x i { type filter hook input priority 0; }; "
                      f"add rule inet x i meta l4proto {{ tcp, udp }} th dport {ALLOWED}-{DENIED + 999} drop",
                      check=True)
        named = [shutil.move(path, self.folder / "bin" / name) for path, name in
                 zip(copies(os.path.realpath(sys.executable), self.folder / "bin", 2), ("allowed", "denied"))]
        self.allowed, self.denied = map(str, named)
        self.sent = 0

    def start(self, config: str = "", rules: str = "", log: str = "audit"):
        self.fw = self.daemon(f"rules:\n  - {{name: allowed, app: {self.allowed}, action: accept, log: {log}}}\n"
                              f"{rules}"
                              f"  - {{name: denied, app: {self.denied}, action: reject, log: {log}}}\n",
                              config="mode: enforce\n" + config, default_out="reject", default_in="drop")
        # The slowest of some: other work on this machine comes and goes.
        self.usual = max(self.median() for _ in range(3))

    def begin(self, program: str, kind: str, count: int, ports: int = 1000, first: int = 0) -> subprocess.Popen:
        """Starts a script of `count` attempts, `ports` ports in turn; see ended()."""
        first = first or (ALLOWED if program == self.allowed else DENIED)
        made = self.host.start(program, "-ISc", SEND, kind, self.pair.peer4, first, ports, count,
                               stdout=subprocess.PIPE, text=True)
        for end in (made.stdout.close, made.wait, made.kill):
            self.addCleanup(end)
        return made

    def ended(self, running: subprocess.Popen) -> tuple[dict[int, int], float]:
        """How many attempts ended with which error (0: none), and the median of their times."""
        out, _ = running.communicate(timeout=400)
        self.assertEqual(running.returncode, 0, "the attempts themselves failed")
        errors, median = json.loads(out)
        return {int(error): count for error, count in errors.items()}, median

    def send(self, *runs: tuple) -> None:
        """All of (program, kind, count, …) at once. Each of these attempts is one packet, or is refused at once."""
        for running, run in [(self.begin(*run), run) for run in runs]:
            errors, _ = self.ended(running)
            known = {0} if run[0] == self.allowed else {0, 1}  # 1: EPERM, of a verdict that the kernel knows
            self.assertLessEqual(set(errors), known, run)
            self.sent += sum(errors.values())

    def median(self) -> float:
        errors, median = self.ended(self.begin(self.allowed, "connect", 50, 1, ALLOWED_ECHO))
        self.assertEqual(errors, {0: 50}, "the allowed program does not get through")
        return median

    def told(self, where: str = "1", *values) -> int:
        return self.fw.audit.query(f"SELECT coalesce(sum(count), 0) AS n FROM decisions WHERE {where}", *values)[0]["n"]

    def waiting(self) -> int:
        """Packets that the kernel holds for the daemon."""
        table = self.host.run("cat", "/proc/net/netfilter/nfnetlink_queue", check=True).stdout
        return sum(int(line.split()[2]) for line in table.splitlines())

    def accounted(self) -> int:
        """What became of what send() has sent: it was decided, and has its rows, or it is counted as lost."""
        return self.fw.status()["packets"]["queue_dropped"] + self.told(
            "reason = 'audit-loss' OR (direction = 'out' AND destination_port BETWEEN ? AND ?)", ALLOWED, DENIED + 999)

    def all_told(self) -> bool:
        """Each verdict is in the log, by what it was."""
        status = self.fw.status()
        given = {word: status["packets"][name] for word, name in
                 (("accept", "accepted"), ("drop", "dropped"), ("reject", "rejected"))}
        return status["audit"]["pending"] == 0 and given == {
            word: self.told("verdict = ?", word) for word in given}

    def is_as_before(self) -> dict:
        """Nothing forbidden got out, nothing waits, nothing is missing, and it is no slower. The status then."""
        wait_for(0, self.waiting)
        wait_for(self.sent, self.accounted)
        wait_until(self.all_told)
        wait_until(lambda: self.median() <= 3 * self.usual, 30)
        wait_until(self.all_told)
        status = self.fw.status()
        self.assertEqual((self.waiting(), status["content"]["parked"], status["audit"]["error"]), (0, 0, None))
        self.assertEqual(status["packets"]["malformed"], 0)
        self.assertEqual(status["audit"]["lost"], self.told("reason = 'audit-loss'"))
        if status["audit"]["lost"] == 0:
            self.assertEqual(sum(each["count"] for each in status["packets"]["unknown"]), self.told("unknown != ''"))
        self.assertEqual(self.told("exe = ? AND verdict != 'accept'", self.allowed), 0)
        self.nothing_denied_passed()
        return status

    def nothing_denied_passed(self) -> None:
        theirs = {DENIED_ECHO, *range(DENIED, DENIED + 1000)}
        out = [packet for packet in self.wire.packets() if packet["source"] == self.pair.host4]
        self.assertEqual([packet for packet in out if packet.get("dport") in theirs][:3], [])
        self.assertNotEqual(out, [], "the wire shows nothing at all")
        self.assertEqual(self.fw.audit.rows(
            "verdict = 'accept' AND (exe = ? OR destination_port = ? OR destination_port BETWEEN ? AND ?)",
            self.denied, DENIED_ECHO, DENIED, DENIED + 999)[:3], [])

    def beside_busy_processors(self, cache: str) -> None:
        self.start(f"verdict_cache: {cache}\n")
        busy = [subprocess.Popen([sys.executable, "-ISc", BUSY], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE)
                for _ in range(16)]
        for each in busy:
            for end in (each.stdout.close, each.wait, each.kill):
                self.addCleanup(end)
        for each in busy:
            self.assertEqual(each.stdout.readline(), b"\n")
        connecting = [self.begin(self.allowed, "connect", 300, 1, ALLOWED_ECHO),
                      self.begin(self.denied, "connect", 300, 1, DENIED_ECHO)]
        self.send(*((program, kind, 300, 200) for program in (self.allowed, self.denied)
                    for kind in ("datagram", "begin")))
        (allowed, _), (denied, _) = map(self.ended, connecting)
        self.assertEqual(allowed, {0: 300})
        self.assertNotIn(0, denied)
        self.assertEqual({each.poll() for each in busy}, {None})
        for each in busy:
            each.kill()
        self.is_as_before()
        # A SYN that waits long is sent again.
        self.assertGreaterEqual(self.told("exe = ? AND destination_port = ?", self.denied, DENIED_ECHO), 300)

    def test_beside_busy_processors(self):
        self.beside_busy_processors("false")

    def test_beside_busy_processors_with_known_verdicts(self):
        self.beside_busy_processors("true")

    @everywhere
    def test_a_full_queue(self):
        self.start(f"limits: {{queued_packets: {QUEUED}}}\n")
        with self.fw.paused():
            for program in (self.denied, self.allowed):
                self.send((program, "datagram", QUEUED // 2))
            self.send(*((program, *what) for program in (self.allowed, self.denied)
                        for what in (("datagram", 2000), ("begin", 500))))
            self.assertEqual(self.waiting(), QUEUED)
        status = self.is_as_before()
        self.assertEqual(status["packets"]["queue_dropped"], self.sent - QUEUED)
        self.assertEqual(self.wire.count(protocol="udp"), QUEUED // 2)

    @everywhere
    def test_a_full_dns_ring(self):
        self.peer.ip("address", "add", f"{GOOD}/24", "dev", self.pair.peer_link)
        dns = Helper(self.peer, "dns_server.py", self.pair.peer4)
        self.addCleanup(dns.stop)
        dns.ask(json.dumps({f"{name}.example": {"records": [[f"{name}.example", "A", 600, address]]}
                            for name, address in (("good", GOOD), ("other", OTHER))}))
        self.start(f"dns: {{resolvers: [{self.pair.peer4}], hosts_file: {self.folder / 'hosts'}}}\n",
                   "  - {name: good, domain: good.example, action: accept}\n")
        asking = self.host.start(self.allowed, "-ISc", ASK, self.pair.peer4, stdin=subprocess.PIPE,
                                 stdout=subprocess.PIPE, text=True)
        for end in (asking.stdout.close, asking.wait, asking.kill, asking.stdin.close):
            self.addCleanup(end)

        def ask(name: str, times: int = 1) -> None:
            asking.stdin.write(f"{name}.example {times}\n")
            asking.stdin.flush()
            self.assertEqual(asking.stdout.readline(), "done\n")

        def reach() -> int:
            return self.host.run(built("tests/kernel/programs/connect1"), "tcp4", GOOD, "7").returncode

        ask("other")  # the daemon decides; what follows on that socket passes without it
        self.assertNotEqual(reach(), 0)
        room = self.fw.status()["names"]["ring_bytes"] // DNS_RECORD
        times = room  # twice as much, with the answers
        with self.fw.paused():
            ask("other", times)
            ask("good")
        self.assertNotEqual(reach(), 0, "by a name whose answer was lost")
        names = self.fw.status()["names"]
        self.assertEqual(names["ring_lost"], 2 * (times + 1) - room)
        self.assertEqual(names["answers"], 1 + room // 2)
        self.assertEqual({each["name"]: each["count"] for each in names["refused"] if each["count"]}, {})
        self.assertEqual(self.wire.count(target=GOOD), 0)
        ask("good")
        self.assertEqual(reach(), 0)
        self.assertEqual(self.is_as_before()["names"]["ring_lost"], names["ring_lost"])

    @everywhere
    def test_a_full_verdict_cache(self):
        self.start("verdict_cache: true\nlimits: {verdicts: 16}\n")
        for _ in range(2):
            self.send(*((program, kind, 200, 200) for program in (self.allowed, self.denied)
                        for kind in ("datagram", "begin")))
        status = self.is_as_before()
        self.assertEqual(status["packets"]["queue_dropped"], 0)
        self.assertEqual(status["verdicts"]["capacity"], 16)
        self.assertLessEqual(status["verdicts"]["entries"], 16)
        self.assertGreater(status["verdicts"]["no_room"], 0)
        self.assertGreater(status["verdicts"]["given"], 0)
        for program in (self.allowed, self.denied):
            for protocol in ("tcp", "udp"):
                self.assertEqual(self.told("exe = ? AND protocol = ? AND destination_port >= ?", program, protocol,
                                           ALLOWED), 400, (program, protocol))
        wait_until(lambda: self.fw.status()["verdicts"]["displaced"] > 0)  # once they have long been unused

    def flood(self, cache: str) -> None:
        self.start(f"verdict_cache: {cache}\n")
        for program, kind in ((self.denied, "begin"), (self.allowed, "begin"), (self.denied, "raw_syn")):
            before = self.sent
            self.send((program, kind, FLOOD))
            self.assertEqual(self.sent, before + FLOOD)
            self.is_as_before()

    @everywhere
    def test_a_flood_of_connections(self):
        self.flood("false")

    def test_a_flood_of_connections_with_known_verdicts(self):
        self.flood("true")

    @everywhere
    def test_a_full_audit_queue(self):
        self.start(f"limits: {{audit_records: {WAITING_ROWS}}}\n", log="each")
        wait_until(self.all_told)
        lost = lambda: self.fw.status()["audit"]["lost"]
        self.assertEqual(lost(), 0)
        with contextlib.closing(sqlite3.connect(self.fw.database, timeout=30)) as database:
            database.isolation_level = None
            database.execute("BEGIN EXCLUSIVE")  # nobody else can write meanwhile
            self.send((self.allowed, "datagram", 1000), (self.denied, "datagram", 1000))
            wait_for(self.sent - WAITING_ROWS, lambda: lost() + self.fw.status()["packets"]["queue_dropped"])
        status = self.is_as_before()
        self.assertEqual(status["audit"]["lost"] + status["packets"]["queue_dropped"], self.sent - WAITING_ROWS)
        self.assertLessEqual(self.told("verdict = 'accept' AND (reason = 'audit-loss' OR destination_port >= ?)",
                                       ALLOWED), 1000)

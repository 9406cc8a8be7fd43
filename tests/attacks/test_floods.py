# SPDX-License-Identifier: GPL-2.0-or-later
"""More than the tables hold, and more than a message should: nothing forbidden passes, and who may send still can."""

from attack import PORT, USER, Attack
from lib.places import WORLD, built

PROGRAMS = 10_000 if WORLD == "native" else 150

# Programs of one's own by the thousand, each under another path: one file, renamed and started, eight at a time.
BOMB = """
    tool, folder, count = sys.argv[1], sys.argv[2], int(sys.argv[3])
    running, now = [], os.path.join(folder, "start")
    os.link(tool, now)
    for number in range(count):
        path = os.path.join(folder, f"p{number:05d}"); os.rename(now, path); now = path
        words = [path, ("udp4", "tcp4", "udpconn4")[number % 3], PEER, str(PORT + number % 1000), "--nonblock", "--exit-at-once"]
        running.append(os.posix_spawn(path, words, os.environ))
        if len(running) == 8: os.waitpid(running.pop(0), 0)
    for pid in running: os.waitpid(pid, 0)
"""

# Small tables, so that each is full many times over.
SMALL = "limits: {bindings: 128, processes: 64, audit_records: 4096}\n"


class Floods(Attack):
    def arrived_from_the_bomb(self) -> list[dict]:
        return [p for p in self.wire.packets() if p["source"] == self.pair.host4 and p.get("dport", 0) != 7
                and p["protocol"] in ("udp", "tcp")]

    def test_programs_of_many_names(self):
        room = self.folder / "room"
        room.mkdir()
        tool = built("tests/kernel/programs/connect1")
        copy = room / "tool"
        copy.write_bytes(open(tool, "rb").read())
        copy.chmod(0o755)
        for cache in ("true", "false"):
            with self.subTest(verdict_cache=cache):
                self.wire.reset()
                self.start(config=f"verdict_cache: {cache}\n{SMALL}")
                self.run_as(self.denied, BOMB, copy, room, PROGRAMS, timeout=500)
                for path in room.glob("p*"):
                    path.unlink()
                self.assertEqual(self.arrived_from_the_bomb(), [])
                self.assertEqual(self.fw.audit.rows("verdict = 'accept' AND direction = 'out'"), [])
                packets = self.fw.status()["packets"]
                self.assertGreater(sum(row["count"] for row in self.fw.audit.wait_rows(1)), 0, packets)
                self.allowed_sends()
                self.fw.stop()

    def test_large_datagrams(self):
        """64 KB each, to where they are refused and over loopback: the queue goes on."""
        self.start(loopback="filter")
        big = """
            s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
            for _ in range(20): send(b"x" * 65507, s=s); send(b"x" * 65507, 9, "127.0.0.1", s=s)
            s = socket.socket(socket.AF_INET6, socket.SOCK_DGRAM)
            for _ in range(20): send(b"x" * 65487, to=PEER6, s=s); send(b"x" * 65487, 9, "::1", s=s)
        """
        self.run_as(self.denied, big, user=USER)
        self.assertEqual(self.wire.count(protocol="udp"), 0)
        rows = self.wait_rows(40, exe=self.denied, verdict="drop")
        self.assertEqual({row["uid"] for row in rows}, {USER})
        self.assertEqual(self.fw.status()["packets"]["queue_dropped"], 0)
        self.allowed_sends()
        self.run_as(self.allowed, "assert send(b'x' * 65507) == 0")
        self.assertGreater(self.wire.count(protocol="udp"), 40)  # fragments

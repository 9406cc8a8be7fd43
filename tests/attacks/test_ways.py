# SPDX-License-Identifier: GPL-2.0-or-later
"""Every way to send that the kernel has, io_uring and TCP fast open among them: each refused to the program that
no rule allows, also where the kernel gives the verdicts by itself, and each there for the one that may."""

import shutil

from attack import Attack
from lib.places import built

CONTACT = "tests/attribution/programs/contact"
KINDS = ("connect", "connect-nb", "connect-bound", "fastopen", "mptcp", "send", "send-bound", "send-connected", "sendmsg",
         "sendmmsg", "several", "writev", "splice", "sendfile", "cork", "gso", "udplite", "udplite-connected", "ping",
         "raw-ping", "raw-other", "forged-udp", "sctp", "ring-send", "ring-worker", "ring-poll", "ring-connect",
         "ring-poll-connect")
# The kernel's word for "there is no such thing here".
ABSENT = {93, 94, 97, 38, 22, 1}
EVERYWHERE = {"connect", "fastopen", "send", "send-connected", "sendmsg", "ping", "raw-other"}


class Ways(Attack):
    def setUp(self):
        super().setUp()
        self.good, self.bad = (shutil.copy(built(CONTACT), self.folder / "bin" / name) for name in ("good", "bad"))
        self.host.sysctl("net.ipv4.ping_group_range", "0 2147483647")

    def contact(self, program: str, kind: str) -> int:
        return self.host.run("timeout", "3", program, kind, self.pair.peer4).returncode

    def check(self, config: str) -> None:
        self.start(f"  - {{name: good, app: {self.good}, action: accept}}\n", config)
        missing = set()
        for kind in KINDS:
            with self.subTest(kind=kind):
                self.wire.reset()
                self.contact(self.bad, kind)
                self.assertEqual(self.from_us(), [])
                status = self.contact(self.good, kind)
                if not self.from_us():
                    self.assertIn(status, ABSENT, f"the allowed one's {kind} did not arrive")
                    missing.add(kind)
        self.assertEqual(missing & EVERYWHERE, set())
        self.fw.audit.wait_rows(len(EVERYWHERE), "exe = ? AND verdict != 'accept'", str(self.bad))
        self.never_accepted(str(self.bad))

    def from_us(self) -> list[dict]:
        return [p for p in self.wire.packets() if p["source"] == self.pair.host4]

    def test_decided_by_the_daemon(self):
        self.check("verdict_cache: false\n")

    def test_decided_by_the_kernel(self):
        self.check("verdict_cache: true\n")

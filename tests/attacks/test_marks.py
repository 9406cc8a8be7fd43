# SPDX-License-Identifier: GPL-2.0-or-later
"""Programs that mark their own packets (SO_MARK) as the daemon and its table do: with the very values of now."""

import re

from attack import PORT, USER, Attack

SET = """
    mark, how = int(sys.argv[1]), sys.argv[2]
    def marked(kind):
        s = socket.socket(socket.AF_INET, kind)
        if how == "option": s.setsockopt(socket.SOL_SOCKET, 36, struct.pack("I", mark))
        return s
    try:
        s = marked(socket.SOCK_DGRAM)
        extra = [(socket.SOL_SOCKET, 36, struct.pack("I", mark))] if how == "message" else []
        s.sendmsg([b"x"], extra, 0, (PEER, PORT))
        print("sent")
        s = marked(socket.SOCK_STREAM); s.settimeout(0.3)
        s.connect((PEER, 7))
        print("connected")
    except OSError as error: print(type(error).__name__)
"""


class Marks(Attack):
    def marks(self) -> list[int]:
        """All values that the table compares with or sets, and those one beside them."""
        listed = self.host.run("nft", "list", "table", "inet", "doorward", check=True).stdout
        values = {int(word, 16) for word in re.findall(r"0x[0-9a-f]{8}", listed)}
        generation = {int(word, 16) for word in re.findall(r"ct mark & \S+ == (0x[0-9a-f]{8})", listed)}
        self.assertTrue(generation, listed)
        near = {value | slot << 24 for value in generation for slot in (1, 7)}
        return sorted(values | near | {0xffffffff})

    def attempt(self, mark: int, how: str, *capabilities: str, user: int | None = USER) -> str:
        """With these capabilities and no other."""
        kept = ",".join(["-all", *("+" + name for name in capabilities)])
        return self.host.run("setpriv", f"--reuid={user}", f"--regid={user}", "--clear-groups",
                             f"--inh-caps={kept}", f"--ambient-caps={kept}", f"--bounding-set={kept}",
                             self.denied, "-c", self.script(SET), str(mark), how, check=True).stdout

    def nothing_arrived(self) -> None:
        self.assertEqual(self.arrived(), 0)
        self.assertEqual(self.arrived(7, "tcp"), 0)
        self.never_accepted()

    def test_without_privileges(self):
        """The kernel refuses; the packet that goes without the mark is refused too."""
        self.start()
        for how in ("option", "message"):
            self.assertEqual(self.attempt(self.marks()[0], how), "PermissionError\n")
        self.nothing_arrived()
        self.allowed_sends()

    def test_with_cap_net_raw_or_cap_net_admin(self):
        """The kernel sets it, and the table takes it off before it looks."""
        self.start()
        marks = self.marks()
        for number, mark in enumerate(marks):
            capability = ("net_raw", "net_admin")[number % 2]
            how = ("option", "message")[number // 2 % 2]
            with self.subTest(mark=hex(mark), how=how, capability=capability):
                said = self.attempt(mark, how, capability)
                if said.startswith("PermissionError"):  # CAP_NET_RAW is enough since Linux 5.17
                    said = self.attempt(mark, how, "net_admin")
                self.assertEqual(said, "sent\nTimeoutError\n")
        self.nothing_arrived()
        self.wait_rows(len(marks), exe=self.denied, verdict="drop")
        self.allowed_sends()

    def test_root_with_the_daemon_stopped(self):
        """Nobody is there to say no: the queue holds what is undecided, marked or not."""
        self.start()
        marks = self.marks()
        with self.fw.paused():
            for mark in marks[::4]:
                self.run_as(self.denied, SET, mark, "option")
            self.nothing_arrived()
        self.wait_rows(len(marks[::4]), exe=self.denied, verdict="drop")
        self.nothing_arrived()
        self.allowed_sends()

    def test_the_marks_of_others_stay(self):
        """The control for the marking itself: a bit that is not ours arrives at another table as it was set."""
        self.start()
        self.host.run("nft", "add table inet other; add chain inet other o { type filter hook output priority 0; }; "
                      "add rule inet other o meta mark 0x5 counter", check=True)
        self.run_as(self.allowed, SET, 5, "option")
        self.assertIn("packets", self.host.run("nft", "list", "table", "inet", "other").stdout)
        self.assertNotIn("packets 0 ", self.host.run("nft", "list", "table", "inet", "other").stdout)

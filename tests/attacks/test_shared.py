# SPDX-License-Identifier: GPL-2.0-or-later
"""Sockets, ports, pids and processes that go from one program to another: the verdict stays with who had it."""

import os
import subprocess

from attack import PORT, USER, Attack

# Sends a letter on descriptor 3 as often as it is told to; the rest of the program is somebody else's.
USE = "s = socket.socket(fileno=3)\nfor each in sys.argv[1]: s.send(each.encode())"


class Handed(Attack):
    """A socket that one program made and used, in the hands of the other."""

    def hand_over(self, first: str, second: str, how: str, kind: str = "SOCK_DGRAM", port: int = PORT) -> None:
        """`first` opens and sends "f", then `second` sends "s" on the same socket."""
        self.run_as(first, f"""
            s = socket.socket(socket.AF_INET, socket.{kind}); s.settimeout({20 if first == self.allowed else 0.5})
            try: s.connect((PEER, {port})); s.send(b"f")
            except OSError: pass
            words = [sys.argv[1], "-c", sys.argv[2], "s"]
            os.dup2(s.fileno(), 3)
            if "{how}" == "exec": os.set_inheritable(3, True); os.execv(words[0], words)
            if "{how}" == "inherit": sys.exit(subprocess.run(words, pass_fds=(3,)).returncode)
            ours, theirs = socket.socketpair(socket.AF_UNIX)
            socket.send_fds(ours, [b"x"], [3])
            os.dup2(theirs.fileno(), 4)
            take = "import os, socket; os.dup2(socket.recv_fds(socket.socket(fileno=4), 1, 1)[1][0], 3)\\n"
            words[2] = take + words[2]
            sys.exit(subprocess.run(words, pass_fds=(4,)).returncode)
        """, second, self.script("try:\n    " + USE.replace("\n", "\n    ") + "\nexcept OSError: pass"))

    def test_datagrams(self):
        self.start()
        for how in ("pass", "inherit", "exec"):
            with self.subTest(how=how, to="denied"):
                self.wire.reset()
                self.hand_over(self.allowed, self.denied, how)
                self.assertEqual(self.arrived(), 1, "what the first one sent, and no more")
            with self.subTest(how=how, to="allowed"):
                self.wire.reset()
                self.hand_over(self.denied, self.allowed, how)
                self.assertEqual(self.arrived(), 1, "what the second one sent, and no more")
        self.wait_rows(6, exe=self.denied)
        self.never_accepted()

    def test_a_connection(self):
        """Not held off: an open connection goes on in whoever's hands it is. The log has who opened it."""
        self.start()
        for how in ("pass", "exec"):
            self.wire.reset()
            self.hand_over(self.allowed, self.denied, how, "SOCK_STREAM", 7)
            packets = self.wire.packets(protocol="tcp", dport=7, syn=False)
            self.assertEqual(len([p for p in packets if p["length"] == 53]), 2, "f and s")
        self.assertEqual({row["exe"] for row in self.wait_rows(2, port=7)}, {self.allowed})
        self.wire.reset()
        self.hand_over(self.denied, self.allowed, "pass", "SOCK_STREAM", 7)
        self.assertEqual(self.arrived(7, "tcp"), 0)
        self.assertEqual({row["verdict"] for row in self.wait_rows(1, port=7, exe=self.denied)}, {"drop"})


class SharedPort(Attack):
    """A server that may be asked and answers, and another program on its port."""

    def setUp(self):
        super().setUp()
        self.peer.run("nft", "flush chain inet x i", check=True)

    def serve(self, option: str) -> None:
        server = self.host.start(self.allowed, "-c", self.script(f"""
            s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
            s.setsockopt(socket.SOL_SOCKET, socket.{option}, 1); s.bind(("", 5353)); print("ready", flush=True)
            while True: s.sendto(b"answer", s.recvfrom(100)[1])
        """), stdout=subprocess.PIPE, text=True)
        self.addCleanup(server.stdout.close)
        self.addCleanup(server.wait)
        self.addCleanup(server.kill)
        server.stdout.readline()

    def ask(self) -> str:
        return self.peer.run("/usr/bin/python3", "-c", (
            "import socket; s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM); s.settimeout(10)\n"
            f"s.bind(('', {PORT})); s.sendto(b'question', ('10.99.0.1', 5353)); print(s.recv(100).decode())"),
            check=True).stdout.strip()

    def steal(self, option: str, bound: str, user: int | None) -> None:
        """Answers in the server's place and is gone before anybody can look who has the port."""
        self.serve(option)
        self.assertEqual(self.ask(), "answer")
        self.assertEqual(self.arrived(), 1)
        with self.fw.paused():
            self.run_as(self.denied, f"""
                s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
                s.setsockopt(socket.SOL_SOCKET, socket.{option}, 1); s.bind(("{bound}", 5353))
                s.sendto(b"stolen", (PEER, PORT))
            """, user=user)
        row = self.fw.audit.wait_rows(1, "exe = ?", self.denied)[0]
        self.assertEqual((row["verdict"], row["direction"], row["destination_port"]), ("drop", "in", 5353))
        self.assertEqual(self.arrived(), 1, "the answer from before, and no more")
        self.assertEqual(self.ask(), "answer")
        self.never_accepted()

    def test_by_another_user(self):
        self.start()
        self.steal("SO_REUSEADDR", "", USER)

    def test_at_an_address_of_its_own(self):
        self.start()
        self.steal("SO_REUSEADDR", "10.99.0.1", USER)

    def test_in_a_group_of_one_users(self):
        self.start()
        self.steal("SO_REUSEPORT", "", None)

    def test_the_kernel_lets_the_servers_own_answers_pass(self):
        """Once it was asked about; and the other one's are asked about all the same."""
        self.start()
        self.serve("SO_REUSEADDR")
        self.peer.run("/usr/bin/python3", "-c", (
            "import socket; s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM); s.settimeout(10)\n"
            f"s.bind(('', {PORT}))\n"
            "for _ in range(20): s.sendto(b'question', ('10.99.0.1', 5353)); s.recv(100)"), check=True)
        self.assertEqual(self.arrived(), 20)
        self.assertLessEqual(len(self.fw.audit.rows("direction = 'in'")), 4)
        self.run_as(self.denied, """
            s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
            s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1); s.bind(("", 5353))
            s.sendto(b"stolen", (PEER, PORT))
        """)
        self.fw.audit.wait_rows(1, "exe = ? AND verdict = 'drop'", self.denied)
        self.assertEqual(self.arrived(), 20)


class Processes(Attack):
    def test_a_pid_that_was_an_allowed_programs(self):
        """The number alone is nobody: also on one socket's tuple, and right after."""
        self.start()
        source = "s = socket.socket(2, 2); s.bind(('', 5000)); send(b'x', s=s); print(os.getpid())"
        pid = int(self.run_as(self.allowed, source).stdout)
        self.assertEqual(self.arrived(), 1)
        # Others start programs too, so it may take several turns.
        self.run_as(self.denied, """
            wanted, got = int(sys.argv[1]), 0
            for _ in range(1000):
                open("/proc/sys/kernel/ns_last_pid", "w").write(str(wanted - 1))
                got = os.posix_spawn(sys.executable, [sys.executable, "-ISc", sys.argv[2], str(wanted)], os.environ)
                os.waitpid(got, 0)
                if got == wanted: sys.exit()
            sys.exit(f"pid {wanted} was never given again")
        """, pid, self.script("if str(os.getpid()) == sys.argv[1]:\n    " + source.replace("; print(os.getpid())", "")))
        self.assertEqual(self.arrived(), 1)
        rows = self.wait_rows(2, pid=pid)
        self.assertEqual([(row["exe"], row["verdict"]) for row in rows],
                         [(self.allowed, "accept"), (self.denied, "drop")])
        self.never_accepted()

    def test_one_process_one_program_after_the_other(self):
        """Back and forth by exec, each with a new socket and with the one that it was left."""
        self.start()
        step = self.script("""
            first, second, count = sys.argv[1:4]
            s = socket.socket(2, 2); s.bind(("", 5000 + int(count))); send(b"x", s=s)
            if int(count): os.execv(second, [second, "-c", os.environ["STEP"], second, first, str(int(count) - 1)])
        """)
        done = self.host.run(self.allowed, "-c", step, self.allowed, self.denied, "9",
                             env={**os.environ, "STEP": step})
        self.assertEqual(done.returncode, 0, done.stderr)
        rows = self.wait_rows(10)
        self.assertEqual([(row["exe"], row["verdict"]) for row in rows],
                         5 * [(self.allowed, "accept"), (self.denied, "drop")])
        self.assertEqual(len({row["pid"] for row in rows}), 1)
        self.assertEqual(self.arrived(), 5)

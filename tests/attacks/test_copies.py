# SPDX-License-Identifier: GPL-2.0-or-later
"""Datagrams that the kernel gives to several sockets, by copies: who is not allowed gets none beside one who is."""

import subprocess

from attack import USER, Attack

OTHER = 4322  # another user

LISTEN = """
    mine, connected = sys.argv[1:3]
    s = socket.socket(socket.AF_INET6 if ":" in mine else socket.AF_INET, socket.SOCK_DGRAM)
    s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1); s.bind((mine, 5000))
    if connected != "no": s.connect((connected, 4000))
    print("ready", flush=True); s.settimeout(8)
    try: print("got", s.recv(100), flush=True)
    except OSError as error: print("nothing", flush=True)
"""
GROUP = "239.1.2.3"


class Copies(Attack):
    def listener(self, program, user, mine="0.0.0.0", connected="no") -> subprocess.Popen:
        return self.ready_as(program, LISTEN, mine, connected, user=user)

    def say(self, to: str):
        self.peer.run("/usr/bin/python3", "-c", "import socket, sys\ns = socket.socket(2, 2)\n"
                      "s.setsockopt(1, 6, 1); s.bind(('10.99.0.2', 4000))\n"
                      "s.setsockopt(0, 32, socket.inet_aton('10.99.0.2'))\n"
                      f"s.sendto(b'secret', ('{to}', 5000))", check=True)

    def outcome(self, denied, allowed, to):
        self.say(to)
        self.assertEqual((denied.stdout.readline(), allowed.stdout.readline()), ("nothing\n", "nothing\n"))
        rows = self.fw.audit.wait_rows(1, "direction = 'in' AND destination_port = 5000")
        self.assertEqual({(row["unknown"], row["verdict"]) for row in rows}, {("ambiguous", "drop")})

    def join(self):
        self.ready_as(self.allowed, f"""
            s = socket.socket(2, 2); s.setsockopt(0, 35, socket.inet_aton("{GROUP}") + socket.inet_aton(HOST))
            print("ready", flush=True); time.sleep(30)
        """)

    def test_group_connected(self):
        self.start()
        self.join()
        denied = self.listener(self.denied, USER, mine=GROUP, connected=self.pair.peer4)
        self.outcome(denied, self.listener(self.allowed, OTHER), GROUP)

    def test_directed_broadcast(self):
        self.start()
        denied = self.listener(self.denied, USER)
        self.outcome(denied, self.listener(self.allowed, OTHER), "10.99.0.255")

    def test_directed_broadcast_to_the_address_itself(self):
        self.start()
        denied = self.listener(self.denied, USER)
        self.outcome(denied, self.listener(self.allowed, OTHER, mine="10.99.0.255"), "10.99.0.255")

    def test_to_a_port_of_more_sockets_than_are_asked_about(self):
        """All of one program's: a user who opens thousands must not keep the daemon busy with each packet."""
        self.start()
        crowd = self.ready_as(self.allowed, """
            all = [socket.socket(2, 2) for _ in range(100)]
            for s in all: s.setsockopt(1, 2, 1); s.bind(("", 5000)); s.setblocking(False)
            print("ready", flush=True); sys.stdin.readline(); got = 0
            for s in all:
                try: got += len(s.recv(100)) > 0
                except OSError: pass
            print("nothing" if not got else got, flush=True)
        """, user=USER)
        self.say("10.99.0.255")
        rows = self.fw.audit.wait_rows(1, "direction = 'in' AND destination_port = 5000")
        self.assertEqual([(row["unknown"], row["verdict"]) for row in rows], [("ambiguous", "drop")])
        self.go_on(crowd)
        self.assertEqual(crowd.stdout.readline(), "nothing\n")

    def test_broadcast(self):
        self.start()
        denied = self.listener(self.denied, USER, mine="255.255.255.255", connected=self.pair.peer4)
        self.outcome(denied, self.listener(self.allowed, OTHER), "255.255.255.255")

    def test_who_may_alone(self):
        """The control: one program may have what goes to a network, beside others at addresses of their own."""
        for to in ("10.99.0.255", "255.255.255.255"):
            with self.subTest(to=to):
                self.start()
                self.listener(self.denied, USER, mine=self.pair.host4)
                allowed = self.listener(self.allowed, OTHER, mine="0.0.0.0")
                self.say(to)
                self.assertEqual(allowed.stdout.readline(), "got b'secret'\n")
                allowed.wait()
                self.fw.stop()

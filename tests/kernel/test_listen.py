# SPDX-License-Identifier: GPL-2.0-or-later
"""A server that listens without having bound a port, which the kernel then chooses: it is found all the same."""

import subprocess

from lib.case import KernelTest
from lib.places import built

SERVER = ("import socket, time; l = socket.socket({}); l.listen(5); print(l.getsockname()[1], flush=True)\n"
          "time.sleep(100)")


class Listen(KernelTest):
    def test_without_a_port_of_its_choice(self):
        daemon = self.daemon("rules:\n  - {name: door, app: '/usr/bin/python3*', direction: in, action: accept}\n",
                             config="mode: enforce\n", default_in="reject")
        for family, address in (("2", self.pair.host4), ("10", self.pair.host6)):
            with self.subTest(family=family):
                server = self.host.start("/usr/bin/python3", "-c", SERVER.format(family), stdout=subprocess.PIPE, text=True)
                self.addCleanup(server.stdout.close)
                self.addCleanup(server.wait)
                self.addCleanup(server.kill)
                port = server.stdout.readline().strip()
                kind = "tcp6" if family == "10" else "tcp4"
                reached = self.peer.run(built("tests/kernel/programs/connect1"), kind, address, port)
                self.assertEqual(reached.returncode, 0)
                row = daemon.audit.wait_rows(1, "direction = 'in' AND destination_port = ?", int(port))[0]
                self.assertEqual((row["pid"], row["verdict"]), (server.pid, "accept"))

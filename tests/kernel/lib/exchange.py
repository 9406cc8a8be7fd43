# SPDX-License-Identifier: GPL-2.0-or-later
"""A connection that has been answered once, and a second time when it is told to go on."""

import subprocess

SCRIPT = """
import socket, sys
c = socket.create_connection((sys.argv[1], int(sys.argv[2])), 20)
c.sendall(b'one'); assert c.recv(9) == b'one'; print('up', flush=True); input()
c.settimeout(float(sys.argv[3])); c.sendall(b'two'); print(c.recv(9).decode())
"""


class Exchange:
    """The second answer is waited for `patience` seconds."""

    def __init__(self, case, namespace, address: str, port: int = 7, patience: float = 20):
        self.process = namespace.start("/usr/bin/python3", "-c", SCRIPT, address, str(port), str(patience),
                                       stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
        case.addCleanup(self.process.kill)
        case.assertEqual(self.process.stdout.readline(), b"up\n")
        self.pid = self.process.pid

    def go_on(self) -> str | None:
        """What was answered; nothing if the call failed."""
        said, _ = self.process.communicate(b"\n", timeout=60)
        return said.decode().strip() if self.process.returncode == 0 else None

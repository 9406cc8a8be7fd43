# SPDX-License-Identifier: GPL-2.0-or-later
"""Flows that are open when the rules change: what is denied now is cut, what is accepted goes on."""

import subprocess
from pathlib import Path

from lib.case import KernelTest
from lib.namespace import Namespace
from lib.peer import EchoServers

CHATTER = str(Path(__file__).resolve().parent / "lib" / "chatter.py")
ALL = "rules:\n  - {name: all, action: accept}\n"
CUT = 3
TIMES = 200  # far more than pass before the rules change


class RunningFlows(KernelTest):
    def chatter(self, where: Namespace, kind: str, address: str, port: int, times: int):
        client = where.start("/usr/bin/python3", CHATTER, kind, address, str(port), str(times),
                             stdout=subprocess.PIPE)
        self.addCleanup(client.stdout.close)
        self.addCleanup(client.kill)
        return client

    def clients(self, where: Namespace, addresses: list[str], port: int) -> list:
        found = [self.chatter(where, kind, address, port, TIMES)
                 for kind in ("tcp", "udp") for address in addresses]
        for client in found:
            self.assertEqual(client.stdout.readline(), b"up\n")
        return found

    def check(self, denied: list, kept: list) -> None:
        self.assertEqual([client.wait(60) for client in denied], [CUT] * 4)
        self.assertEqual([client.wait(60) for client in kept], [0] * 4)

    def test_outbound(self):
        daemon = self.daemon(ALL)
        addresses = [self.pair.peer4, self.pair.peer6]
        denied = self.clients(self.host, addresses, 7)
        kept = self.clients(self.host, addresses, 80)
        daemon.write_rules("rules:\n  - {name: no, port: 7, action: drop}\n"
                           "  - {name: all, action: accept}\n")
        daemon.reload()
        self.wire.reset()  # from here on nothing may come
        self.check(denied, kept)
        self.assertEqual(self.wire.count(dport=7), 0)
        self.assertGreater(self.wire.count(dport=80), 0)
        rows = daemon.audit.wait_rows(4, "rule = 'no'")
        self.assertEqual({row["verdict"] for row in rows}, {"drop"})
        self.assertEqual({row["pid"] for row in rows}, {client.pid for client in denied})

    def test_inbound(self):
        servers = EchoServers(self.host, 9007, 9080)
        self.addCleanup(servers.stop)
        daemon = self.daemon(ALL)
        addresses = [self.pair.host4, self.pair.host6]
        denied = self.clients(self.peer, addresses, 9007)
        kept = self.clients(self.peer, addresses, 9080)
        daemon.write_rules("rules:\n  - {name: no, port: 9007, action: drop}\n"
                           "  - {name: all, action: accept}\n")
        daemon.reload()
        self.wire.reset()
        self.check(denied, kept)
        self.assertEqual(self.wire.count(sport=9007), 0)
        self.assertGreater(self.wire.count(sport=9080), 0)

    def test_by_command_and_back_again(self):
        daemon = self.daemon(ALL)
        kept = self.clients(self.host, [self.pair.peer4, self.pair.peer6], 80)
        self.assertEqual(daemon.command("deny", "/usr/bin/python3", "--port", "7", "--drop").returncode,
                         0)
        self.assertEqual(self.chatter(self.host, "udp", self.pair.peer4, 7, 3).wait(60), CUT)
        name = daemon.command("rules", "list", "--names").stdout.split()[0]
        self.assertEqual(daemon.command("rules", "remove", name).returncode, 0)
        again = self.chatter(self.host, "udp", self.pair.peer4, 7, 3)
        self.assertEqual(again.wait(60), 0)
        self.assertEqual([client.wait(60) for client in kept], [0] * 4)

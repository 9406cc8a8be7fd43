# SPDX-License-Identifier: GPL-2.0-or-later
"""What is open now: seen with its bytes, chosen by the filters of the log, followed, and cut."""

import json
import subprocess
import sys

from lib.case import KernelTest, everywhere, only_in
from lib.helper import Helper
from lib.peer import EchoServers
from lib.places import built
from lib.wait import wait_for, wait_until

FAILED, USAGE, INCOMPLETE = 1, 2, 6
PYTHON = "/usr/bin/python3"


@only_in("native")
class Flows(KernelTest):
    def setUp(self):
        super().setUp()
        self.fw = self.daemon("rules:\n  - {name: web, port: 80, action: accept}\n"
                              "  - {name: all, action: accept}\n")

    def program(self, where=None) -> Helper:
        helper = Helper(where or self.host, "sockets.py")
        self.addCleanup(helper.stop)
        return helper

    def open(self, program: Helper, kind: str, address: str, port: int, size: int = 100) -> int:
        number = program.ask(json.dumps(["open", kind, address, port]))
        self.assertIs(self.talk(program, number, size), True)
        return number

    def talk(self, program: Helper, number: int, size: int = 100):
        return program.ask(json.dumps(["talk", number, size]))

    def flows(self, *words: str) -> list[dict]:
        done = self.fw.command("flows", "--json", *words)
        self.assertEqual(done.returncode, 0, done.stderr)
        return json.loads(done.stdout)

    def kill(self, *words: str) -> tuple[int, list[dict]]:
        done = self.fw.command("kill", "--json", *words)
        return done.returncode, json.loads(done.stdout) if done.stdout else []

    @everywhere
    def test_bytes_are_counted_each_way(self):
        program = self.program()
        self.open(program, "tcp", self.pair.peer4, 7, 50_000)
        self.open(program, "udp", self.pair.peer6, 7, 1000)
        found = {flow["protocol"]: flow for flow in self.flows("--pid", str(program.process.pid))}
        for protocol, least, most in (("tcp", 50_000, 80_000), ("udp", 1040, 1100)):
            for way in ("sent", "received"):
                self.assertTrue(least <= found[protocol][way] <= most, found)
        # Headers count, and what was sent twice.
        self.assertRegex(self.fw.command("flows").stdout, r"\b[5-7]\d\.\d k\b")

    def test_of_flows_that_come_in_received_is_what_came(self):
        servers = EchoServers(self.host, 9007)
        self.addCleanup(servers.stop)
        program = self.program(self.peer)
        self.open(program, "udp", self.pair.host4, 9007, 500)
        answerless = self.host.start(PYTHON, "-c", "import socket\n"
                                     "s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)\n"
                                     "s.bind(('', 9008)); print('up', flush=True); input()",
                                     stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        self.addCleanup(answerless.kill)
        self.assertEqual(answerless.stdout.readline(), b"up\n")
        number = program.ask(json.dumps(["open", "udp", self.pair.host4, 9008]))
        self.peer.run(PYTHON, "-c", "import socket\n"
                      "s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)\n"
                      f"s.sendto(b'x' * 700, ('{self.pair.host4}', 9008))", check=True)
        wait_until(lambda: self.flows("--port", "9008"))
        flow, = self.flows("--port", "9008")
        self.assertEqual((flow["direction"], flow["sent"], flow["received"]), ("in", 0, 728))
        self.assertEqual(number, 1)
        answerless.communicate(b"\n", timeout=30)

    @everywhere
    def test_filters_choose(self):
        first, second = self.program(), self.program()
        self.open(first, "tcp", self.pair.peer4, 7)
        self.open(first, "tcp", self.pair.peer6, 80)
        self.open(second, "udp", self.pair.peer4, 80)
        pids = str(first.process.pid), str(second.process.pid)
        ends = lambda *words: sorted((flow["protocol"], flow["remote_port"]) for flow in self.flows(*words))
        everything = [("tcp", 7), ("tcp", 80), ("udp", 80)]
        exe = self.flows()[0]["exe"]
        for words, expected in (
                ([], everything), (["--app", exe], everything), (["--app", exe.rpartition("/")[2]], everything),
                (["--app", "/usr/bin/nobody"], []), (["--app", "unknown"], []),
                (["--pid", pids[0]], everything[:2]), (["--pid", pids[1]], everything[2:]),
                (["--port", "80"], everything[1:]), (["--rule", "web"], everything[1:]),
                (["--rule", "all"], everything[:1]), (["--to", self.pair.peer6], [("tcp", 80)]),
                (["--to", "0.0.0.0/0"], [("tcp", 7), ("udp", 80)]), (["--from", self.pair.host6], [("tcp", 80)]),
                (["--from", self.pair.peer6], []), (["--user", "root"], everything), (["--user", "0"], everything),
                (["--user", "1"], []), (["--port", "80", "--pid", pids[0]], [("tcp", 80)]),
                (["--unit", "nothing.service"], []), (["--script", "/nothing"], [])):
            self.assertEqual(ends(*words), expected, words)
        self.assertEqual(self.fw.command("flows", "--port", "many").returncode, USAGE)

    def test_in_observe_mode_what_the_rules_deny_is_told_apart(self):
        for words in (["mode", "observe"], ["deny", sys.executable, "--port", "7", "--name", "no"]):
            self.assertEqual(self.fw.command(*words).returncode, 0)
        program = self.program()
        self.open(program, "tcp", self.pair.peer4, 7)
        self.open(program, "tcp", self.pair.peer4, 80)
        flow, = self.flows("--denied")
        self.assertEqual((flow["remote_port"], flow["rule"], flow["verdict"], flow["decision"]),
                         (7, "no", "accept", "reject"))
        self.assertIn("accept (reject)", self.fw.command("flows").stdout)
        self.assertEqual(len(self.flows("--since", "1h", "--verdict", "accept")), 2)
        self.assertEqual(self.flows("--until", "1h"), [])

    def test_what_ends_is_not_open_any_more(self):
        program = self.program()
        number = self.open(program, "tcp", self.pair.peer4, 7)
        self.assertEqual(len(self.flows("--port", "7")), 1)
        program.ask(json.dumps(["close", number]))
        wait_for([], lambda: self.flows("--port", "7"))

    def test_follow(self):
        program = self.program()
        self.open(program, "udp", self.pair.peer4, 7)
        command = [built("cli/doorward"), "--socket", self.fw.socket, "flows", "--follow", "--json",
                   "--port", "7"]
        following = self.host.start(*command, stdout=subprocess.PIPE)
        self.addCleanup(following.kill)
        event = lambda: (lambda line: (line["event"], line["protocol"]))(json.loads(following.stdout.readline()))
        self.assertEqual(event(), ("open", "udp"))
        number = self.open(program, "tcp", self.pair.peer4, 7)
        self.assertEqual(event(), ("new", "tcp"))
        self.open(program, "tcp", self.pair.peer4, 80)  # not asked for
        program.ask(json.dumps(["close", number]))
        self.assertEqual(event(), ("ended", "tcp"))
        following.terminate()
        self.assertEqual(following.wait(timeout=30), 0)
        following.stdout.close()

    @everywhere
    def test_what_is_killed_is_told_and_the_rest_goes_on(self):
        program, other = self.program(), self.program()
        cut = [self.open(program, kind, address, 7) for kind in ("tcp", "udp")
               for address in (self.pair.peer4, self.pair.peer6, "::ffff:" + self.pair.peer4)]
        kept = [self.open(program, kind, self.pair.peer4, 80) for kind in ("tcp", "udp")]
        others = self.open(other, "tcp", self.pair.peer4, 7)
        self.wire.reset()
        status, told = self.kill("--port", "7", "--pid", str(program.process.pid))
        self.assertEqual((status, [flow["kept"] for flow in told]), (0, [None] * 6))
        self.assertEqual([self.talk(program, number) for number in cut],
                         ["ECONNABORTED"] * 3 + ["EDESTADDRREQ"] * 3)  # UDP: not connected any more
        self.assertEqual([self.talk(program, number) for number in kept], [True] * 2)
        self.assertIs(self.talk(other, others), True)
        open_now = self.flows("--port", "7", "--pid", str(program.process.pid))
        self.assertEqual({flow["protocol"] for flow in open_now} - {"udp"}, set())
        self.assertEqual(self.kill("--app", "/usr/bin/nobody"), (FAILED, []))

    @everywhere
    def test_a_socket_that_serves_others_too_is_left(self):
        program = self.program()
        free = self.open(program, "free", self.pair.peer4, 7)
        status, told = self.kill("--port", "7")
        self.assertEqual(status, FAILED)
        self.assertIn("serves others", told[0]["kept"])
        self.assertIs(self.talk(program, free), True)
        self.open(program, "tcp", self.pair.peer4, 7)
        status, told = self.kill("--port", "7")
        self.assertEqual((status, sorted(flow["cut"] for flow in told)), (INCOMPLETE, [False, True]))

    @everywhere
    def test_a_server_loses_the_connection_and_goes_on_listening(self):
        servers = EchoServers(self.host, 9007)
        self.addCleanup(servers.stop)
        program = self.program(self.peer)
        connections = [self.open(program, "tcp", address, 9007)
                       for address in (self.pair.host4, self.pair.host6)]
        flow = self.flows("--from", self.pair.peer4)[0]
        self.assertEqual((flow["direction"], flow["local_port"]), ("in", 9007))
        status, told = self.kill("--from", self.pair.peer4)
        self.assertEqual((status, len(told)), (0, 1))
        self.assertIn(self.talk(program, connections[0]), ("ECONNRESET", "EPIPE"))
        self.assertIs(self.talk(program, connections[1]), True)
        again = self.open(program, "tcp", self.pair.host4, 9007)
        self.assertIs(self.talk(program, again), True)

    def test_without_a_filter_nothing_is_killed(self):
        program = self.program()
        number = self.open(program, "tcp", self.pair.peer4, 7)
        self.assertEqual(self.fw.command("kill").returncode, USAGE)
        self.assertIs(self.talk(program, number), True)

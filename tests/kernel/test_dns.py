# SPDX-License-Identifier: GPL-2.0-or-later
"""Host names: learnt from the DNS answers that really came, by the time they are needed; from no
others."""

import json
import time
from pathlib import Path

from lib.case import KernelTest, everywhere, only_in
from lib.helper import Helper
from lib.places import built

REFUSED = 111
CLIENT = str(Path(__file__).resolve().parent / "lib" / "dns_client.py")
GOOD, OTHER = "10.99.0.10", "10.99.0.11"  # both answer; good.example is the first one
GOOD6 = "fd99::10"
SECOND = "10.99.0.3"                      # a second DNS server, of nobody's choice

RULES = """
rules:
  - {name: ask, direction: out, port: 53, action: accept}
  - {name: incoming, direction: in, action: accept}
  - {name: bad, domain: ["bad.example", "*.bad.example"], action: reject}
  - {name: good, domain: good.example, action: accept}
  - {name: below, domain: "*.example.org", action: accept}
"""

ZONE = {
    "good.example": {"records": [["good.example", "A", 60, GOOD], ["good.example", "AAAA", 60, GOOD6]]},
}


@only_in("native")
class Dns(KernelTest):
    def setUp(self):
        super().setUp()
        for address in (GOOD, OTHER, SECOND):
            self.peer.ip("address", "add", f"{address}/24", "dev", self.pair.peer_link)
        self.peer.ip("address", "add", f"{GOOD6}/64", "dev", self.pair.peer_link, "nodad")
        self.dns = Helper(self.peer, "dns_server.py", self.pair.peer4, self.pair.peer6, SECOND)
        self.addCleanup(self.dns.stop)
        self.hosts = self.folder / "hosts"

    def start(self, resolvers=None, minimum_ttl: int = 60, extra: str = "", rules: str = RULES):
        resolvers = resolvers or [self.pair.peer4, self.pair.peer6]
        config = (f"mode: enforce\ndns:\n  resolvers: {json.dumps(resolvers)}\n"
                  f"  hosts_file: {self.hosts}\n  minimum_ttl: {minimum_ttl}\n{extra}")
        self.fw = self.daemon(rules, config=config)
        return self.fw

    def zone(self, **names) -> None:
        """zone(good_example=[…]): records of the names, '_' for '.'; a dictionary for more."""
        zone = dict(ZONE)
        for name, entry in names.items():
            zone[name.replace("_", ".")] = entry if isinstance(entry, dict) else {"records": entry}
        self.dns.ask(json.dumps(zone))

    def look_up(self, name: str = "good.example", kind: str = "A", *options: str,
                server: str | None = None, where=None) -> int:
        return (where or self.host).run("/usr/bin/python3", CLIENT, server or self.pair.peer4, name,
                                        kind, *options, timeout=100).returncode

    def reach(self, address: str = GOOD) -> int:
        kind = "tcp6" if ":" in address else "tcp4"
        return self.host.run(built("tests/kernel/programs/connect1"), kind, address, "7").returncode

    def refused(self) -> dict:
        return {each["name"]: each["count"] for each in self.fw.status()["names"]["refused"]}

    def test_an_answer_names_its_address_and_no_other(self):
        self.start()
        self.zone()
        self.assertEqual(self.reach(), REFUSED)
        self.assertEqual(self.look_up(), 0)
        self.assertEqual(self.reach(GOOD), 0)
        self.assertEqual(self.reach(OTHER), REFUSED)
        row = self.fw.audit.wait_rows(1, "destination = ? AND verdict = 'accept'", GOOD)[0]
        self.assertEqual((row["host"], row["rule"]), ("good.example", "good"))
        row = self.fw.audit.wait_rows(1, "destination = ?", OTHER)[0]
        self.assertEqual((row["host"], row["rule"], row["verdict"]), ("", "", "reject"))
        log = self.host.run(built("cli/doorward"), "log", "--database", self.fw.database, "--to",
                            "good.example", "--json", check=True).stdout
        self.assertEqual([json.loads(line)["host"] for line in log.splitlines()], ["good.example"])
        names = self.fw.status()["names"]
        self.assertEqual((names["addresses"], names["answers"], names["queries"]), (1, 1, 0))
        self.assertEqual(names["resolvers"], [self.pair.peer4, self.pair.peer6])

    @everywhere
    def test_the_name_is_there_before_the_first_packet_every_time(self):
        self.start(minimum_ttl=1)
        self.zone(good_example=[["good.example", "A", 1, GOOD]])
        self.assertEqual(self.look_up("good.example", "A", "--connect", GOOD, "7", "--times", "300"), 0)
        rows = self.fw.audit.wait_rows(300, "destination = ? AND destination_port = 7", GOOD)
        self.assertEqual({(row["verdict"], row["host"]) for row in rows}, {("accept", "good.example")})

    @everywhere
    def test_all_kinds_of_answers_over_udp_and_tcp(self):
        records = [["www.example.org", "CNAME", 60, "edge.cdn.example"],
                   ["edge.cdn.example", "A", 60, GOOD], ["edge.cdn.example", "AAAA", 60, GOOD6]]
        service = [["svc.example.org", "HTTPS", 60, [1, "", [OTHER]]]]
        for options in ((), ("--tcp",)):
            for server in (self.pair.peer4, self.pair.peer6):
                with self.subTest(options=options, server=server):
                    self.start()
                    self.zone(www_example_org=records, svc_example_org=service)
                    self.assertEqual(self.look_up("www.example.org", "A", *options, server=server), 0)
                    self.assertEqual((self.reach(GOOD), self.reach(GOOD6)), (0, REFUSED))
                    self.look_up("www.example.org", "AAAA", *options, server=server)
                    self.assertEqual(self.reach(GOOD6), 0)
                    self.look_up("svc.example.org", "HTTPS", *options, server=server)
                    self.assertEqual(self.reach(OTHER), 0)
                    rows = self.fw.audit.wait_rows(3, "verdict = 'accept' AND destination_port = 7")
                    self.assertEqual([row["host"] for row in rows],
                                     ["www.example.org", "www.example.org", "svc.example.org"])
                    self.fw.stop()

    def test_answers_that_do_not_fit_a_query_name_nothing(self):
        self.start()
        for lie, reason in (("id", "not-asked"), ("question", "other-question"),
                            ("port", ""), ("server", "other-resolver")):
            with self.subTest(lie=lie):
                self.zone(good_example={**ZONE["good.example"], "lie": lie})
                before = self.refused()
                self.assertEqual(self.look_up(), 0)  # it did get there
                self.assertEqual(self.reach(), REFUSED)
                if reason:
                    self.assertEqual(self.refused()[reason], before[reason] + 1)
        self.zone()
        self.look_up()
        self.assertEqual(self.reach(), 0)

    def test_answers_to_no_query_name_nothing(self):
        self.start()
        waiting = self.host.start("/usr/bin/python3", "-c", "\n".join((
            "import socket", "s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)",
            "s.bind(('', 4444))", "s.settimeout(20)", "s.recv(9999)")))
        self.addCleanup(waiting.wait)
        self.addCleanup(waiting.kill)
        for _ in range(100):
            self.dns.ask(f"send {self.pair.host4} 4444 good.example {GOOD}")
            if waiting.poll() is not None:
                break
            time.sleep(0.1)
        self.assertEqual(waiting.wait(), 0)
        self.assertEqual(self.reach(), REFUSED)
        self.assertGreaterEqual(self.refused()["not-asked"], 1)
        # The second of two answers to one query.
        self.zone(good_example={**ZONE["good.example"], "lie": "twice"})
        before = self.refused()["not-asked"]
        self.assertEqual(self.look_up("good.example", "A", "--answers", "2"), 0)
        self.assertEqual(self.reach(GOOD), 0)
        self.assertEqual(self.refused()["not-asked"], before + 1)
        self.peer.ip("address", "add", "10.99.0.66/24", "dev", self.pair.peer_link)
        self.assertEqual(self.reach("10.99.0.66"), REFUSED)

    def test_only_the_resolvers_are_believed(self):
        self.start()
        self.zone()
        self.assertEqual(self.look_up(server=SECOND), 0)
        self.assertEqual(self.reach(), REFUSED)
        counts = self.refused()
        self.assertEqual((counts["asked-elsewhere"], counts["other-resolver"]), (1, 1))
        self.assertEqual(self.look_up("good.example", "A", "--tcp", server=SECOND), 0)
        self.assertEqual(self.reach(), REFUSED)
        # What opens the connection asks nothing.
        self.assertEqual(self.refused()["asked-elsewhere"], 2)

    def test_records_beside_the_question_name_nothing(self):
        self.start()
        self.zone(www_example_org=[["www.example.org", "A", 60, GOOD],
                                   ["good.example", "A", 60, OTHER]])
        self.look_up("www.example.org")
        self.assertEqual((self.reach(GOOD), self.reach(OTHER)), (0, REFUSED))

    @everywhere
    def test_another_namespace_has_names_of_its_own(self):
        self.start()
        self.zone()
        self.assertEqual(self.look_up(where=self.peer), 0)
        self.assertEqual(self.reach(), REFUSED)

    def test_a_name_ends_with_its_time(self):
        self.start(minimum_ttl=1)
        self.zone(good_example=[["good.example", "A", 3, GOOD]])
        self.look_up()
        self.assertEqual(self.reach(), 0)
        for _ in range(60):
            if self.reach() == REFUSED:
                break
            time.sleep(0.5)
        self.assertEqual(self.reach(), REFUSED)
        self.look_up()
        self.assertEqual(self.reach(), 0)

    def test_a_connection_outlives_the_time_of_its_name(self):
        self.start(minimum_ttl=1)
        self.zone(good_example=[["good.example", "A", 1, GOOD]])
        self.look_up()
        client = self.host.start("/usr/bin/python3", "-c", "\n".join((
            "import socket, sys", f"s = socket.create_connection(('{GOOD}', 7), 20)",
            "for line in sys.stdin:", "    s.sendall(b'x'); assert s.recv(1) == b'x'",
            "    print('ok', flush=True)")), stdin=-1, stdout=-1, text=True)
        self.addCleanup(client.stdout.close)
        self.addCleanup(client.wait)
        self.addCleanup(client.stdin.close)

        def alive() -> bool:
            client.stdin.write("\n")
            client.stdin.flush()
            return client.stdout.readline() == "ok\n"

        self.assertTrue(alive())
        for _ in range(60):
            if self.reach() == REFUSED:
                break
            time.sleep(0.5)
        self.assertEqual(self.reach(), REFUSED)
        self.fw.reload()  # all flows are asked about again
        self.assertTrue(alive())
        rows = self.fw.audit.wait_rows(2, "destination = ? AND verdict = 'accept'", GOOD)
        self.assertEqual({row["host"] for row in rows}, {"good.example"})

    def test_a_rule_that_denies_by_name(self):
        self.start(rules=RULES + "  - {name: rest, action: accept}\n")
        self.zone(www_bad_example=[["www.bad.example", "A", 60, OTHER]])
        self.assertEqual(self.reach(OTHER), 0)
        self.look_up("www.bad.example")
        self.assertEqual((self.reach(OTHER), self.reach(GOOD)), (REFUSED, 0))

    def test_a_local_resolver_in_between(self):
        stub = Helper(self.host, "dns_server.py", "127.0.0.53")
        self.addCleanup(stub.stop)
        stub.ask(f"forward {self.pair.peer4}")
        self.zone()
        for resolvers in (["127.0.0.53"], [self.pair.peer4]):
            # Either side of it may be the one that is believed: a program that asks it by other ways
            # than DNS gets the name too.
            with self.subTest(resolvers=resolvers):
                self.start(resolvers)
                self.assertEqual(self.look_up(server="127.0.0.53"), 0)
                self.assertEqual(self.reach(), 0)
                row = self.fw.audit.wait_rows(1, "destination = ? AND verdict = 'accept'", GOOD)[0]
                self.assertEqual(row["host"], "good.example")
                self.fw.stop()

    def test_the_c_library_and_dig(self):
        resolv = self.folder / "resolv.conf"
        resolv.write_text(f"nameserver {self.pair.peer4}\n")
        self.start([str(resolv)])
        self.zone()
        script = (f"mount --bind {resolv} /etc/resolv.conf && exec /usr/bin/python3 -c \"import socket\n"
                  "s = socket.create_connection(('good.example', 7), 20); s.close()\"")
        done = self.host.run("unshare", "--mount", "sh", "-c", script, timeout=60)
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertEqual((self.reach(GOOD), self.reach(GOOD6)), (0, 0))
        for options in (("+notcp",), ("+tcp",)):
            self.zone(www_example_org=[["www.example.org", "A", 60, OTHER]])
            self.host.run("dig", f"@{self.pair.peer4}", "www.example.org", *options, check=True)
        self.assertEqual(self.reach(OTHER), 0)

    def test_resolvers_and_hosts_are_read_again_when_they_change(self):
        resolv = self.folder / "resolv.conf"
        resolv.write_text(f"nameserver {SECOND}\n")
        self.start([str(resolv)])
        self.zone()
        self.look_up()
        self.assertEqual(self.reach(), REFUSED)
        resolv.write_text(f"nameserver {self.pair.peer4}\n")
        self.hosts.write_text(f"{OTHER} printer.example.org printer\n")
        for _ in range(100):
            names = self.fw.status()["names"]
            if names["resolvers"] == [self.pair.peer4] and names["hosts_file"] == 2:
                break
            time.sleep(0.2)
        self.assertEqual((names["resolvers"], names["hosts_file"]), ([self.pair.peer4], 2))
        self.assertEqual(self.reach(OTHER), 0)
        row = self.fw.audit.wait_rows(1, "destination = ?", OTHER)[0]
        self.assertEqual((row["host"], row["rule"]), ("printer.example.org", "below"))
        self.look_up()
        self.assertEqual(self.reach(), 0)

    def test_switched_off_nothing_has_a_name(self):
        self.hosts.write_text(f"{OTHER} www.example.org\n")
        self.start(extra="  enabled: false\n")
        self.zone()
        self.assertEqual(self.look_up(), 0)
        self.assertEqual((self.reach(GOOD), self.reach(OTHER)), (REFUSED, REFUSED))
        self.assertFalse(self.fw.status()["names"]["enabled"])

    def test_explain_and_rules_of_the_command_know_names(self):
        self.start(rules="rules:\n  - {name: ask, port: 53, action: accept}\n")
        self.zone()
        self.look_up()
        self.assertEqual(self.reach(), REFUSED)
        added = self.fw.command("allow", built("tests/kernel/programs/connect1"), "--domain", "good.example")
        self.assertEqual(added.returncode, 0, added.stderr)
        self.assertEqual(self.reach(), 0)
        told = self.fw.command("explain", "--app", built("tests/kernel/programs/connect1"), "--domain",
                               "Good.example", "--json")
        self.assertEqual(json.loads(told.stdout)["action"], "accept")


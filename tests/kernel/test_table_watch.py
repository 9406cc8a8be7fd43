# SPDX-License-Identifier: GPL-2.0-or-later
"""Somebody else takes the table out, or changes it: it is put back, and it is said who that was."""

import re
import subprocess

from lib.case import TIMED_OUT, KernelTest
from lib.wait import wait_for, wait_until

RULES = "rules:\n  - {name: seven, port: 7, action: accept}\n"
OTHERS = "table inet other { chain c { type filter hook output priority 0; counter; }; }"


class TableWatch(KernelTest):
    def nft(self, *words: str) -> str:
        return self.host.run("nft", *words, check=True).stdout

    def shape(self) -> str:
        """The table, without what counts and without the generation, which is another each time."""
        text = self.nft("list", "table", "inet", "doorward")
        return re.sub(r"packets \d+ bytes \d+|0x[0-9a-f]{8}", "", text)

    def watched(self, rules: str = RULES, **options):
        daemon = self.daemon(rules, default_out="drop", **options)
        self.before = self.shape()
        self.assertEqual(self.contact("tcp4").returncode, 0)
        return daemon

    def check_restored(self, daemon, times: int, reason: str):
        wait_for(times, lambda: daemon.status()["tables_restored"])
        self.assertEqual(self.shape(), self.before)
        self.assertEqual(self.contact("tcp4").returncode, 0)
        self.wire.reset()
        for kind in ("tcp4", "udp6"):
            self.assertEqual(self.contact(kind, 80, "--wait", "300").returncode, TIMED_OUT)
        self.assertEqual(self.wire.count(dport=80), 0)
        rows = daemon.audit.wait_rows(times, "reason LIKE 'table-%'")
        self.assertRegex(rows[-1]["reason"], reason)
        self.assertIn("the table inet doorward was " + reason.split("-")[1].split(" ")[0], daemon.log.read_text())

    def test_a_flushed_ruleset(self):
        daemon = self.watched()
        self.nft(OTHERS)
        self.nft("flush", "ruleset")
        self.check_restored(daemon, 1, r"^table-removed by nft \(pid \d+\)$")
        self.assertNotIn("inet other", self.nft("list", "ruleset"))  # not ours to put back

    def test_a_deleted_table_again_and_again(self):
        daemon = self.watched()
        for times in range(1, 4):
            self.nft("delete", "table", "inet", "doorward")
            self.check_restored(daemon, times, r"^table-removed by nft ")

    def test_a_rule_put_in_front_of_ours(self):
        daemon = self.watched()
        self.nft("insert", "rule", "inet", "doorward", "output", "accept")
        self.check_restored(daemon, 1, r"^table-changed by nft ")

    def test_a_table_put_to_sleep(self):
        daemon = self.watched()
        self.nft("add table inet doorward { flags dormant; }")
        self.check_restored(daemon, 1, r"^table-changed by nft ")

    def test_flushed_chains_and_a_deleted_one(self):
        daemon = self.watched()
        self.nft("flush", "table", "inet", "doorward")
        self.check_restored(daemon, 1, r"^table-changed by nft ")
        self.nft("flush chain inet doorward verdict_in; delete chain inet doorward verdict_in")
        self.check_restored(daemon, 2, r"^table-changed by nft ")

    def test_changes_of_others_and_our_own_are_nobodys_business(self):
        daemon = self.watched()
        self.nft(OTHERS)
        self.nft("delete", "table", "inet", "other")
        self.nft("add table ip doorward; delete table ip doorward")
        daemon.write_rules(RULES + "  - {name: eighty, port: 80, action: accept}\n")
        daemon.reload()
        self.assertEqual(self.contact("tcp4", 80).returncode, 0)
        self.assertEqual(daemon.command("mode", "observe").returncode, 0)
        self.assertEqual(daemon.command("mode", "enforce").returncode, 0)
        # What comes later is told later: by then, the earlier news have been read.
        self.nft("delete", "table", "inet", "doorward")
        wait_until(lambda: daemon.status()["tables_restored"] > 0)
        self.assertEqual(daemon.status()["tables_restored"], 1)

    def test_an_observer_puts_it_back_too(self):
        daemon = self.watched(mode="observe")
        self.nft("flush", "ruleset")
        wait_for(1, lambda: daemon.status()["tables_restored"])
        self.assertEqual(self.contact("udp4", 80).returncode, 0)
        daemon.audit.wait_rows(1, "protocol = 'udp' AND destination_port = 80")

    def test_an_allowed_connection_goes_on_and_a_denied_one_does_not(self):
        daemon = self.watched()
        code = ("import socket, sys; c = socket.create_connection(('{0}', 7), 20)\n"
                "for line in sys.stdin:\n"
                "    c.sendall(line.encode()); assert c.recv(99) == line.encode(); print('ok', flush=True)")
        client = self.host.start("/usr/bin/python3", "-c", code.format(self.pair.peer4), stdin=subprocess.PIPE,
                                 stdout=subprocess.PIPE, text=True)
        self.addCleanup(client.stdout.close)
        self.addCleanup(client.kill)

        def speaks() -> str:
            client.stdin.write("word\n")
            client.stdin.flush()
            return client.stdout.readline()

        self.assertEqual(speaks(), "ok\n")
        self.nft("flush", "ruleset")
        wait_for(1, lambda: daemon.status()["tables_restored"])
        self.assertEqual(speaks(), "ok\n")
        client.communicate(timeout=30)

    def test_a_daemon_in_a_pid_namespace_knows_its_own_changes(self):
        daemon = self.new_daemon(RULES, default_out="drop")
        words = ["unshare", "--pid", "--fork", "--kill-child", *daemon.arguments()]
        daemon.arguments = lambda: words
        daemon.start()
        self.addCleanup(daemon.kill)
        self.assertEqual(daemon.command("rules", "reload").returncode, 0)
        self.before = self.shape()
        self.nft("delete", "table", "inet", "doorward")
        wait_for(1, lambda: daemon.status()["tables_restored"])
        self.assertEqual(self.shape(), self.before)

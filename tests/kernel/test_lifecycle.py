# SPDX-License-Identifier: GPL-2.0-or-later
"""Start, reload, stop, death: what was running keeps running, and nothing slips out meanwhile."""

import re
import shutil
import signal
import subprocess

from lib.case import TIMED_OUT, KernelTest, only_in
from lib.exchange import Exchange
from lib.places import built
from lib.wait import wait_until

ACCEPT_ALL = "rules:\n  - name: all\n    action: accept\n"
REFUSED = 111


class Lifecycle(KernelTest):
    def ruleset(self) -> str:
        return self.host.run("nft", "list", "ruleset", check=True).stdout

    def refused_start(self, message: str, **options) -> str:
        """A daemon that must end at once, with one line that says why."""
        daemon = self.new_daemon(**options)
        daemon.launch()
        status = daemon.process.wait(60)
        daemon.process = None
        self.assertNotEqual(status, 0)
        words = daemon.log.read_text()
        self.assertRegex(words, message)
        self.assertEqual(len(words.splitlines()), 1, words)
        return words

    def test_a_clean_stop_leaves_the_network_as_it_was(self):
        self.host.run("nft", "add table inet other; add chain inet other c "
                      "{ type filter hook output priority 0; }; add rule inet other c counter", check=True)
        before = re.sub(r"packets \d+ bytes \d+", "", self.ruleset())
        daemon = self.daemon()
        self.assertIn("table inet doorward", self.ruleset())
        self.assertEqual(self.contact("tcp4").returncode, REFUSED)
        daemon.stop()
        self.assertEqual(re.sub(r"packets \d+ bytes \d+", "", self.ruleset()), before)
        self.assertEqual(self.contact("tcp4").returncode, 0)
        self.assertFalse(daemon.socket.exists())

    def test_a_killed_daemon_lets_nothing_out_and_the_next_takes_over(self):
        daemon = self.daemon(ACCEPT_ALL)
        self.assertEqual(self.contact("tcp4").returncode, 0)
        daemon.kill()
        self.wire.reset()
        for kind in ("tcp4", "tcp6", "udp4", "udpconn6"):
            self.assertEqual(self.contact(kind, 7, "--wait", "300").returncode, TIMED_OUT, kind)
        self.assertNotEqual(self.host.run("ping", "-c1", "-W1", self.pair.peer4).returncode, 0)
        self.assertEqual(self.wire.count(), 0)
        daemon.start()
        self.assertEqual(self.contact("tcp4").returncode, 0)
        daemon.stop()
        self.assertNotIn("doorward", self.ruleset())

    def test_a_daemon_that_hands_over_opens_nothing(self):
        daemon = self.daemon(ACCEPT_ALL)
        self.assertEqual(self.contact("tcp4").returncode, 0)
        daemon.process.send_signal(signal.SIGUSR2)
        self.assertEqual(daemon.process.wait(60), 0)
        daemon.process = None
        self.wire.reset()
        for kind in ("tcp4", "tcp6", "udp4", "udpconn6"):
            self.assertEqual(self.contact(kind, 7, "--wait", "300").returncode, TIMED_OUT, kind)
        self.assertEqual(self.wire.count(), 0)
        daemon.start()
        self.assertEqual(self.contact("tcp4").returncode, 0)
        daemon.stop()
        self.assertNotIn("doorward", self.ruleset())

    def test_an_observer_that_hands_over_takes_its_table_along(self):
        daemon = self.daemon(mode="observe")
        daemon.process.send_signal(signal.SIGUSR2)
        self.assertEqual(daemon.process.wait(60), 0)
        daemon.process = None
        self.assertNotIn("doorward", self.ruleset())

    def test_a_killed_observer_stands_in_nobodys_way(self):
        daemon = self.daemon(mode="observe")
        daemon.kill()
        self.assertEqual(self.contact("tcp4").returncode, 0)
        self.assertEqual(self.contact("udp6").returncode, 0)

    def test_a_stopped_daemon_lets_nothing_out(self):
        daemon = self.daemon(ACCEPT_ALL)
        daemon.pause()
        try:
            self.assertEqual(self.contact("tcp4", 7, "--wait", "300").returncode, TIMED_OUT)
            self.assertEqual(self.wire.count(), 0)
        finally:
            daemon.process.send_signal(signal.SIGCONT)

    def test_decided_flows_go_on_while_the_daemon_is_dead(self):
        daemon = self.daemon(ACCEPT_ALL)
        client = Exchange(self, self.host, self.pair.peer4)
        daemon.kill()
        self.assertEqual(client.go_on(), "two")

    def served_connection(self):
        """From the peer to a server of this host's that is gone when it has answered twice."""
        server = self.host.start("/usr/bin/python3", "-c", "\n".join((
            "import socket", "s = socket.create_server(('0.0.0.0', 4000)); print('up', flush=True)",
            "c, _ = s.accept(); c.settimeout(30)",
            "for word in (b'one', b'two'): assert c.recv(9) == word; c.sendall(word)")),
            stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        self.addCleanup(server.kill)
        self.assertEqual(server.stdout.readline(), b"up\n")
        return server, Exchange(self, self.peer, self.pair.host4, 4000, patience=5)

    def test_open_connections_go_on_though_the_next_daemon_dies_at_once(self):
        daemon = self.daemon(ACCEPT_ALL)
        client = Exchange(self, self.host, self.pair.peer4, patience=5)
        server, caller = self.served_connection()
        daemon.kill()
        daemon.start()
        scanned = "pid = ? AND direction = ? AND attribution = 'scan'"
        for pid, direction in ((client.pid, "out"), (server.pid, "in")):
            row = daemon.audit.wait_rows(1, scanned, pid, direction)[0]
            self.assertEqual((row["rule"], row["verdict"]), ("all", "accept"))
        daemon.kill()
        self.assertEqual([client.go_on(), caller.go_on()], ["two", "two"])

    def test_open_connections_that_the_next_daemon_denies_do_not_go_on(self):
        daemon = self.daemon(ACCEPT_ALL)
        client = Exchange(self, self.host, self.pair.peer4, patience=5)
        server, caller = self.served_connection()
        daemon.kill()
        daemon.write_rules("rules:\n  - {name: nothing, action: drop}\n")
        daemon.start()
        daemon.kill()
        self.wire.reset()
        self.assertEqual([client.go_on(), caller.go_on()], [None, None])
        self.assertEqual(self.wire.count(protocol="tcp", dport=7), 0)
        self.assertIsNone(server.poll(), "the server was told")

    @only_in("native")
    def test_bad_rules_are_refused_and_the_old_ones_run_on(self):
        daemon = self.daemon(ACCEPT_ALL)
        path = daemon.write_rules("rules:\n  - name: broken\n    action: accept\n    porrt: 7\n", "20-bad.yaml")
        daemon.reload()
        self.assertIn(f"{path}:4:5", daemon.log.read_text())
        self.assertIn(f"{path}:4:5", daemon.status()["ruleset"]["last_error"])
        self.assertEqual(self.contact("tcp4").returncode, 0)
        path.unlink()
        daemon.reload()
        self.assertIsNone(daemon.status()["ruleset"].get("last_error"))

    def test_new_rules_are_asked_about_flows_decided_before(self):
        daemon = self.daemon(ACCEPT_ALL)
        client = Exchange(self, self.host, self.pair.peer4, patience=3)
        daemon.write_rules("rules:\n  - {name: nothing, action: drop}\n")
        daemon.reload()
        self.wire.reset()
        self.assertIsNone(client.go_on())
        self.assertEqual(self.wire.count(protocol="tcp", dport=7), 0)
        row = daemon.audit.wait_rows(1, "rule = 'nothing' AND protocol = 'tcp'")[0]
        self.assertEqual(row["pid"], client.pid)

    def test_a_second_daemon_is_refused_and_harms_nothing(self):
        self.daemon(ACCEPT_ALL)
        self.refused_start(r"queue 4870.*another process")
        self.assertEqual(self.contact("tcp4").returncode, 0)

    @only_in("native")
    def test_what_is_wrong_is_said_in_one_line(self):
        self.refused_start(r"doorward\.yaml:1:1: .*no-such-key", config="no-such-key: 1\n")
        self.refused_start(r"10-test\.yaml:3:13: ", rules="rules:\n  - name: a\n    action: perhaps\n")
        self.refused_start(r"rules\.d: .*|no-such-folder", rules_dir=self.folder / "no-such-folder")
        self.refused_start(r"/proc/audit\.db|/proc", database="/proc/audit.db")
        self.assertNotIn("doorward", self.ruleset())

    @only_in("native")
    def test_a_read_only_database_folder(self):
        folder = self.folder / "ro"
        folder.mkdir()
        subprocess.run(["mount", "-t", "tmpfs", "-o", "ro", "none", folder], check=True)
        self.addCleanup(subprocess.run, ["umount", folder], check=True)
        self.refused_start(r"ro/audit\.db", database=folder / "audit.db")
        self.assertNotIn("doorward", self.ruleset())

    @only_in("native")
    def test_without_root(self):
        program = self.folder / "doorwardd"  # a checkout may be where only root can go
        shutil.copy(built("fwd/doorwardd"), program)
        self.folder.chmod(0o755)
        result = self.host.run("setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", program)
        self.assertEqual(result.returncode, 1)
        self.assertRegex(result.stderr, r"^doorwardd: must be started as root[^\n]*\n$")

    @only_in("native")
    def test_what_never_matches_is_said_and_the_rules_are_kept_for_the_next_start(self):
        daemon = self.daemon(ACCEPT_ALL + "  - name: dead\n    port: 7\n    action: drop\n")
        words = r'10-test\.yaml:4:5: rule "dead" never matches: rule "all" \(.*10-test\.yaml:2:5\)'
        cache = daemon.folder / "rules.cache"
        for _ in range(2):
            wait_until(lambda: re.search(words, daemon.log.read_text()) and cache.exists())
            self.assertEqual(daemon.log.read_text().count("never matches"), 1)
            daemon.stop()
            daemon.log.write_text("")
            daemon.start()
        self.assertEqual(self.contact("tcp4").returncode, 0)

    @only_in("native")
    def test_check_config(self):
        daemon = self.new_daemon(ACCEPT_ALL)
        good = self.host.run(*daemon.arguments(), "--check-config")
        self.assertEqual((good.returncode, good.stderr), (0, ""))
        daemon.write_rules("rules:\n  - name: a\n")
        bad = self.host.run(*daemon.arguments(), "--check-config")
        self.assertEqual(bad.returncode, 2)
        self.assertRegex(bad.stderr, r"10-test\.yaml:2:5: [^\n]*action[^\n]*\n$")
        self.assertFalse(daemon.database.exists())

    @only_in("native")
    def test_a_forced_set_of_hooks_that_is_not_there(self):
        self.refused_start(r"kprobe tcp_v4_connect", hooks="kprobe")
        self.refused_start(r"hooks: fentry", hooks="fentry")
        self.assertNotIn("doorward", self.ruleset())

    @only_in("guest")
    def test_each_set_of_hooks_can_be_forced(self):
        for hooks in ("fentry", "kprobe"):
            with self.subTest(hooks=hooks):
                daemon = self.daemon(ACCEPT_ALL, hooks=hooks)
                self.assertEqual(self.contact("tcp4").returncode, 0)
                self.assertEqual(self.contact("udp4").returncode, 0)
                rows = daemon.audit.wait_rows(2, "direction = 'out' AND destination_port = 7")
                of_datagrams = {"fentry": "netfilter"}.get(hooks, hooks)
                self.assertEqual([row["attribution"] for row in rows], [hooks, of_datagrams])
                self.assertEqual((daemon.status()["hooks"], daemon.status()["missing"]), (hooks, []))
                daemon.stop()

    def test_the_cgroup_hooks_can_be_forced_anywhere(self):
        daemon = self.daemon(ACCEPT_ALL, hooks="cgroup")
        program = built("tests/kernel/programs/connect1")
        for kind in ("tcp4", "tcp6", "tcp6mapped", "udp4", "udp6", "udp6mapped"):
            self.contact(kind)
        rows = daemon.audit.wait_rows(6, "direction = 'out' AND destination_port = 7")
        self.assertEqual({row["exe"] for row in rows}, {program})
        self.assertEqual(daemon.status()["hooks"], "cgroup")

    @only_in("native")
    def test_a_damaged_log_does_not_stop_the_firewall(self):
        daemon = self.new_daemon(ACCEPT_ALL)
        daemon.database.write_bytes(b"this is no database" * 1000)
        daemon.start()
        self.assertEqual(self.contact("tcp4").returncode, 0)
        daemon.audit.wait_rows(1, "destination_port = 7")
        self.assertTrue(list(daemon.folder.glob("audit.db.damaged-*")))
        self.assertIn("damaged", daemon.log.read_text())

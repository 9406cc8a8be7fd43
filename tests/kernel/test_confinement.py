# SPDX-License-Identifier: GPL-2.0-or-later
"""The daemon holds what deciding takes, and no more: each of its threads, from its start on."""

from pathlib import Path

from lib.case import KernelTest, everywhere

ACCEPT_ALL = "rules:\n  - name: all\n    action: accept\n"
KEPT = {"cap_net_admin": 12, "cap_dac_read_search": 2, "cap_sys_ptrace": 19}
# Says so itself: its system calls are not filtered.
SANITIZER = "filter of system calls (this build has a sanitizer)"


class Confinement(KernelTest):
    def fields(self, task: Path) -> dict:
        lines = (task / "status").read_text().splitlines()
        return dict(line.split(":\t", 1) for line in lines if ":\t" in line)

    @everywhere
    def test_no_thread_holds_more_than_it_needs(self):
        daemon = self.daemon(ACCEPT_ALL)
        self.assertEqual(self.contact("tcp4").returncode, 0)
        status = daemon.status()
        filtered = SANITIZER not in [each["name"] for each in status["missing"]]
        tasks = list(Path(f"/proc/{daemon.process.pid}/task").iterdir())
        self.assertGreaterEqual(len(tasks), 4)
        for task in tasks:
            fields = self.fields(task)
            with self.subTest(thread=fields["Name"]):
                self.assertEqual(int(fields["CapEff"], 16), sum(1 << bit for bit in KEPT.values()))
                self.assertEqual(fields["CapPrm"], fields["CapEff"])
                self.assertEqual(fields["CapBnd"], fields["CapEff"])
                self.assertEqual(int(fields["CapInh"], 16), 0)
                self.assertEqual(int(fields["CapAmb"], 16), 0)
                self.assertEqual(fields["NoNewPrivs"], "1")
                self.assertEqual(fields["Seccomp"], "2" if filtered else "0")
        told = status["confinement"]
        self.assertEqual(set(told["capabilities"]), set(KEPT))
        self.assertEqual(set(told["bounding"]), set(KEPT))
        self.assertTrue(told["no_new_privileges"])
        self.assertEqual(told["calls_filtered"], filtered)
        self.assertEqual(told["refused_calls"], [])
        self.assertIn("keeps cap_dac_read_search cap_net_admin cap_sys_ptrace", daemon.log.read_text())

    @everywhere
    def test_what_it_has_given_up_is_not_missed(self):
        # What happens later than the start: other rules, other network, a rule and its file, a new device.
        daemon = self.daemon(ACCEPT_ALL, packet_sockets="record")
        daemon.write_rules("profiles:\n  home: {gateway: 192.0.2.1}\n"
                           "rules:\n  - {name: at-home, profile: home, action: reject}\n"
                           "  - {name: all, action: accept}\n")
        daemon.reload()
        self.assertEqual(daemon.status()["ruleset"]["rules"], 2)
        self.host.run("ip", "link", "add", "later0", "type", "veth", "peer", "name", "later1",
                      check=True)
        self.host.run("ip", "link", "set", "later0", "up", check=True)
        self.assertEqual(daemon.command("deny", "/bin/false", "--name", "added").returncode, 0)
        self.assertEqual(daemon.command("rules", "undo").returncode, 0)
        self.assertEqual(daemon.command("mode", "observe").returncode, 0)
        self.assertEqual(daemon.command("flows").returncode, 0)
        self.assertEqual(self.contact("udp4").returncode, 0)
        self.assertEqual(daemon.status()["confinement"]["refused_calls"], [])

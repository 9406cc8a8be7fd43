# SPDX-License-Identifier: GPL-2.0-or-later
"""The audit log can be shown to be as it was written: after kills, and by others than the command."""

import hashlib
import json
import re
import sqlite3
import struct
import sys

from lib.case import KernelTest, everywhere, only_in
from lib.places import WORLD

ACCEPT_ALL = "rules:\n  - name: all\n    action: accept\n"
# Flows as fast as they go, each of a socket of its own, until it is ended.
LOAD = """
import socket, sys
while True:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as flow:
        flow.sendto(b"x", (sys.argv[1], 9))
"""

# What a row's hash is made of, in this order; the numbers of the columns go into it.
ROW = ("id time_us verdict decision rule reason direction protocol source source_port destination "
       "destination_port host unknown pid start_ns exec_id uid user exe exe_device exe_inode command_line "
       "working_directory parent_pid parent_exe cgroup_id unit attribution latency_ns log count gid slice "
       "container script ancestors mount_namespace sha256 package unread appimage script_device script_inode "
       "interface names units slices ancestors_whole asked verity source_ip destination_ip injected").split()
EVENT = "id after_id time_us kind upto rows base".split()


def link(before: bytes, kind: bytes, values: list) -> bytes:
    """As in ARCHITECTURE.md, without a line of the daemon's own code."""
    content = before + kind
    for column, value in enumerate(values):
        if value is None:
            continue
        content += bytes([column])
        if isinstance(value, int):
            content += b"n" + struct.pack(">q", value)
        else:
            bytes_ = value.encode() if isinstance(value, str) else value
            content += (b"t" if isinstance(value, str) else b"b") + struct.pack(">q", len(bytes_)) + bytes_
    return hashlib.sha256(content).digest()


class AuditChain(KernelTest):
    def verify(self, daemon, *options: str, status: int = 0) -> dict:
        result = daemon.command("log", "verify", "--json", "--database", str(daemon.database), *options)
        self.assertEqual(result.returncode, status, result.stdout + result.stderr)
        return json.loads(result.stdout)

    def heads(self, daemon) -> list[str]:
        return re.findall(r"the audit log ends with (\d+:[0-9a-f]{64})", daemon.log.read_text())

    def tamper(self, daemon, sql: str) -> None:
        connection = sqlite3.connect(daemon.database, timeout=10)
        connection.execute(sql)
        connection.commit()
        connection.close()

    def test_anybody_can_compute_the_chain(self):
        daemon = self.daemon(ACCEPT_ALL)
        for kind in ("tcp4", "udp4", "udp6"):
            self.contact(kind)
        daemon.audit.wait_rows(3, "destination_port = 7")
        daemon.stop()
        links = [(row["id"], 0, b"R", [row[name] for name in ROW], row["chain"]) for row in daemon.audit.rows()]
        links += [(event["after_id"], event["id"], b"E", [event[name] for name in EVENT], event["chain"])
                  for event in daemon.audit.query("SELECT * FROM events")]
        before = bytes(32)
        for row, _, kind, values, stored in sorted(links, key=lambda link: link[:2]):
            before = link(before, kind, values)
            self.assertEqual(before.hex(), stored.hex(), (row, kind, values))
        report = self.verify(daemon)
        self.assertEqual(report["head"], f"{len(daemon.audit.rows())}:{before.hex()}")
        self.assertEqual((report["rows"], report["unclean_ends"]), (len(daemon.audit.rows()), 0))

    @everywhere
    def test_a_kill_leaves_all_that_was_written_and_a_whole_chain(self):
        daemon = self.new_daemon(ACCEPT_ALL, config="mode: enforce\nverdict_cache: false\n")
        rounds = 3 if WORLD == "guest" else 8
        acknowledged = 0
        seen = {}
        for number in range(rounds):
            daemon.start()
            load = self.host.start(sys.executable, "-c", LOAD, self.pair.peer4)
            try:
                first = daemon.audit.query("SELECT coalesce(max(id), 0) AS id FROM decisions")[0]["id"]
                daemon.audit.wait_rows(1, "id > ?", first + 50 * (number + 1))
                seen |= {row["id"]: row["chain"] for row in daemon.audit.query("SELECT id, chain FROM decisions")}
                acknowledged += daemon.status()["audit"]["written"]
                daemon.kill()
            finally:
                load.kill()
                load.wait()
            self.assertGreater(self.verify(daemon)["rows"], 0)
        daemon.start()
        report = self.verify(daemon, "--head", self.heads(daemon)[0])
        self.assertEqual((report["unclean_ends"], report["sought"]), (rounds, "found"))
        rows = {row["id"]: row for row in daemon.audit.rows()}
        self.assertGreaterEqual(sum(row["count"] for row in rows.values()), acknowledged)
        for row, chain in seen.items():
            self.assertEqual(rows[row]["chain"], chain)
        self.assertNotIn("AUDIT LOG", daemon.log.read_text())

    def test_what_the_daemon_said_shows_that_rows_are_missing_at_the_end(self):
        daemon = self.daemon(ACCEPT_ALL)
        self.contact("tcp4")
        daemon.audit.wait_rows(1, "destination_port = 7")
        daemon.stop()
        daemon.start()
        daemon.stop()
        told = self.heads(daemon)
        self.assertEqual(len(told), 3)  # at the end, and at the start and the end again
        for head in told:
            self.assertEqual(self.verify(daemon, "--head", head)["sought"], "found")
        last = daemon.audit.rows()[-1]["id"]
        self.tamper(daemon, f"DELETE FROM events WHERE after_id >= {last} AND kind <> 'begun'")
        self.tamper(daemon, f"DELETE FROM decisions WHERE id = {last}")
        self.verify(daemon)  # nothing in the file itself tells
        report = self.verify(daemon, "--head", told[-1], status=1)
        self.assertEqual((report["ok"], report["sought"], report["fault"]["row"]), (False, "missing", last))

    @only_in("native")
    def test_a_log_that_was_tampered_with_does_not_stop_the_firewall(self):
        daemon = self.daemon(ACCEPT_ALL)
        for _ in range(3):
            self.contact("tcp4")
        rows = daemon.audit.wait_rows(3, "destination_port = 7")
        daemon.stop()
        self.tamper(daemon, f"UPDATE decisions SET exe = '/usr/bin/true' WHERE id = {rows[1]['id']}")
        daemon.start()
        self.assertIn("IS NOT AS IT WAS WRITTEN", daemon.log.read_text())
        self.assertEqual(self.contact("tcp4").returncode, 0)
        daemon.audit.wait_rows(4, "destination_port = 7")
        report = self.verify(daemon, status=1)
        self.assertEqual(report["fault"]["row"], rows[1]["id"])

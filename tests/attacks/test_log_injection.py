# SPDX-License-Identifier: GPL-2.0-or-later
"""Names that would like to be something else in the log: new lines, escape codes for the terminal, bytes that are no
text, quotes and SQL, in paths, arguments, host names and questions."""

import json
import os
import shutil

from attack import PORT, Attack
from lib.helper import Helper
from lib.places import built

NASTY = (b"a\nrule allowed accept", b"b\x1b]0;owned\x07\x1b[2J", b"c\xff\xfe\xc3(", b"d'; DROP TABLE decisions; --",
         b'e"}{"verdict":"accept"', b"f\xe2\x80\xae\xc2\x9b31m", b"g%s%n\\x41\t\r", b"h" * 255)


class LogInjection(Attack):
    def log(self, *words: str) -> str:
        return self.fw.command("log", "--database", str(self.fw.database), *words).stdout

    def check(self, count: int) -> None:
        rows = self.wait_rows(count, verdict="drop")
        self.assertEqual(len(rows), count)
        self.never_accepted()
        for row in rows:
            for value in row.values():
                if isinstance(value, str):  # SQLite gave it as text: valid UTF-8
                    self.assertFalse([c for c in value if (ord(c) < 32 and c != "\n") or 127 <= ord(c) < 160], value)
        lines = [json.loads(line) for line in self.log("--json", "--limit", "0").splitlines()]
        self.assertEqual(len([line for line in lines if line["destination_port"] == PORT]), count)
        self.assertNotIn("allowed", {line["rule"] for line in lines})
        table = self.log("--limit", "0")
        self.assertEqual([c for c in table if ord(c) < 32 and c != "\n" or 127 <= ord(c) < 160 or ord(c) == 0x202e], [])
        shown = [line for line in table.splitlines() if str(PORT) in line]
        self.assertEqual(len(shown), count, table)
        verified = self.log("verify")
        self.assertIn(str(len(self.fw.audit.rows())), verified)

    def test_paths_and_arguments(self):
        self.start()
        folder = os.fsencode(self.folder)
        words = ["udp4", self.pair.peer4, str(PORT), "--exit-at-once"]
        for name in NASTY:
            path = folder + b"/" + name
            shutil.copy(built("tests/kernel/programs/connect1"), path)
            self.run_as(self.denied, """
                path = os.fsencode(sys.argv[1])
                os.execv(path, [path[-250:], *sys.argv[2:]])
            """, os.fsdecode(path), *words)
        self.assertEqual(self.arrived(), 0)
        self.check(len(NASTY))
        exes = {row["exe"] for row in self.wait_rows(len(NASTY))}
        self.assertEqual(len(exes), len(NASTY), "each name has its own form")

    def test_arguments_alone(self):
        self.start()
        for name in NASTY:
            self.run_as(self.denied, "send(b'x')", os.fsdecode(name))
        self.check(len(NASTY))
        self.allowed_sends()

    def test_host_names(self):
        """An answer's names are bytes, too: what is no host name is no name. A good one is."""
        dns = Helper(self.peer, "dns_server.py", self.pair.peer4)
        self.addCleanup(dns.stop)
        self.start("  - {name: ask, port: 53, action: accept}\n  - {name: in, direction: in, action: accept}\n",
                   config=f"dns:\n  resolvers: ['{self.pair.peer4}']\n  minimum_ttl: 60\n")
        labels = ("evil\nhost", "\x1b[2k", "a' or 1=1", 'x"}{"', "\u202e", "good")
        dns.ask(json.dumps({f"{label}.example": {"records": [[f"{label}.example", "A", 60, self.pair.peer4]]}
                            for label in labels}))
        self.run_as(self.allowed, """
            for number, label in enumerate(word.encode() for word in sys.argv[1:]):
                question = struct.pack("!HHHHHH", number, 0x100, 1, 0, 0, 0) + bytes([len(label)]) + label + \\
                           b"\\7example\\0\\0\\1\\0\\1"
                s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM); s.settimeout(1); s.connect((PEER, 53))
                s.send(question)
                got = s.recv(999); assert socket.inet_aton(PEER) in got, (label, got)
        """, *labels)
        self.run_as(self.denied, "send(b'x')")
        self.check(1)
        row = self.wait_rows(1)[0]
        self.assertEqual((row["host"], row["names"].split()), ("good.example", ["good.example"]))

    def test_questions_to_the_log(self):
        """What is asked for is a value, never a part of the question."""
        self.start()
        self.run_as(self.denied, "send(b'x')")
        self.wait_rows(1)
        for option in ("--app", "--rule", "--user", "--to", "--comment"):
            for value in ("x' OR '1'='1", "'; DROP TABLE decisions; --", "%", "\x1b[2J"):
                done = self.fw.command("log", "--database", str(self.fw.database), option, value, "--json")
                self.assertEqual(done.stdout, "", (option, value))
                self.assertNotIn("\x1b", done.stderr)
        self.assertEqual(len(self.wait_rows(1)), 1)

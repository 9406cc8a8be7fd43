# SPDX-License-Identifier: GPL-2.0-or-later
"""Ways to run one content under the digest of another, and ways to keep others from being hashed."""

import os
import shutil
import threading
import time
from pathlib import Path

from lib.case import KernelTest, everywhere, only_in
from lib.places import built, copies
from test_hash import ANYWHERE, CONNECT1, PINNED, REFUSED, config, digest

GOOD, EVIL = 7, 66  # the port says which content ran


@only_in("native")
class HashAttacks(KernelTest):
    def setUp(self):
        super().setUp()
        self.app, self.small = copies(built(CONNECT1), self.folder / "bin", 2)
        self.good = digest(self.app)
        # Started like connect1, it runs the file "udp4" of its working directory.
        self.shell = shutil.copy(os.path.realpath("/bin/bash"), self.folder / "bin/evil")
        (self.folder / "udp4").write_text(f"echo x >/dev/udp/{self.pair.peer4}/{EVIL}\n")
        time.sleep(0.05)

    def swap(self, replace, seconds: float) -> None:
        """Runs the program over and over while `replace` puts one or the other in its place."""
        ended = time.monotonic() + seconds
        def swapping():
            turn = 0
            while time.monotonic() < ended:
                replace((self.small, self.shell)[turn % 2])
                turn += 1
        swapper = threading.Thread(target=swapping)
        swapper.start()
        words = (self.app, "udp4", self.pair.peer4, str(GOOD), "--exit-at-once")
        while time.monotonic() < ended:
            try:
                self.host.run("sh", "-c", f"cd {self.folder} && exec {' '.join(words)}", timeout=60)
            except OSError:  # it is being written
                pass
        swapper.join()

    def check_none_passed_for_another(self, daemon) -> None:
        time.sleep(1)
        rows = daemon.audit.wait_rows(2, "protocol = 'udp' AND direction = 'out'")
        passed = [r for r in rows if r["destination_port"] == EVIL and r["verdict"] == "accept"]
        self.assertEqual(passed, [])
        wrong = [r for r in rows if r["destination_port"] == EVIL and r["sha256"] == self.good]
        self.assertEqual(wrong, [])
        self.assertGreater(len([r for r in rows if r["destination_port"] == EVIL]), 0, "no attack")
        self.assertGreater(len([r for r in rows if r["destination_port"] == GOOD]), 0, "no attack")
        self.assertEqual(self.wire.count(protocol="udp", dport=EVIL), 0)

    def test_renamed_back_and_forth(self):
        daemon = self.daemon(PINNED.format(app=self.app, sha256=self.good))
        def replace(by):
            shutil.copy(by, self.app + ".new")
            os.replace(self.app + ".new", self.app)
            time.sleep(0.002)
        self.swap(replace, 8)
        self.check_none_passed_for_another(daemon)

    def test_written_over_and_the_times_put_back(self):
        size = max(os.path.getsize(self.small), os.path.getsize(self.shell))
        for path in (self.small, self.shell):
            os.truncate(path, size)
        good = digest(self.small)
        daemon = self.daemon(PINNED.format(app=self.app, sha256=good))
        self.good = good
        def replace(by):
            try:
                shutil.copyfile(by, self.app)  # the same inode
                os.utime(self.app, (1_600_000_000, 1_600_000_000))
            except OSError:  # it runs
                pass
            time.sleep(0.004)
        self.swap(replace, 8)
        self.check_none_passed_for_another(daemon)

    @everywhere
    def test_under_an_overlay_of_the_users_own(self):
        """What lies below changes and the overlay's inode does not."""
        lower, upper, work, merged = (self.folder / name for name in ("low", "up", "work", "merged"))
        for folder in (lower, upper, work, merged):
            folder.mkdir()
        size = max(os.path.getsize(self.small), os.path.getsize(self.shell))
        for path in (self.small, self.shell):
            os.truncate(path, size)
        shutil.copy(self.small, lower / "app")
        (self.folder / "tcp4").write_text(f"exec 3<>/dev/tcp/{self.pair.peer4}/80\n")
        daemon = self.daemon(ANYWHERE.format(sha256=digest(self.small)))
        time.sleep(0.05)
        run = f"{merged}/app tcp4 {self.pair.peer4} 7"
        script = (f"mount -t overlay overlay -o lowerdir={lower},upperdir={upper},workdir={work} {merged} "
                  f"|| exit 32; cd {self.folder}; {run}; {run}; "
                  f"until cat {self.shell} > {lower}/app; do sleep 0.1; done; {run}")  # busy at first
        result = self.host.run("unshare", "-Urm", "sh", "-c", script, timeout=60)
        if result.returncode == 32:
            self.skipTest("no overlay in a user namespace: " + result.stderr)
        rows = daemon.audit.wait_rows(3, "protocol = 'tcp' AND direction = 'out'")
        self.assertEqual([r["destination_port"] for r in rows[:3]], [7, 7, 80], result.stderr)
        self.assertEqual({(r["verdict"], r["unread"]) for r in rows}, {("reject", "remote")})

    def test_a_file_too_large_is_refused_at_once(self):
        os.truncate(self.app, (4 << 30) + 1)
        daemon = self.daemon(ANYWHERE.format(sha256=self.good), config=config(wait_ms=60000))
        self.assertEqual(self.contact("tcp4", 7, "--wait", "20000", program=self.app).returncode,
                         REFUSED)
        row = daemon.audit.wait_rows(1, "exe = ?", self.app)[0]
        self.assertEqual((row["unread"], row["rule"]), ("too-large", ""))

    def test_many_large_files_before_a_small_one(self):
        self.folder.chmod(0o755)
        large = copies(built(CONNECT1), self.folder / "large", 60)
        for path in large:
            os.truncate(path, 3 << 30)  # bytes of nothing: minutes of work for all
        time.sleep(0.05)
        daemon = self.daemon(ANYWHERE.format(sha256=self.good), default_out="drop",
                             config=config(wait_ms=60000, parked_packets=1024))
        for number, path in enumerate(large):
            self.host.run("setpriv", "--reuid=1000", "--clear-groups", path, "udp4", self.pair.peer4,
                          str(20000 + number), "--exit-at-once", timeout=60)
        self.assertGreater(daemon.status()["content"]["parked"], 50)
        self.assertEqual(self.contact("tcp4", 7, "--wait", "30000", program=self.small).returncode, 0)
        self.assertGreater(daemon.status()["content"]["parked"], 50, "the large ones were done first")

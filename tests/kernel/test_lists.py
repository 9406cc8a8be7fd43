# SPDX-License-Identifier: GPL-2.0-or-later
"""doorward-lists: fetches blocklists within bounds, never as root, and keeps the last good copy."""

import json
import os
import shutil
import subprocess
import sys
import tempfile
import unittest
import urllib.parse
from pathlib import Path

from lib.case import only_in
from lib.namespace import Namespace
from lib.places import built
from lib.wait import wait_until

SERVER = Path(__file__).resolve().parent / "lib" / "list_server.py"
NOBODY = 65534
HTTPS = "https://127.0.0.1:8443"
HTTP = "http://127.0.0.1:8080"


def make_certificate(folder: Path, name: str) -> tuple[Path, Path]:
    """A certificate for 127.0.0.1 that vouches for itself, and its key."""
    certificate, key = folder / f"{name}.pem", folder / f"{name}.key"
    subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt",
                    "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2", "-subj", f"/CN={name}",
                    "-addext", "subjectAltName=IP:127.0.0.1", "-keyout", key, "-out", certificate],
                   check=True, stdin=subprocess.DEVNULL, capture_output=True, timeout=60)
    return certificate, key


@only_in("native")  # nothing in it hangs on the kernel; the boot tests start the unit in the guest
class Lists(unittest.TestCase):
    def setUp(self):
        self.folder = Path(tempfile.mkdtemp(prefix="dwt-"))
        self.addCleanup(shutil.rmtree, self.folder, ignore_errors=True)
        self.folder.chmod(0o755)  # a user without rights must come to what is in it
        self.program = self.folder / "doorward-lists"
        shutil.copy(built("fwd/doorward-lists"), self.program)
        self.program.chmod(0o755)
        self.served, self.kept = self.folder / "served", self.folder / "kept"
        self.served.mkdir()
        self.config = self.folder / "lists.yaml"
        self.host = Namespace("lists")
        self.addCleanup(self.host.remove)
        self.host.ip("link", "set", "lo", "up")
        self.start_server()

    def start_server(self):
        self.ca, key = make_certificate(self.folder, "server")
        self.ca.chmod(0o644)
        self.log = self.folder / "requests"
        with self.log.open("w") as log:
            server = self.host.start(sys.executable, str(SERVER), str(self.served), str(self.ca),
                                     str(key), stdin=subprocess.PIPE, stdout=log)
        self.addCleanup(server.wait, 30)
        self.addCleanup(server.kill)
        self.addCleanup(server.stdin.close)
        wait_until(lambda: self.log.read_text().startswith("ready"))

    def requests(self) -> list[dict]:
        return [json.loads(line) for line in self.log.read_text().splitlines()[1:]]

    def serve(self, text: str, path: str = "list") -> None:
        (self.served / path).write_text(text)

    def configure(self, url: str, **keys) -> None:
        lines = ["  - name: ads", f"    url: {json.dumps(url)}", f"    ca_file: {self.ca}"]
        lines += [f"    {key}: {json.dumps(value)}" for key, value in keys.items()]
        self.config.write_text("lists:\n" + "\n".join(lines) + "\n")
        self.config.chmod(0o644)

    def words(self, *words: str, user: str = "nobody") -> list[str]:
        return [str(self.program), "--config", str(self.config), "--folder", str(self.kept),
                "--user", user, *words]

    def update(self, *words: str, env: dict | None = None) -> subprocess.CompletedProcess:
        return self.host.run(*self.words(*(words or ("--all",))), env=env, timeout=60)

    def updated(self, *words: str) -> None:
        result = self.update(*words)
        self.assertEqual((result.returncode, result.stderr), (0, ""))

    def refused(self, pattern: str) -> None:
        """An update that fails, says why, and leaves what was there."""
        before = self.copy()
        result = self.update()
        self.assertEqual(result.returncode, 1, result.stdout)
        self.assertRegex(result.stderr, pattern)
        self.assertRegex(self.state()["error"], pattern)
        self.assertEqual(self.copy(), before)

    def copy(self) -> str | None:
        file = self.kept / "ads"
        return file.read_text() if file.exists() else None

    def state(self) -> dict:
        return json.loads((self.kept / "ads.state.json").read_text())

    def test_a_list_is_fetched_by_a_user_without_rights(self):
        self.serve("0.0.0.0 ads.example\n0.0.0.0 localhost\n")
        self.configure(HTTPS + "/list")
        self.updated()
        self.assertEqual(self.copy(), "0.0.0.0 ads.example\n0.0.0.0 localhost\n")
        state = self.state()
        self.assertEqual((state["format"], state["names"], state["skipped"], state["error"]),
                         ("hosts", 1, {"own-name": 1}, ""))
        for path in (self.kept, *self.kept.iterdir()):
            self.assertEqual(path.stat().st_uid, NOBODY, path)

    def test_it_has_no_rights_while_it_fetches(self):
        self.configure(HTTPS + "/slow", timeout_seconds=30)
        fetching = self.host.start(*self.words("--all"), stderr=subprocess.DEVNULL)
        self.addCleanup(fetching.wait, 30)
        self.addCleanup(fetching.kill)
        wait_until(self.requests)
        lines = Path(f"/proc/{fetching.pid}/status").read_text().splitlines()
        status = dict(line.split(":\t", 1) for line in lines if ":\t" in line)
        self.assertEqual(Path(f"/proc/{fetching.pid}/comm").read_text(), "doorward-lists\n")
        self.assertEqual(set(status["Uid"].split()), {str(NOBODY)})
        self.assertNotIn("0", status["Gid"].split() + status["Groups"].split())
        for kind in ("CapEff", "CapPrm", "CapInh", "CapAmb"):
            self.assertEqual(int(status[kind], 16), 0, kind)
        self.assertEqual(status["NoNewPrivs"], "1")
        # One at a time.
        second = self.update()
        self.assertEqual(second.returncode, 1)
        self.assertIn("being fetched already", second.stderr)

    def test_it_never_goes_on_as_root(self):
        self.serve("ads.example\n")
        self.configure(HTTPS + "/list")
        for user, why in (("root", "root"), ("no-such-user-here", "there is no user")):
            result = self.host.run(*self.words("--all", user=user))
            self.assertEqual(result.returncode, 1)
            self.assertIn(why, result.stderr)
        kept = ("setpriv", "--reuid=65534", "--regid=65534", "--clear-groups",
                "--inh-caps=+net_raw", "--ambient-caps=+net_raw")
        result = self.host.run(*kept, *self.words("--all"))
        self.assertEqual(result.returncode, 1)
        self.assertIn("capabilities", result.stderr)
        self.assertEqual(self.requests(), [])
        self.assertFalse(self.kept.exists())

    def test_what_has_not_changed_is_not_sent_again(self):
        self.serve("ads.example\n")
        self.configure(HTTPS + "/list")
        self.updated()
        written = (self.kept / "ads").stat()
        self.updated()
        self.serve("ads.example\nmore.example\n")
        self.updated()
        self.assertEqual([request["status"] for request in self.requests()], [200, 304, 200])
        self.assertIsNone(self.requests()[0]["etag"])
        self.assertIsNotNone(self.requests()[1]["etag"])
        self.assertEqual(self.copy(), "ads.example\nmore.example\n")
        self.assertNotEqual((self.kept / "ads").stat().st_ino, written.st_ino)

    def test_a_copy_that_is_gone_is_fetched_anew(self):
        self.serve("ads.example\n")
        self.configure(HTTPS + "/list")
        self.updated()
        (self.kept / "ads").unlink()
        self.updated()
        self.assertEqual(self.copy(), "ads.example\n")

    def test_only_what_is_due_is_fetched_by_the_timer(self):
        self.serve("ads.example\n")
        self.configure(HTTPS + "/list", refresh_hours=24)
        result = self.host.run(*self.words())
        self.assertEqual(result.returncode, 0, result.stderr)
        self.assertEqual(self.host.run(*self.words()).stdout, "")
        self.assertEqual(len(self.requests()), 1)
        state = self.state()
        state["checked"] -= 25 * 3600
        (self.kept / "ads.state.json").write_text(json.dumps(state))
        self.assertIn("unchanged", self.host.run(*self.words()).stdout)
        self.assertEqual(len(self.requests()), 2)

    def test_sizes_are_bounded(self):
        self.serve("ads.example\n")
        self.configure(HTTPS + "/list", max_bytes=1 << 20)
        self.updated()
        self.serve("ads.example\n" * 100_000)
        for path in ("/list", "/endless", "/bomb"):
            with self.subTest(path):
                self.configure(HTTPS + path, max_bytes=1 << 20)
                result = self.update()
                self.assertEqual(result.returncode, 1)
                self.assertIn("more than 1048576 bytes", result.stderr)
        self.assertEqual(self.copy(), "ads.example\n")

    def test_time_is_bounded(self):
        self.configure(HTTPS + "/slow", timeout_seconds=2)
        self.refused("more than 2 s")

    def test_certificates_are_checked(self):
        self.serve("ads.example\n")
        self.ca, _ = make_certificate(self.folder, "stranger")
        self.ca.chmod(0o644)
        for keys in ({}, {"insecure": True}):
            self.configure(HTTPS + "/list", **keys)
            self.refused("certificate")
        self.assertEqual(self.requests(), [])

    def test_http_is_refused_unless_it_is_asked_for(self):
        self.serve("ads.example\n")
        self.configure(HTTP + "/list")
        result = self.update()
        self.assertEqual(result.returncode, 2)
        self.assertRegex(result.stderr, r"lists\.yaml:3:10: .*insecure: true")
        self.configure(HTTP + "/list", insecure=True)
        self.updated()
        self.assertEqual([request["scheme"] for request in self.requests()], ["http"])

    def redirect(self, *hops: str) -> str:
        url = hops[-1]
        for hop in reversed(hops[:-1]):
            url = hop + "/to/" + urllib.parse.quote(url, safe="")
        return url

    def test_redirects_lead_from_https_to_https_only(self):
        self.serve("ads.example\n")
        self.configure(self.redirect(HTTPS, HTTPS, HTTPS + "/list"))
        self.updated()
        for insecure in (False, True):
            self.configure(self.redirect(HTTPS, HTTP + "/list"), insecure=insecure)
            self.refused("only https")
        self.configure(self.redirect(HTTP, HTTPS, HTTP + "/list"), insecure=True)
        self.refused("only https")
        for target in ("file:///etc/passwd", "ftp://127.0.0.1/x", "gopher://127.0.0.1/x"):
            self.configure(self.redirect(HTTPS, target))
            self.refused("only https|status 302")
        self.assertNotIn("/list", [request["path"] for request in self.requests()
                                   if request["scheme"] == "http"])

    def test_redirects_are_counted(self):
        self.configure(self.redirect(*[HTTPS] * 7, HTTPS + "/list"))
        self.refused("more than 5 times")
        self.assertEqual(len(self.requests()), 6)

    def test_what_is_no_list_is_refused(self):
        self.serve("ads.example\n")
        self.configure(HTTPS + "/list")
        self.updated()
        for text, why in (("<!DOCTYPE html>\n<p>Moved", "page"), ("Sorry, not here\n", "no format"),
                          ("# empty now\n", "nothing"), ("", "nothing")):
            self.serve(text)
            self.refused(why)
        (self.served / "list").unlink()
        self.refused("status 404")
        self.assertEqual(self.state()["names"], 1)  # of the copy that stays

    def test_a_list_that_shrinks_absurdly_is_refused(self):
        many = "".join(f"ads{i}.example\n" for i in range(10))
        self.serve(many)
        self.configure(HTTPS + "/list")
        self.updated()
        self.serve(many[:4 * len("ads0.example\n")])
        self.refused("has 4 entries, and had 10")
        self.serve(many[:5 * len("ads0.example\n")])
        self.updated()
        self.serve("ads.example\n")
        self.refused("has 1 entries, and had 5")
        self.configure(HTTPS + "/list", shrink="allow")
        self.updated()
        self.assertEqual(self.copy(), "ads.example\n")

    def test_a_failed_fetch_leaves_the_last_good_copy(self):
        self.serve("ads.example\n")
        self.configure(HTTPS + "/list")
        self.updated()
        self.configure("https://127.0.0.1:1/list")
        result = self.update()
        self.assertEqual(result.returncode, 1)
        self.assertIn("can't be fetched", result.stderr)
        self.assertEqual(self.copy(), "ads.example\n")

    def test_an_answer_that_is_cut_is_refused(self):
        for url in (HTTPS, HTTP):
            self.configure(url + "/cut", insecure=True)
            self.refused("can't be fetched")
        self.assertIsNone(self.copy())

    def test_the_environment_names_no_proxy(self):
        self.serve("ads.example\n")
        self.configure(HTTPS + "/list")
        bad = "http://127.0.0.1:1"
        result = self.update(env={**os.environ, "https_proxy": bad, "ALL_PROXY": bad})
        self.assertEqual(result.returncode, 0, result.stderr)
        self.config.write_text(f"proxy: {bad}\n" + self.config.read_text())
        self.refused("127.0.0.1 port 1")

    def test_what_a_killed_one_left_is_removed(self):
        self.serve("ads.example\n")
        self.configure(HTTPS + "/list")
        self.updated()
        (self.kept / ".ads.Ab12Cd").write_text("half")
        self.updated()
        self.assertEqual(sorted(path.name for path in self.kept.iterdir()),
                         [".lock", "ads", "ads.state.json"])

    def test_the_command_shows_and_fetches(self):
        self.serve("ads.example\n||x.example/path\n||y.example^\n")
        self.configure(HTTPS + "/list")
        command = (built("cli/doorward"), "lists")
        where = ("--config", str(self.config), "--folder", str(self.kept))
        listed = self.host.run(*command, *where, check=True).stdout
        self.assertIn("never fetched", listed)
        fetched = self.host.run(*command, "update", "ads", *where, "--program", str(self.program),
                                "--user", "nobody", check=True).stdout
        self.assertEqual(fetched, "ads: new copy, 2 entries, 1 skipped\n")
        shown = json.loads(self.host.run(*command, *where, "--json", check=True).stdout)
        self.assertEqual([(one["name"], one["format"], one["entries"], one["skipped"], one["error"])
                          for one in shown], [("ads", "adblock", 2, {"path": 1}, "")])
        self.assertLess(shown[0]["age_s"], 60)
        unknown = self.host.run(*command, "update", "other", *where, "--program", str(self.program),
                                "--user", "nobody")
        self.assertEqual(unknown.returncode, 1)
        self.assertIn('no list "other"', unknown.stderr)

# SPDX-License-Identifier: GPL-2.0-or-later
"""Network namespaces with unique names, joined in pairs, removed whatever happens."""

import json
import os
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
PREFIX = "dwt"
_made = 0


def remove_stale() -> None:
    """Removes namespaces left by a test process that was killed and is gone."""
    folder = Path("/run/netns")
    for path in folder.glob(f"{PREFIX}-*") if folder.exists() else ():
        owner = path.name.split("-")[1]
        if not Path(f"/proc/{owner}").exists():
            subprocess.run(["ip", "netns", "del", path.name], check=False, stdin=subprocess.DEVNULL)


class Namespace:
    def __init__(self, role: str):
        global _made
        _made += 1
        self.name = f"{PREFIX}-{os.getpid()}-{_made}-{role}"
        self.path = f"/run/netns/{self.name}"
        _ip("netns", "add", self.name)

    def remove(self) -> None:
        _ip("netns", "del", self.name)

    def command(self, *words: str) -> list[str]:
        """`words` as a command inside. Not `ip netns exec`: that hides the cgroup file system."""
        return ["nsenter", f"--net={self.path}", "--", *map(str, words)]

    def run(self, *words: str, timeout: float = 30, check: bool = False,
            **options) -> subprocess.CompletedProcess:
        """Runs a program inside to its end, its output as text. It keeps its path and its pid."""
        options.setdefault("stdin", subprocess.DEVNULL)
        result = subprocess.run(self.command(*words), timeout=timeout, text=True,
                                stdout=subprocess.PIPE, stderr=subprocess.PIPE, **options)
        if check and result.returncode != 0:
            raise RuntimeError(f"{' '.join(map(str, words))}: status {result.returncode}: "
                               f"{result.stderr.strip()}")
        return result

    def start(self, *words: str, **options) -> subprocess.Popen:
        options.setdefault("stdin", subprocess.DEVNULL)
        return subprocess.Popen(self.command(*words), **options)

    def run_all(self, commands: list[list[str]], parallel: int = 8,
                timeout: float = 300) -> list[dict]:
        """Runs many programs quickly; for each, in order, {"pid": …, "status": …}."""
        helper = self.run(sys.executable, str(HERE / "run_all.py"), str(parallel), timeout=timeout,
                          check=True, stdin=None, input=json.dumps(commands))
        return json.loads(helper.stdout)

    def ip(self, *words: str) -> str:
        return _ip("-n", self.name, *words)

    def sysctl(self, key: str, value) -> None:
        path = "/proc/sys/" + key.replace(".", "/")
        self.run("sh", "-c", 'echo "$1" > "$2"', "sh", str(value), path, check=True)


class Pair:
    """`host` (where the daemon runs) and `peer`, joined by a veth pair with IPv4 and IPv6."""

    host4, peer4 = "10.99.0.1", "10.99.0.2"
    host6, peer6 = "fd99::1", "fd99::2"
    host_link, peer_link = "host0", "peer0"

    def __init__(self):
        self.host = Namespace("host")
        try:
            self.peer = Namespace("peer")
        except BaseException:
            self.host.remove()
            raise
        try:
            self._join()
        except BaseException:
            self.remove()
            raise

    def _join(self) -> None:
        # The kernel tells others of its multicast groups some time after an interface is up: here at once (ms),
        # before there is a daemon that counts packets.
        for side in (self.host, self.peer):
            side.sysctl("net.ipv6.conf.default.mldv2_unsolicited_report_interval", 1)
        _ip("link", "add", self.host_link, "netns", self.host.name, "type", "veth",
            "peer", "name", self.peer_link, "netns", self.peer.name)
        ends = ((self.host, self.host_link, self.host4, self.host6),
                (self.peer, self.peer_link, self.peer4, self.peer6))
        for side, link, _, _ in ends:
            # No address of its own making, so that it has nothing to ask or tell by itself.
            side.ip("link", "set", link, "addrgenmode", "none")
            side.ip("link", "set", "lo", "up")
            side.ip("link", "set", link, "up")
        # After both ends are up: an IPv6 address given before answers only a second later.
        for side, link, v4, v6 in ends:
            side.ip("address", "add", f"{v4}/24", "dev", link)
            side.ip("address", "add", f"{v6}/64", "dev", link, "nodad")
        self._wait_joined()

    def _wait_joined(self) -> None:
        for _ in range(20):
            if self.host.run("ping", "-n", "-c", "1", "-W", "0.5", self.peer6).returncode == 0:
                return
        raise RuntimeError(f"{self.host.name} and {self.peer.name} do not reach each other")

    def remove(self) -> None:
        try:
            self.host.remove()
        finally:
            self.peer.remove()


def _ip(*words: str) -> str:
    result = subprocess.run(["ip", *words], stdin=subprocess.DEVNULL, text=True, timeout=30,
                            stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    if result.returncode != 0:
        raise RuntimeError(f"ip {' '.join(words)}: {result.stderr.strip()}")
    return result.stdout

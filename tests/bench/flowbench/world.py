# SPDX-License-Identifier: GPL-2.0-or-later
"""Two namespaces and what answers in the second; one flow-load after the other in the first."""

import json
import select
import shutil
import subprocess
import tempfile
from pathlib import Path

from lib.namespace import Pair
from lib.places import built

PORT = 7000  # flow-peer's first; see ports.h
DENIED = PORT + 1


class World:
    """What a contender is put into: new for each, so that nobody inherits conntrack entries."""

    def __init__(self):
        self.folder = Path(tempfile.mkdtemp(prefix="dwt-"))
        self.pair = Pair()
        self.host = self.pair.host
        self.target = self.pair.peer4
        self.load = built("tests/bench/flow-load")
        self.connect = built("tests/kernel/programs/connect1")
        self.peer = None
        try:
            self._prepare()
        except BaseException:
            self.remove()
            raise

    def _prepare(self) -> None:
        self.host.sysctl("net.ipv4.ip_local_port_range", "10000 65000")
        # A listener that has no room drops the SYN, and the client tries again after a second.
        for name in ("net.core.somaxconn", "net.ipv4.tcp_max_syn_backlog"):
            self.pair.peer.sysctl(name, 65535)
        self.peer = start_ready(self.pair.peer, built("tests/bench/flow-peer"), str(PORT))

    def tune_conntrack(self) -> None:
        """Entries of ended flows go after a second, or their number would be what is measured."""
        for name in ("tcp_timeout_close", "tcp_timeout_time_wait", "udp_timeout", "udp_timeout_stream"):
            self.host.sysctl(f"net.netfilter.nf_conntrack_{name}", 1)

    def nft(self, text: str) -> subprocess.CompletedProcess:
        return self.host.run("nft", "-f", "-", stdin=None, input=text)

    def measure(self, name: str, clients: int, seconds: float) -> dict:
        """One run of flow-load: what it says of itself."""
        words = [self.load, name, self.target, str(PORT), str(clients), str(round(seconds * 1000))]
        if name == "exec":
            words.append(self.connect)
        return json.loads(self.host.run(*words, timeout=seconds + 60, check=True).stdout)

    def remove(self) -> None:
        if self.peer:
            end(self.peer)
        self.pair.remove()
        shutil.rmtree(self.folder, ignore_errors=True)


def start_ready(namespace, *words: str, timeout: float = 30) -> subprocess.Popen:
    """Starts a program that says "ready" once it is. Its standard input stays open."""
    process = namespace.start(*words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    ready = select.select([process.stdout], [], [], timeout)[0]
    if not ready or process.stdout.readline() != "ready\n":
        end(process)
        raise RuntimeError(f"{words[0]} did not get ready (status {process.returncode})")
    return process


def end(process: subprocess.Popen) -> None:
    """Closes its standard input, asks it to end, then makes it."""
    process.stdin.close()
    process.terminate()
    try:
        process.wait(timeout=10)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
    process.stdout.close()

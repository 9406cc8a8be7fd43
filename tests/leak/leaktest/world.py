# SPDX-License-Identifier: GPL-2.0-or-later
"""Two namespaces, what counts at the far end, and the programs: forbidden, allowed and the canary."""

import json
import shutil
import tempfile
import time
from pathlib import Path

from lib.daemon import Daemon
from lib.helper import Helper
from lib.namespace import Pair
from lib.peer import EchoServers
from lib.places import built

from .counter import FORBIDDEN4, FORBIDDEN6, Counter

PORT = 7
RULES = """rules:
  - {{name: allowed, app: '{folder}/allowed/**', action: accept}}
  - {{name: canary, app: '{folder}/canary/**', action: accept}}
"""
CANARIES = [(kind, address) for address in ("10.98.250.1", "fd98::250:1")
            for kind in ("connect-nb", "send", "raw-ping", "raw-other")]


class PatientDaemon(Daemon):
    """Beside twenty loads on two processors, a start takes its time."""

    def start(self, timeout: float = 600) -> "Daemon":
        return super().start(timeout)


class World:
    def __init__(self):
        self.folder = Path(tempfile.mkdtemp(prefix="dwt-"))
        self.folder.chmod(0o755)
        self.daemons = 0
        self.pair = Pair()
        self.host, self.peer = self.pair.host, self.pair.peer
        try:
            self._reach()
            self.counter = Counter(self.pair)
            self.witness = Helper(self.peer, str(Path(__file__).with_name("witness.py")), self.pair.peer_link)
            self.servers = EchoServers(self.peer, PORT)
            self.load = self._copy("tests/leak/programs/leak-load", "forbidden")
            self.contact = self._copy("tests/attribution/programs/contact", "forbidden")
            self.keeper = self._copy("tests/leak/programs/leak-keeper", "allowed")
            self.canary = self._copy("tests/attribution/programs/contact", "canary")
        except BaseException:
            self.pair.remove()
            raise

    def _copy(self, program: str, folder: str) -> str:
        (self.folder / folder).mkdir(exist_ok=True)
        return shutil.copy(built(program), self.folder / folder)

    def _reach(self) -> None:
        """The way to the forbidden networks is open; the peer's address on the link needs no asking for."""
        self.host.ip("route", "add", FORBIDDEN4, "via", self.pair.peer4)
        self.host.ip("-6", "route", "add", FORBIDDEN6, "via", self.pair.peer6)
        for here, link, there, far, addresses in (
                (self.host, self.pair.host_link, self.peer, self.pair.peer_link, ("peer4", "peer6")),
                (self.peer, self.pair.peer_link, self.host, self.pair.host_link, ("host4", "host6"))):
            mac = json.loads(there.ip("-j", "link", "show", far))[0]["address"]
            for address in addresses:
                here.ip("neigh", "replace", getattr(self.pair, address), "lladdr", mac, "dev", link,
                        "nud", "permanent")
        self.host.sysctl("net.ipv4.ping_group_range", "0 2147483647")

    def daemon(self, config: str = "", **options) -> Daemon:
        """Not started yet: closed by default, with a folder of its own."""
        self.daemons += 1
        cache = "" if "verdict_cache" in config else "verdict_cache: true\n"
        text = "mode: enforce\npacket_sockets: refuse\n" + cache + config
        return PatientDaemon(self.host, self.folder / f"daemon-{self.daemons}", RULES.format(folder=self.folder),
                      text, **options)

    def fly_canaries(self) -> list[str]:
        """What the counter did not count of packets that are allowed to go where nothing else may."""
        return [f"{kind} to {address}" for kind, address in CANARIES if not self._arrives(kind, address)]

    def _arrives(self, kind: str, address: str) -> bool:
        """Its sender does not wait for the verdict, so it may come late; and behind a burst the queue may be full."""
        for _ in range(5):
            before = self.counter.leaked()
            self.host.run(self.canary, kind, address, timeout=60)
            deadline = time.monotonic() + 5
            while time.monotonic() < deadline:
                if self.counter.leaked() > before:
                    return True
                time.sleep(0.05)
        return False

    def remove(self) -> None:
        for part in (self.witness, self.servers):
            part.stop()
        self.pair.remove()
        shutil.rmtree(self.folder, ignore_errors=True)

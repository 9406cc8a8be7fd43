# SPDX-License-Identifier: GPL-2.0-or-later
"""Two namespaces, a daemon in one of them, and addresses enough for each flow to have its own."""

import errno
import json
import shutil
import tempfile
import time
from pathlib import Path

from lib.daemon import Daemon
from lib.namespace import Pair
from lib.peer import EchoServers, Wire
from lib.places import built, copies

ACCEPT_ALL = "rules:\n  - name: all\n    action: accept\n"
POOL = 400

# What a kernel says that does not have the protocol or the call.
ABSENT = {errno.EPROTONOSUPPORT, errno.ESOCKTNOSUPPORT, errno.EAFNOSUPPORT, errno.ENOSYS,
          errno.EOPNOTSUPP, errno.ENOPROTOOPT}


class World:
    def __init__(self, scale: float):
        self.scale = scale
        self.folder = Path(tempfile.mkdtemp(prefix="dwt-"))
        self.pair = Pair()
        self.host, self.peer = self.pair.host, self.pair.peer
        self.wire = None
        self.daemons = 0
        self.daemon = None
        self.used = 0
        self.servers = EchoServers(self.peer, 7)
        self._reach()
        self.contact = built("tests/attribution/programs/contact")
        self.actor = built("tests/attribution/programs/actor")
        self.pool = copies(self.contact, self.folder / "bin", POOL)

    def _reach(self) -> None:
        """Every address of 10.98.0.0/16 and fd98::/64 is the peer's; only TCP is answered."""
        self.peer.ip("route", "add", "local", "10.98.0.0/16", "dev", "lo")
        self.peer.ip("-6", "route", "add", "local", "fd98::/64", "dev", "lo")
        self.host.ip("route", "add", "10.98.0.0/16", "via", self.pair.peer4)
        self.host.ip("-6", "route", "add", "fd98::/64", "via", self.pair.peer6)
        # Without link-local addresses an older kernel can't ask for its neighbour in the name of these.
        for here, link, there, far in ((self.host, self.pair.host_link, self.peer, self.pair.peer_link),
                                       (self.peer, self.pair.peer_link, self.host, self.pair.host_link)):
            mac = json.loads(there.ip("-j", "link", "show", far))[0]["address"]
            for address in ((self.pair.peer4, self.pair.peer6) if here is self.host
                            else (self.pair.host4, self.pair.host6)):
                here.ip("neigh", "replace", address, "lladdr", mac, "dev", link, "nud", "permanent")
        self.host.sysctl("net.ipv4.ping_group_range", "0 2147483647")
        self.host.sysctl("net.ipv4.tcp_fastopen", "5")  # without a cookie from an earlier visit
        self.peer.run("nft", "add table inet t; add chain inet t c { type filter hook input priority 0; }; "
                      "add rule inet t c ip daddr 10.98.0.0/16 meta l4proto != tcp drop; "
                      "add rule inet t c ip6 daddr fd98::/64 meta l4proto != tcp drop; "
                      "add rule inet t c tcp dport 9 drop", check=True)

    def addresses(self, family: str, count: int) -> str:
        """The first of so many consecutive addresses that no flow has used yet."""
        number = self.used + 1
        if count > 1 and number % 256 + count > 255:
            number += 256 - number % 256
        self.used = number + count - 1
        if family == "6":
            return f"fd98::{number:x}"
        return f"10.98.{number // 256}.{number % 256}"

    @staticmethod
    def following(address: str, count: int) -> list[str]:
        head, separator, last = (address.rpartition(":") if ":" in address
                                 else address.rpartition("."))
        base = 16 if ":" in address else 10
        values = [int(last, base) + i for i in range(count)]
        return [head + separator + (f"{value:x}" if base == 16 else str(value)) for value in values]

    def start(self, rules: str = ACCEPT_ALL, limits: str = "", **options: str) -> Daemon:
        self.stop()
        self.daemons += 1
        # No limit on rows that wait: a row that was lost can't be judged.
        limits = ", ".join(filter(None, ("audit_records: 1000000, queued_packets: 16384", limits)))
        config = f"mode: enforce\nlimits: {{{limits}}}\n"
        self.daemon = Daemon(self.host, self.folder / f"daemon-{self.daemons}", rules, config,
                             **options)
        return self.daemon.start()

    def stop(self) -> None:
        if self.daemon:
            self.daemon.remove()
            self.daemon = None

    def count(self, wanted: int) -> int:
        return max(4, round(wanted * self.scale))

    def rows(self, where: str = "1", *values, quiet: float = 1.0, timeout: float = 60) -> list[dict]:
        """The rows that meet `where`, once no more come and none waits to be written."""
        deadline = time.monotonic() + timeout
        before = -1
        while True:
            pending = self.daemon.status()["audit"]["pending"]
            rows = self.daemon.audit.rows(where, *values)
            if len(rows) == before and pending == 0 or time.monotonic() > deadline:
                return rows
            before = len(rows)
            time.sleep(quiet / 2)

    def sniff(self) -> Wire:
        if not self.wire:
            self.wire = Wire(self.peer, self.pair.peer_link)
        self.wire.reset()
        return self.wire

    def remove(self) -> None:
        self.stop()
        if self.wire:
            self.wire.stop()
        self.servers.stop()
        self.pair.remove()
        shutil.rmtree(self.folder, ignore_errors=True)

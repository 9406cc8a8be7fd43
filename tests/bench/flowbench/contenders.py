# SPDX-License-Identifier: GPL-2.0-or-later
"""Who is measured: each is put into a world, and tells what it costs. CONTENDERS is the table."""

import os

from lib.daemon import Daemon, DaemonError
from lib.places import built

from . import opensnitch, rules
from .kept import Kept, wait_kept, wait_written
from .process import Usage
from .world import DENIED, World, end, start_ready

QUEUE = 4871
OTHER = os.environ.get("DOORWARD_OTHER")  # a doorwardd
OTHER_CONFIG = os.environ.get("DOORWARD_OTHER_CONFIG")  # a line of its configuration


class Absent(Exception):
    """This contender can't be measured here; the message says why."""


class Contender:
    """No firewall at all. `options`: whatever a line of the table gives."""

    denies = False  # whether it refuses connections to DENIED
    pid: int | None = None  # of the process that decides

    def __init__(self, world: World, rules_count: int, **options):
        self.world = world
        self.rules_count = rules_count
        self.options = options

    def start(self) -> None:
        """Ready to be measured when it returns."""

    def stop(self) -> None:
        pass

    def usage(self) -> Usage | None:
        return Usage.of(self.pid) if self.pid else None

    def settle(self, flows: int) -> None:
        """Waits until it has nothing left to do, after so many flows since the start."""

    def kept(self, flows: int) -> Kept | None:
        """What it decided of them and what it kept of that."""
        return None


CONNTRACK = """table inet bench {{
    chain output {{
        type filter hook output priority 0; policy drop;
        ct state established,related accept
        oifname lo accept
        meta l4proto icmpv6 accept
        tcp dport {denied} reject with tcp reset
        ct state new accept
    }}
    chain input {{
        type filter hook input priority 0; policy drop;
        ct state established,related accept
        iifname lo accept
        meta l4proto icmpv6 accept
    }}
}}
"""


class Conntrack(Contender):
    """What a host has anyway: a stateful nftables ruleset."""

    denies = True

    def start(self) -> None:
        must(self.world.nft(CONNTRACK.format(denied=DENIED)), "put the rules")
        self.world.tune_conntrack()


QUEUED = """table inet doorward {
    chain undecided { drop; }
    chain output {
        type filter hook output priority 0; policy accept;
        ct state established,related accept
        oifname lo accept
        meta l4proto icmpv6 accept
        goto undecided
    }
    chain input {
        type filter hook input priority 0; policy accept;
        ct state established,related accept
    }
}
"""


class AcceptLoop(Contender):
    """accept_loop.c: the least that a firewall behind a queue can do."""

    process = None

    def start(self) -> None:
        queue(self.world, QUEUE)
        self.world.tune_conntrack()
        self.process = start_ready(self.world.host, built("tests/bench/accept-loop"), str(QUEUE))
        self.pid = self.process.pid

    def stop(self) -> None:
        if self.process:
            end(self.process)


class Doorward(Contender):
    """The daemon. Option `config`: lines for its configuration file."""

    denies = True
    daemon = None

    def start(self) -> None:
        config = "mode: enforce\n" + self.options.get("config", "")
        self.daemon = Daemon(self.world.host, self.world.folder / "doorward", "", config, self.program(),
                             default_out="reject", default_in="reject")
        programs = [self.world.load, self.world.connect]
        self.daemon.write_rules(rules.doorward(self.rules_count, programs, self.world.target))
        self._check()
        self.daemon.start(timeout=300)
        self.pid = self.daemon.process.pid
        self.world.tune_conntrack()

    def program(self) -> str | None:
        return None

    def _check(self) -> None:
        """A daemon that does not know an option says so before anything is measured."""
        result = self.world.host.run(*self.daemon.arguments(), "--check-config", timeout=300)
        if result.returncode != 0:
            said = (result.stderr.strip() or result.stdout.strip()).splitlines()[-1]
            raise Absent(said.replace(f"{self.daemon.folder}/", ""))

    def stop(self) -> None:
        if self.daemon and self.daemon.process:
            self.daemon.remove()

    def settle(self, flows: int) -> None:
        wait_written(self.daemon, flows)

    def kept(self, flows: int) -> Kept:
        return wait_kept(self.daemon, flows)


class Other(Doorward):
    """Another build or configuration of the daemon, beside this one: what a change has brought."""

    def start(self) -> None:
        if OTHER is None and OTHER_CONFIG is None:
            raise Absent("neither DOORWARD_OTHER nor DOORWARD_OTHER_CONFIG is set")
        self.options = {"config": f"{self.options['config']}{OTHER_CONFIG or ''}\n"}
        super().start()

    def program(self) -> str | None:
        return OTHER


class OpenSnitch(Contender):
    """Where this kernel does not take its own rules, those of the accept loop."""

    denies = True
    process = None

    def start(self) -> None:
        if why := opensnitch.missing():
            raise Absent(why)
        self.process = opensnitch.start(self.world, self.rules_count)
        self.pid = self.process.pid
        if "queue" not in self.world.host.run("nft", "list", "ruleset").stdout:
            queue(self.world, opensnitch.QUEUE)
        self.world.tune_conntrack()

    def stop(self) -> None:
        if self.process:
            opensnitch.stop(self.process)


# Name → class and what it is told. Measured in this order in the first round; then it rotates.
CONTENDERS = {
    "none": (Contender, {}),
    "conntrack": (Conntrack, {}),
    "accept-loop": (AcceptLoop, {}),
    "doorward": (Doorward, {"config": "verdict_cache: true\n"}),
    "doorward-queue": (Doorward, {"config": "verdict_cache: false\n"}),
    "other": (Other, {"config": "verdict_cache: true\n"}),
    "other-queue": (Other, {"config": "verdict_cache: false\n"}),
    "opensnitch": (OpenSnitch, {}),
}


def queue(world: World, number: int) -> None:
    """What begins a flow goes to the queue, the rest of it passes."""
    must(world.nft(QUEUED), "put the rules")
    # Where nft knows no queue, the NFQUEUE target of xtables; in the daemon's own way, and table.
    if world.nft("flush chain inet doorward undecided\n"
                 f"add rule inet doorward undecided queue num {number}\n").returncode != 0:
        must(world.host.run(built("tests/bench/queue-rule"), str(number)), "put the queue's rule")


def must(result, what: str) -> None:
    if result.returncode != 0:
        raise RuntimeError(f"could not {what}: {result.stderr.strip()}")

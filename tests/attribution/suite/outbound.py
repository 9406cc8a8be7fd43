# SPDX-License-Identifier: GPL-2.0-or-later
"""Programs that make one contact and exit, each under its own path; each flow to its own address."""

from dataclasses import dataclass

from .score import Score, by
from .world import ABSENT, World


@dataclass
class Kind:
    name: str         # in the table
    kind: str         # of contact.c
    families: str     # "4", "6", "m" (IPv4 over an IPv6 socket)
    flows: int        # wanted of each family
    each: int = 1     # destinations of one program
    parallel: int = 8
    then: bool = False  # runs a second program in the same process


KINDS = [
    Kind("TCP connect, alone", "connect", "4", 400, parallel=1),
    Kind("TCP connect", "connect", "46m", 1000),
    Kind("TCP connect, non-blocking, exit, alone", "connect-nb", "4", 400, parallel=1),
    Kind("TCP connect, non-blocking, exit", "connect-nb", "46m", 1000),
    Kind("datagram, exit, alone", "send", "4", 400, parallel=1),
    Kind("datagram, exit", "send", "46m", 1000),
    Kind("connect, exec, connect, alone", "connect", "4", 400, parallel=1, then=True),
    Kind("connect, exec, connect", "connect", "46", 1000, then=True),
    Kind("TCP, source port bound", "connect-bound", "46", 500),
    Kind("TCP fast open", "fastopen", "46", 500),
    Kind("MPTCP", "mptcp", "46", 300),
    Kind("UDP, source port bound", "send-bound", "46", 500),
    Kind("UDP, connected", "send-connected", "46m", 500),
    Kind("UDP sendmsg", "sendmsg", "46", 300),
    Kind("UDP sendmmsg, four destinations", "sendmmsg", "46", 1000, each=4),
    Kind("UDP, four destinations from a socket", "several", "46", 1000, each=4),
    Kind("UDP writev", "writev", "46", 300),
    Kind("UDP splice", "splice", "46", 300),
    Kind("UDP sendfile", "sendfile", "46", 300),
    Kind("UDP, corked", "cork", "46", 300),
    Kind("UDP segmentation offload", "gso", "46", 300),
    Kind("UDPLITE", "udplite", "46", 200),
    Kind("UDPLITE, connected", "udplite-connected", "46", 200),
    Kind("ICMP echo, ping socket", "ping", "46", 300),
    Kind("ICMP echo, raw socket", "raw-ping", "46", 300),
    Kind("raw socket, other protocol", "raw-other", "46", 200),
    Kind("raw socket, forged UDP header", "forged-udp", "4", 300),
    Kind("SCTP", "sctp", "46", 100),
    Kind("io_uring sendmsg", "ring-send", "46", 200),
    Kind("io_uring sendmsg, worker thread", "ring-worker", "46", 200),
    Kind("io_uring sendmsg, polling thread", "ring-poll", "46", 200),
    Kind("io_uring connect, worker thread", "ring-connect", "46", 200),
    Kind("io_uring connect, polling thread", "ring-poll-connect", "46", 200),
]


def prepare(world: World, kind: Kind) -> tuple[list, list]:
    """Commands, and for each the list of (address, program) that it makes."""
    commands, truths = [], []
    for family in kind.families:
        for _ in range(max(1, world.count(kind.flows) // kind.each)):
            number = len(commands)
            program = world.pool[number % len(world.pool)]
            first = world.addresses(family, kind.each)
            command = [program, kind.kind, first] + (["mapped"] if family == "m" else [])
            truth = [(address, program) for address in world.following(first, kind.each)]
            if kind.then:
                second = world.pool[(number + 7) % len(world.pool)]
                last = world.addresses(family, 1)
                command += ["then", second, kind.kind, last]
                truth.append((last, second))
            commands.append(command)
            truths.append(truth)
    return commands, truths


def run_kind(world: World, kind: Kind) -> Score:
    score = Score(kind.name)
    commands, truths = prepare(world, kind)
    trial = world.host.run_all(commands[:1])[0]["status"]
    if trial in ABSENT:
        score.absent = "not in this kernel"
        return score
    after = world.daemon.audit.query("SELECT coalesce(max(id), 0) AS last FROM decisions")[0]["last"]
    ended = world.host.run_all(commands[1:], kind.parallel, timeout=1800)
    rows = by(world.rows("id > ? AND direction = 'out'", after), "destination")
    for truth, end in zip(truths[1:], ended):
        if end["status"] != 0:
            found = [row for address, _ in truth for row in rows.get(address, [])]
            raise RuntimeError(f"{kind.name}: contact ended with {end['status']}: {truth}, {found}, "
                               f"{world.daemon.status()['packets']}")
        for address, program in truth:
            score.judge((program, end["pid"]), rows.get(address, []))
    return score


def run(world: World, wanted) -> list[Score]:
    chosen = [kind for kind in KINDS if wanted(kind.name)]
    if not chosen:
        return []
    world.start()
    # What the kernel sends when it first meets the link is not of any program.
    world.host.run_all([[world.pool[0], "send", world.addresses("4", 1)]])
    return [run_kind(world, kind) for kind in chosen]


def denied(world: World, wanted) -> list[Score]:
    """The same four under a rule that drops: nothing may arrive, and each is named all the same."""
    name = "past a deny rule"
    kinds = [("connect-nb", 500), ("send", 500), ("send-connected", 300), ("raw-other", 100)]
    if not wanted(name):
        return []
    world.start(f"rules:\n  - {{name: no, app: '{world.folder}/bin/**', action: drop}}\n"
                "  - {name: rest, action: accept}\n")
    wire = world.sniff()
    score = Score("denied: non-blocking connect, datagrams, raw")
    for kind, flows in kinds:
        commands, truths = prepare(world, Kind(name, kind, "46", flows))
        ended = world.host.run_all(commands, 8, timeout=1800)
        rows = by(world.rows("direction = 'out' AND rule = 'no'"), "destination")
        for truth, end in zip(truths, ended):
            score.judge((truth[0][1], end["pid"]), rows.get(truth[0][0], []))
    out = [packet for packet in wire.packets()
           if packet["target"].startswith(("10.98.", "fd98:"))]
    score.wrong += [f"got out past the deny rule: {packet}" for packet in out[:5]]
    return [score]

# SPDX-License-Identifier: GPL-2.0-or-later
"""Inbound flows: the receivers themselves say from which ports they were spoken to."""

import subprocess
from dataclasses import dataclass

from lib.places import built, copies

from .handed import actors
from .score import Score
from .world import World


@dataclass
class Kind:
    name: str
    protocol: str      # tcp, udp
    family: str        # 4, 6, dual
    peers: str         # kinds of connect1 by which the peer comes in
    flows: int
    group: int = 1     # receivers on one port (SO_REUSEPORT)
    activated: bool = False  # opened by another program, which goes on or becomes the receiver


KINDS = [
    Kind("inbound TCP, v4", "tcp", "4", "tcp4", 300),
    Kind("inbound TCP, v6", "tcp", "6", "tcp6", 300),
    Kind("inbound TCP, dual-stack socket", "tcp", "dual", "tcp4 tcp6", 300),
    Kind("inbound UDP, v4", "udp", "4", "udp4", 300),
    Kind("inbound UDP, v6", "udp", "6", "udp6", 300),
    Kind("inbound UDP, dual-stack socket", "udp", "dual", "udp4 udp6", 300),
    Kind("inbound TCP, four programs on one port", "tcp", "4", "tcp4", 300, group=4),
    Kind("inbound UDP, four programs on one port", "udp", "6", "udp6", 300, group=4),
    Kind("inbound TCP, socket handed to a service", "tcp", "dual", "tcp4 tcp6", 100, activated=True),
]


def start_receivers(world: World, kind: Kind, port: int) -> list[tuple[str, subprocess.Popen]]:
    programs = copies(built("tests/attribution/programs/receive"),
                      world.folder / f"receive-{port}", kind.group)
    started = []
    for program in programs:
        words = [program, kind.protocol, kind.family, str(port)] + ["reuseport"] * (kind.group > 1)
        if kind.activated:
            words = [actors(world)[0], "listen", str(port), program, "given"]
        process = world.host.start(*words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        process.stdout.readline()
        started.append((program, process))
    return started


def run_kind(world: World, kind: Kind, port: int) -> Score:
    score = Score(kind.name)
    receivers = start_receivers(world, kind, port)
    connect1 = built("tests/kernel/programs/connect1")
    peers = kind.peers.split()
    commands = []
    for i in range(world.count(kind.flows)):
        peer = peers[i % len(peers)]
        address = world.pair.host6 if peer.endswith("6") else world.pair.host4
        commands.append([connect1, peer, address, str(port), "--exit-at-once", "--wait", "20000"])
    if kind.activated:  # until the service has taken its first connection, the opener is the receiver
        world.peer.run_all(commands[:1])
        receivers[0][1].stdout.readline()
        world.rows()
    after = world.daemon.audit.query("SELECT coalesce(max(id), 0) AS last FROM decisions")[0]["last"]
    ended = world.peer.run_all(commands, 8, timeout=900)
    if any(end["status"] for end in ended):
        raise RuntimeError(f"{kind.name}: connect1 ended with {[e['status'] for e in ended][:9]}")
    rows = world.rows("id > ? AND direction = 'in' AND destination_port = ?", after, port)
    truth = {}
    for program, process in receivers:
        output, _ = process.communicate("end\n", timeout=30)
        for line in output.split():
            truth.setdefault(int(line), []).append((program, process.pid))
    for row in rows:
        owners = truth.get(row["source_port"], [])
        if row["unknown"]:
            score.unknown[row["unknown"]] += 1
        elif (row["exe"], row["pid"]) in owners:
            score.right += 1
        else:
            score.wrong.append(f"from port {row['source_port']}: named {row['exe']} "
                               f"(pid {row['pid']}), received by {owners}")
    # The peer may use a port twice: that is one flow, and one decision.
    score.missing = len(set(truth) - {row["source_port"] for row in rows})
    return score


def run(world: World, wanted) -> list[Score]:
    chosen = [kind for kind in KINDS if wanted(kind.name)]
    if not chosen:
        return []
    world.start()
    scores = []
    for number, kind in enumerate(chosen):
        scores.append(run_kind(world, kind, 3000 + number))
    return scores

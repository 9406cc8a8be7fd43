# SPDX-License-Identifier: GPL-2.0-or-later
"""What no program of this host sends through its own socket: the kernel, tunnels, containers, frames."""

import subprocess
import time

from lib.namespace import Namespace
from lib.places import copies

from .handed import actors
from .score import Score, by
from .world import World

INSIDE, OUTSIDE = "10.97.0.2", "10.97.0.1"


def kernels_own(world: World, wanted) -> list[Score]:
    """What the kernel sends by itself, with a bystander that holds raw ICMP sockets."""
    score = Score("sent by the kernel (IGMP, MLD)")
    if not wanted(score.name):
        return []
    # Accepted ones would not be asked about again.
    world.start("rules:\n  - {name: kernel, app: 'unknown:kernel', action: drop}\n"
                "  - {name: rest, action: accept}\n")
    bystander = world.host.start(actors(world)[0], "bystander", stdin=subprocess.PIPE,
                                 stdout=subprocess.PIPE)
    bystander.stdout.readline()
    code = ("import socket, sys, time\n"
            "s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)\n"
            "for i in range(int(sys.argv[1])):\n"
            "    group = socket.inet_aton('239.1.%d.%d' % (i // 250, 1 + i % 250))\n"
            "    for step in socket.IP_ADD_MEMBERSHIP, socket.IP_DROP_MEMBERSHIP:\n"
            "        s.setsockopt(socket.IPPROTO_IP, step, group + socket.inet_aton(sys.argv[2]))\n"
            "        time.sleep(0.05)\n")
    world.host.run("/usr/bin/python3", "-c", code, str(world.count(15)), world.pair.host4,
                   check=True)
    judge_kernels(score, world.rows("protocol IN ('icmp', 'icmpv6', '2')"))
    bystander.communicate(b"end\n", timeout=10)
    return [score]


def tunnel(world: World, wanted) -> list[Score]:
    """A program's datagrams go into a VXLAN: they are its own, the packets around them the kernel's."""
    inner, outer = Score("into a tunnel (VXLAN): inside"), Score("into a tunnel (VXLAN): around it")
    if not wanted(inner.name):
        return []
    world.start("rules:\n  - {name: kernel, app: 'unknown:kernel', action: drop}\n"
                "  - {name: rest, action: accept}\n")
    link = "dwtunnel"
    made = world.host.run("ip", "link", "add", link, "type", "vxlan", "id", "7", "dstport", "4789",
                          "remote", world.pair.peer4, "local", world.pair.host4)
    if made.returncode != 0:
        inner.absent = outer.absent = "not in this kernel"
        return [inner, outer]
    for words in (("address", "add", "10.96.0.1/16", "dev", link), ("link", "set", link, "up")):
        world.host.ip(*words)
    truths, commands = {}, []
    for number in range(world.count(200)):
        address = f"10.96.1.{number % 250 + 1}"
        if number < 250:
            world.host.ip("neigh", "replace", address, "lladdr", "02:00:00:00:00:07", "dev", link)
        commands.append([world.pool[number % len(world.pool)], "send-bound" if number % 2 else "send", address])
    ended = world.host.run_all(commands)
    truths = {end["pid"]: command[0] for end, command in zip(ended, commands)}
    for row in world.rows("direction = 'out' AND destination LIKE '10.96.1.%'"):
        if row["unknown"]:
            inner.unknown[row["unknown"]] += 1
        elif truths.get(row["pid"]) == row["exe"]:
            inner.right += 1
            del truths[row["pid"]]
        else:
            inner.wrong.append(f"to {row['destination']}: {row['exe']} (pid {row['pid']})")
    inner.missing = len(truths)
    judge_kernels(outer, world.rows("destination_port = 4789"))
    world.host.ip("link", "delete", link)
    return [inner, outer]


def judge_kernels(score: Score, rows: list[dict]) -> None:
    for row in rows:
        if row["unknown"] == "kernel":
            score.right += 1
        elif row["unknown"]:
            score.unknown[row["unknown"]] += 1
        else:
            score.wrong.append(f"{row['protocol']} to {row['destination']} was named {row['exe']}")


def container(world: World) -> Namespace:
    """A third namespace, which reaches the peer through the host."""
    inner = Namespace("inner")
    world.host.ip("link", "add", "inner0", "type", "veth", "peer", "name", "eth0", "netns", inner.name)
    for side, link, address in ((world.host, "inner0", OUTSIDE), (inner, "eth0", INSIDE)):
        side.ip("address", "add", f"{address}/24", "dev", link)
        side.ip("link", "set", link, "up")
    inner.ip("link", "set", "lo", "up")
    inner.ip("route", "add", "default", "via", OUTSIDE)
    inner.sysctl("net.ipv4.ping_group_range", "0 2147483647")
    world.peer.ip("route", "add", "10.97.0.0/24", "via", world.pair.host4)
    world.host.sysctl("net.ipv4.ip_forward", 1)
    return inner


def forwarded(world: World, wanted) -> list[Score]:
    """From a container, through this host."""
    name = "forwarded from a container here"
    if not wanted(name):
        return []
    world.start(forward="filter", default_forward="accept")
    inner = container(world)
    scores = []
    try:
        for kind in ("connect", "connect-nb", "send", "send-connected", "ping", "raw-ping"):
            score = Score(f"{name}: {kind}")
            commands = [[world.pool[i % len(world.pool)], kind, world.addresses("4", 1)]
                        for i in range(world.count(200))]
            ended = inner.run_all(commands)
            rows = by(world.rows("direction = 'forward'"), "destination")
            for command, end in zip(commands, ended):
                score.judge((command[0], end["pid"]), rows.get(command[2], []))
            scores.append(score)
    finally:
        inner.remove()
    return scores


def frames(world: World, wanted) -> list[Score]:
    """Whole frames on packet sockets never come to netfilter; a hook on the way out records them."""
    score = Score("packet socket (AF_PACKET)")
    if not wanted(score.name):
        return []
    world.start(packet_sockets="record")
    programs = copies(world.actor, world.folder / "frames", world.count(100))
    commands = [[program, "frame", world.pair.host_link] for program in programs]
    ended = world.host.run_all(commands)
    time.sleep(2)  # recorded once a second
    rows = by(world.rows("reason LIKE 'packet-socket%'"), "pid")
    for command, end in zip(commands, ended):
        if end["status"] != 0:
            raise RuntimeError(f"{command}: ended with {end['status']}")
        score.judge((command[0], end["pid"]), rows.get(end["pid"], []))
    return [score]


def run(world: World, wanted) -> list[Score]:
    scores = []
    for part in (kernels_own, tunnel, forwarded, frames):
        scores += part(world, wanted)
    return scores

# SPDX-License-Identifier: GPL-2.0-or-later
"""Somebody wants a wrong name. What can't be told any more is unknown, with a reason, or dropped."""

import subprocess

from lib.places import built, copies

from .score import Score, by
from .world import World

# Tables far smaller than what is sent, so that all of them evict all the time.
SMALL = "bindings: 128, processes: 64, listeners: 16"


def flooded(world: World, wanted) -> list[Score]:
    """Others send from new sockets and new processes as fast as they can, meanwhile."""
    name = "tables flooded until they evict"
    if not wanted(name):
        return []
    world.start(limits=SMALL)
    flood = copies(built("tests/attribution/programs/attack"), world.folder / "flood", 2)
    target = world.addresses("4", 1)
    running = [world.host.start(flood[0], "flows", "100000000", target),
               world.host.start(flood[1], "children", "100000000", target)]
    scores = []
    try:
        for kind in ("connect-nb", "send", "send-connected"):
            score = Score(f"{name}: {kind}", attack=True, missing_allowed=True)
            commands = [[world.pool[i % len(world.pool)], kind, world.addresses("4", 1)]
                        for i in range(world.count(300))]
            ended = world.host.run_all(commands, timeout=1800)
            scores.append((score, commands, ended))
    finally:
        for process in running:
            process.kill()
            process.wait(30)
    rows = by(world.rows("direction = 'out' AND destination <> ?", target, timeout=300), "destination")
    for score, commands, ended in scores:
        for command, end in zip(commands, ended):
            score.judge((command[0], end["pid"]), rows.get(command[2], []))
    total = Score(f"{name}: the flood itself", attack=True, missing_allowed=True)
    for row in world.daemon.audit.query(
            "SELECT exe, unknown, sum(count) AS n FROM decisions WHERE destination = ? AND direction = 'out' "
            "GROUP BY exe, unknown", target):
        if row["unknown"]:
            total.unknown[row["unknown"]] += row["n"]
        elif row["exe"] in flood:
            total.right += row["n"]
        else:
            total.wrong.append(f"the flood was named {row['exe']}")
    return [score for score, _, _ in scores] + [total]


def exec_races(world: World, wanted) -> list[Score]:
    """One thread sends, datagrams and SYNs, while another runs another program in the same process."""
    score = Score("exec while another thread sends", attack=True)
    if not wanted(score.name):
        return []
    world.start()
    program = copies(built("tests/attribution/programs/attack"), world.folder / "race", 1)[0]
    commands, truths = [], []
    each = 24
    for number in range(world.count(250)):
        first, last = world.addresses("4", each), world.addresses("4", 1)
        second = world.pool[number % len(world.pool)]
        commands.append([program, "race", first, str(each), str(number * 7 % 400), second, "send", last])
        truths.append(([(address, program) for address in world.following(first, each)], (last, second)))
    ended = world.host.run_all(commands, 4, timeout=1800)
    rows = by(world.rows("direction = 'out'"), "destination")
    for (sent, (last, second)), end in zip(truths, ended):
        for address, sender in sent:
            if address in rows:  # the exec ends the thread, at any of them
                score.judge((sender, end["pid"]), rows[address])
        score.judge((second, end["pid"]), rows.get(last, []))
    return [score]


def run(world: World, wanted) -> list[Score]:
    return exec_races(world, wanted) + flooded(world, wanted)

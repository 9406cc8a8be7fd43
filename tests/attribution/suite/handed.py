# SPDX-License-Identifier: GPL-2.0-or-later
"""Sockets and programs that become somebody else's, and ports that change hands."""

import json
import os
import subprocess
import sys
import time
from pathlib import Path

from lib import appimage, namespace
from lib.places import WORLD, built, copies

from .score import Score, by
from .world import World


def actors(world: World, count: int = 2) -> list[str]:
    folder = world.folder / "actors"
    have = sorted(folder.glob("actor-*")) if folder.exists() else []
    return [str(path) for path in have[:count]] or copies(world.actor, folder, count)


def ways(world: World, address: str, first: str, second: str) -> dict:
    """Name → (command, program that sends)."""
    contact, root = world.pool[0], world.folder / "root"
    words = ["send", address]
    inside = root / "bin" / "inside"
    if not inside.exists():
        inside.parent.mkdir(parents=True)
        inside.write_bytes(Path(contact).read_bytes())
        inside.chmod(0o755)
    return {
        "socket passed by SCM_RIGHTS": ([first, "pass", second, address], second),
        "socket inherited through exec": ([first, "inherit", second, address], second),
        "exec from a thread that is not the first": ([first, "thread", contact, *words], contact),
        "vfork, exec": ([first, "vfork", contact, *words], contact),
        "program in memory only (memfd)": ([first, "memfd", contact, *words], "memfd:payload"),
        "program run as /proc/self/fd/N": ([first, "descriptor", contact, *words], contact),
        "chroot": ([first, "chroot", str(root), "/bin/inside", *words], str(inside)),
    }


def run_ways(world: World, wanted) -> list[Score]:
    first, second = actors(world)
    scores = []
    for name in ways(world, "0.0.0.0", first, second):
        if not wanted(name):
            continue
        score = Score(name)
        truths = {}
        for _ in range(world.count(50)):
            address = world.addresses("4", 1)
            command, program = ways(world, address, first, second)[name]
            ended = world.host.run(*command)
            if ended.returncode != 0:
                raise RuntimeError(f"{name}: {ended.stderr}")
            truths[address] = program
        rows = by(world.rows("direction = 'out'"), "destination")
        for address, program in truths.items():
            score.judge((program, None), rows.get(address, []))
        scores.append(score)
    return scores


def appimages(world: World, wanted) -> list[Score]:
    """Named by the AppImage's own path; and a program on a FUSE mount of another kind by its own."""
    name = "program in an AppImage"
    if not wanted(name):
        return []
    scores = [Score(name), Score(f"{name}, started by a script"), Score("program on FUSE, no AppImage")]
    if why_not := appimage.why_not():
        for score in scores:
            score.absent = why_not
        return scores
    contact, folder = world.pool[0], world.folder / "apps"
    script = '#!/bin/sh\n"$APPDIR/bin/tool" "$@"\nexit $?\n'
    folder.mkdir(exist_ok=True)
    plain = appimage.squashfs(folder / "plain", {"tool": contact})
    appimage.mount(plain, folder / "fuse")
    programs = [appimage.appimage(folder / "A.AppImage", {"AppRun": contact}),
                appimage.appimage(folder / "B.AppImage", {"AppRun": script, "bin/tool": contact}),
                str(folder / "fuse" / "tool")]
    truths = {}
    try:
        for _ in range(world.count(50)):
            for program, score in zip(programs, scores):
                address = world.addresses("4", 1)
                ended = world.host.run("env", f"TMPDIR={folder}", program, "send", address)
                if ended.returncode != 0:
                    raise RuntimeError(f"{score.name}: {ended.stderr}")
                truths[address] = program, score
        rows = [dict(row, exe=row["appimage"] or row["exe"]) for row in world.rows("direction = 'out'")]
    finally:
        appimage.unmount_below(folder)
    found = by(rows, "destination")
    for address, (program, score) in truths.items():
        score.judge((program, None), found.get(address, []))
    return scores


def shared_by_fork(world: World, wanted) -> list[Score]:
    score = Score("socket shared with a forked child")
    if not wanted(score.name):
        return []
    actor = actors(world)[0]
    truths = {}
    for _ in range(world.count(50)):
        address = world.addresses("4", 2)
        pids = world.host.run(actor, "fork", address, check=True).stdout.split()
        truths.update(zip(world.following(address, 2), map(int, pids)))
    rows = by(world.rows("direction = 'out'"), "destination")
    for address, pid in truths.items():
        score.judge((actor, pid), rows.get(address, []))
    return [score]


def held(world: World, wanted) -> list[Score]:
    """Opened before the daemon was there; the program is renamed, replaced or removed meanwhile."""
    name = "open before the daemon"
    if not wanted(name):
        return []
    world.stop()
    scores, started = [], []
    for kind, families in (("udp", "46"), ("udp-connected", "46"), ("tcp", "46")):
        score = Score(f"{name}: {kind.replace('-', ', ')}")
        scores.append(score)
        programs = copies(world.actor, world.folder / f"held-{kind}", world.count(20) * 2)
        for number, program in enumerate(programs):
            address = world.addresses(families[number % 2], 1)
            process = world.host.start(program, "hold", kind, address, stdin=subprocess.PIPE,
                                       stdout=subprocess.PIPE)
            process.stdout.readline()
            started.append((score, program, address, process))
    world.start()
    release(started)
    rows = by(world.rows("direction = 'out'"), "destination")
    for score, program, address, process in started:
        score.judge((program, process.pid), rows.get(address, []))
    return scores


def release(started: list) -> None:
    for _, _, _, process in started:
        process.stdin.write(b"go\n")
        process.stdin.flush()
    for _, program, _, process in started:
        if process.wait(30) != 0:
            raise RuntimeError(f"{program} ended with {process.returncode}")
        process.stdin.close()
        process.stdout.close()


def changed_files(world: World, wanted) -> list[Score]:
    """The file of a running program is removed or replaced; it sends after that."""
    scores = []
    for what in ("removed", "replaced"):
        score = Score(f"program {what} while it runs")
        if not wanted(score.name):
            continue
        started = []
        for program in copies(world.actor, world.folder / what, world.count(20)):
            address = world.addresses("4", 1)
            process = world.host.start(program, "hold", "udp", address, stdin=subprocess.PIPE,
                                       stdout=subprocess.PIPE)
            process.stdout.readline()
            os.unlink(program)
            if what == "replaced":
                Path(program).write_text("something else\n")
            started.append((score, program, address, process))
        release(started)
        rows = by(world.rows("direction = 'out'"), "destination")
        for _, program, address, process in started:
            score.judge((program, process.pid), rows.get(address, []))
        scores.append(score)
    return scores


def few_ports(world: World, wanted) -> list[Score]:
    """Four source ports for everybody: a tuple goes from program to program within milliseconds."""
    scores = []
    for name, kinds, port in (("UDP port reused by others within ms", ("send", "send-connected"), 7),
                              ("TCP port reused by others within ms", ("connect-nb",), 9)):
        if not wanted(name):
            continue
        score = Score(name)
        world.start()
        world.host.sysctl("net.ipv4.ip_local_port_range", "50000 50003")
        total = world.count(1000)
        target = world.addresses("4", 1) if port == 7 else world.pair.peer4
        connect1 = world.pool if port == 7 else nonblocking(world)
        commands = [[connect1[i % len(connect1)], kinds[i % len(kinds)], target] if port == 7 else
                    [connect1[i % len(connect1)], "tcp4", target, "9", "--nonblock"]
                    for i in range(total)]
        ended = world.host.run_all(commands, parallel=4, timeout=1800)
        world.host.sysctl("net.ipv4.ip_local_port_range", "32768 60999")
        judge_by_pid(score, commands, ended, world.rows("direction = 'out' AND destination = ? AND "
                                                        "destination_port = ?", target, port))
        scores.append(score)
    return scores


def nonblocking(world: World) -> list[str]:
    return copies(built("tests/kernel/programs/connect1"), world.folder / "nb", 100)


def judge_by_pid(score: Score, commands: list, ended: list[dict], rows: list[dict]) -> None:
    """All have the same destination: the pid tells whose row is whose, and each sent once."""
    programs = {end["pid"]: command[0] for end, command in zip(ended, commands)
                if end["status"] == 0}
    score.unknown.update(row["unknown"] for row in rows if row["unknown"])
    seen = set()
    for row in (row for row in rows if not row["unknown"]):
        if row["pid"] in seen or programs.get(row["pid"]) != row["exe"]:
            score.wrong.append(f"{row['exe']} (pid {row['pid']}) had sent "
                               f"{'once only' if row['pid'] in seen else 'nothing'}")
        else:
            score.right += 1
        seen.add(row["pid"])
    score.missing += max(0, len(programs) - len(rows))


def reused_pids(world: World, wanted) -> list[Score]:
    score = Score("pid reused (kernel.pid_max at its least)")
    if not wanted(score.name):
        return []
    if WORLD != "guest":
        score.absent = "only in the guest: the setting is the whole machine's"
        return [score]
    path = Path("/proc/sys/kernel/pid_max")
    before = path.read_text()
    world.start()
    try:
        path.write_text("600")
        total = world.count(1500)
        commands, truths = [], {}
        for i in range(total):
            address = world.addresses("4", 1)
            commands.append([world.pool[i % len(world.pool)], "send", address])
            truths[address] = commands[-1][0]
        ended = world.host.run_all(commands, timeout=1800)
    finally:
        path.write_text(before)
    rows = by(world.rows("direction = 'out'"), "destination")
    for (address, program), end in zip(truths.items(), ended):
        score.judge((program, end["pid"]), rows.get(address, []))
    return [score]


def restarted(world: World, wanted) -> list[Score]:
    """Killed and started anew while programs send. What is sent in between is dropped undecided."""
    score = Score("daemon killed and restarted under load", missing_allowed=True)
    if not wanted(score.name):
        return []
    world.start()
    rows, truths = [], {}
    for _ in range(3):
        commands = []
        for i in range(world.count(400)):
            address = world.addresses("4", 1)
            commands.append([world.pool[i % len(world.pool)], "send", address])
            truths[address] = commands[-1][0]
        load = world.host.start(*run_all_words(), stdin=subprocess.PIPE, stdout=subprocess.DEVNULL)
        load.stdin.write(json.dumps(commands).encode())
        load.stdin.close()
        time.sleep(0.3)
        world.daemon.kill()
        world.daemon.start()
        load.wait(300)
        # On a slow machine the start outlasts the load: some more, at once.
        again = [[command[0], "send", world.addresses("4", 1)] for command in commands[:8]]
        truths.update((command[2], command[0]) for command in again)
        world.host.run_all(again)
        rows = world.rows("direction = 'out'")
    found = by(rows, "destination")
    for address, program in truths.items():
        score.judge((program, None), found.get(address, []))
    return [score]


def run_all_words() -> list[str]:
    return [sys.executable, str(namespace.HERE / "run_all.py"), "8"]


def run(world: World, wanted) -> list[Score]:
    scores = held(world, wanted)
    world.start()
    for part in (run_ways, appimages, shared_by_fork, changed_files, few_ports, reused_pids, restarted):
        scores += part(world, wanted)
    return scores

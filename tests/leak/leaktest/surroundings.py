# SPDX-License-Identifier: GPL-2.0-or-later
"""Scenarios: what is around the daemon fails, lies, fills up, or gets in its way."""

import signal
import sqlite3
import struct
import subprocess
import time
from contextlib import closing
from pathlib import Path

from lib.helper import Helper
from lib.places import WORLD, built
from lib.wait import wait_for

from . import neighbours
from .stage import SLOW, Scenario, Stage


def _on_small_disk(stage: Stage) -> None:
    """The daemon's folder becomes a file system of 6 MB."""
    folder = stage.daemon.folder
    kept = {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=6m", "none", folder], check=True)

    def clean_up() -> None:
        stage.daemon.remove()  # its last words are read there
        subprocess.run(["umount", "-l", folder], check=True)
    stage.cleanups.append(clean_up)
    for path, content in kept.items():
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(content)


def disk_full(stage: Stage) -> None:
    ballast = stage.daemon.folder / "ballast"
    try:
        with open(ballast, "wb", buffering=0) as file:
            for _ in range(7000):
                file.write(bytes(1024))
        stage.check(False, "the disk did not fill up")
    except OSError:
        pass
    stage.burst(0.3)
    stage.must_open("with a full disk")
    stage.daemon.kill()
    stage.load.burst(0.2)
    stage.daemon.launch()  # it may refuse to start; nothing may pass
    stage.load.done()
    if stage.daemon.process.poll() is not None:
        stage.outcome.notes.append("does not start without room, closed")
        stage.daemon.process = None
    else:
        stage.daemon.kill()
    ballast.unlink()
    stage.load.burst(0.3)
    stage.daemon.start()


def log_locked(stage: Stage) -> None:
    with closing(sqlite3.connect(stage.daemon.database, timeout=30)) as database:
        database.isolation_level = None
        database.execute("BEGIN EXCLUSIVE")
        stage.burst(0.5)
        stage.must_open("while the log was locked")
        database.execute("ROLLBACK")
    stage.burst(0.3)


def log_damaged(stage: Stage) -> None:
    stage.burst(0.2)
    with open(stage.daemon.database, "r+b") as database:
        database.write(b"this is no database" * 4000)
    stage.burst(0.3)
    stage.must_open("with a damaged log")
    stage.daemon.kill()
    stage.load.burst(0.3)
    stage.daemon.start()
    aside = list(stage.daemon.folder.glob("audit.db.damaged-*"))
    stage.outcome.notes.append("set aside" if aside else "written over by what was in memory")


# With a /proc of its own that hides processes, and without the right to see through that.
HIDING = ("unshare", "--mount", "--propagation", "private", "sh", "-c",
          "mount -t proc -o hidepid=invisible proc /proc && "
          "exec setpriv --bounding-set=-sys_ptrace --inh-caps=-sys_ptrace \"$@\"", "sh")


def _instead(stage: Stage, *command: str, **environment: str) -> None:
    """The daemon is started again by way of another command, or with more in its environment."""
    arguments = stage.daemon.arguments()
    stage.daemon.kill()
    words = ["env", *(f"{key}={value}" for key, value in environment.items()), *command, *arguments]
    stage.daemon.arguments = lambda: words
    stage.daemon.start()


def proc_hidden(stage: Stage) -> None:
    _instead(stage, *HIDING)
    stage.burst(0.4)
    stage.must_open("without a look at others' /proc")
    stage.daemon.kill()
    stage.load.burst(0.4)
    stage.daemon.start()


def _clock_of_the_machine(stage: Stage):
    """The guest's own clock, which only this test looks at."""
    off = time.time() - time.monotonic()

    def set_off(seconds: int) -> None:
        time.clock_settime(time.CLOCK_REALTIME, time.monotonic() + off + seconds)

    stage.cleanups.append(lambda: set_off(0))
    return set_off


def _clock_of_the_daemon(stage: Stage):
    offset = stage.world.folder / "clock"
    offset.write_bytes(bytes(8))
    _instead(stage, LD_PRELOAD=built("tests/leak/programs/leak-clock.so"), LEAK_CLOCK=str(offset))

    def set_off(seconds: int) -> None:
        with open(offset, "r+b") as file:
            file.write(struct.pack("q", seconds))

    return set_off


def clock_jumps(stage: Stage) -> None:
    set_off = (_clock_of_the_machine if WORLD == "guest" else _clock_of_the_daemon)(stage)
    for seconds in (86400 * 400, -86400 * 400, -3 * 10**8, 0):
        set_off(seconds)
        stage.burst(0.1)
        stage.must_open(f"with the clock {seconds} s off")
        stage.load.burst(0.1)
        stage.daemon.reload()
        stage.load.done()


def only_bursts(stage: Stage) -> None:
    for _ in range(2):
        stage.burst(0.4)


def overrun(stage: Stage) -> None:
    stage.burst(0.6)
    stage.daemon.pause()
    stage.burst(0.2)
    stage.daemon.process.send_signal(signal.SIGCONT)
    lost = stage.daemon.status()["packets"]["queue_dropped"]
    stage.check(lost > 0, "the queue did not overrun")
    stage.outcome.notes.append(f"{lost:,} found the queue full")


def beside_others(stage: Stage) -> None:
    share = 0.8 / len(neighbours.RULESETS) / 2
    for name, text in neighbours.RULESETS.items():
        stage.host.run("nft", "-f", "-", stdin=None, input=text, check=True)
        stage.burst(share)
        stage.must_open(f"beside {name}")
        stage.daemon.kill()
        stage.load.burst(share)
        stage.daemon.start()
    stage.outcome.notes.append(", ".join(neighbours.RULESETS))


BY_OTHERS = ("flush ruleset", "delete table inet doorward", "flush table inet doorward",
             "insert rule inet doorward output accept", "add table inet doorward { flags dormant; }")


def taken_out(stage: Stage) -> None:
    """What gets out until it is back is counted by itself; behind that, nothing may."""
    watch = Helper(stage.host, str(Path(__file__).with_name("gap_watch.py")))
    stage.cleanups.append(watch.stop)
    gaps = {}
    for number, (how, busy) in enumerate([(how, busy) for busy in (False, True) for how in BY_OTHERS], 1):
        if busy:
            stage.load.burst(0.12)
        stage.host.run("nft", how, check=True)
        wait_for(number, lambda: stage.daemon.status()["tables_restored"], 60 * SLOW)
        stage.count_open()
        gaps.setdefault(busy, []).extend(watch.ask(""))
        stage.load.done()
    stage.must_open("once the table was back")
    stage.burst(0.2)
    rows = stage.daemon.audit.wait_rows(number, "reason LIKE 'table-%'")
    stage.check(len(rows) == number, f"{len(rows)} rows about {number} changes of the table")
    for busy, words in ((False, "idle"), (True, "under load")):
        stage.check(len(gaps[busy]) == len(BY_OTHERS), f"not {len(BY_OTHERS)} gaps: {gaps[busy]}")
        stage.outcome.notes.append(f"gap {words}: {min(gaps[busy]):.0f}–{max(gaps[busy]):.0f} ms")


SMALL = "limits: {bindings: 64, processes: 16, listeners: 8, verdicts: 16, queued_packets: 1024}\n"

SCENARIOS = [
    Scenario("nothing happens", only_bursts),
    Scenario("each one asked about, and refused", only_bursts, "verdict_cache: false\n",
             {"default_out": "reject"}),
    Scenario("the queue overruns", overrun, "verdict_cache: false\nlimits: {queued_packets: 16}\n"),
    Scenario("the maps are full", only_bursts, SMALL),
    Scenario("disk full", disk_full, prepare=_on_small_disk),
    Scenario("audit log locked", log_locked),
    Scenario("audit log damaged", log_damaged),
    Scenario("/proc hidden", proc_hidden),
    Scenario("the clock jumps", clock_jumps),
    Scenario("beside other firewalls", beside_others),
    Scenario("others take the table out, or change it", taken_out),
]

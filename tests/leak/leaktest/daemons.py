# SPDX-License-Identifier: GPL-2.0-or-later
"""Scenarios: the daemon dies, stands still, is replaced, or does not get to run."""

import os
import shutil
import signal
import subprocess
import time
from contextlib import suppress

from lib.places import built
from lib.wait import wait_until

from .cgroups import ControlGroup
from .stage import Scenario, Stage

HOGS = 16


def killed(stage: Stage) -> None:
    for _ in range(4):
        stage.daemon.kill()
        stage.must_go_on("while no daemon ran")
        stage.burst(0.1)
        stage.load.burst(0.1)  # also while the next one starts
        stage.daemon.start()
        stage.must_open("after a kill")
        stage.must_go_on("after a kill")  # datagrams: each sender is asked about anew


def stopped(stage: Stage) -> None:
    for _ in range(2):
        stage.daemon.pause()
        stage.must_go_on("while the daemon was stopped")
        stage.burst(0.2)
        stage.daemon.process.send_signal(signal.SIGCONT)
        stage.must_open("after SIGCONT")
        stage.burst(0.2)


def frozen(stage: Stage) -> None:
    group = ControlGroup("freezer", stage.world.folder.name)
    stage.cleanups.append(group.remove)
    stage.cleanups.append(lambda: group.freeze(False))
    group.add(stage.daemon.process.pid)
    for _ in range(2):
        group.freeze(True)
        wait_until(group.frozen)
        stage.must_go_on("while the daemon was frozen")
        stage.burst(0.2)
        group.freeze(False)
        stage.must_open("after the thaw")
        stage.burst(0.2)


def reloaded(stage: Stage) -> None:
    stage.load.burst(0.8)
    number = 0
    while number < 5 or stage.load.busy():
        number += 1
        extra = "".join(f"  - {{name: n{i}, app: /nowhere/{number}/{i}, action: accept}}\n" for i in range(100))
        stage.daemon.write_rules("rules:\n" + extra, "05-extra.yaml")
        stage.daemon.reload()
    stage.outcome.notes.append(f"{number} reloads")


def hogged(stage: Stage) -> None:
    hogs = [subprocess.Popen(["timeout", "600", "sh", "-c", "while :; do :; done"]) for _ in range(HOGS)]
    stage.cleanups.append(lambda: [hog.wait(30) for hog in hogs])
    stage.cleanups.append(lambda: [hog.terminate() for hog in hogs])
    stage.burst(0.4)
    stage.must_open("beside the hogs", 120)
    stage.daemon.kill()
    stage.load.burst(0.4)
    stage.daemon.start(600)


def _dies_of(stage: Stage, limit, what: str) -> None:
    """The limit holds for the running daemon, then for one that starts."""
    limit(stage.daemon.process.pid)
    stage.load.burst(0.3)
    with suppress(AssertionError, subprocess.TimeoutExpired):
        for number in range(20):  # something to need more for
            extra = "".join(f"  - {{name: n{i}, app: /nowhere/{number}/{i}, action: accept}}\n"
                            for i in range(3000))
            stage.daemon.write_rules("rules:\n" + extra, "05-extra.yaml")
            stage.daemon.reload(20)
    stage.load.done()
    died = stage.daemon.process.poll() is not None
    stage.outcome.notes.append(f"{what}: " + ("died, closed" if died else "lived on"))
    stage.daemon.write_rules("rules: []\n", "05-extra.yaml")
    stage.daemon.kill()
    stage.daemon.launch()
    limit(stage.daemon.process.pid)
    stage.burst(0.3)
    stage.daemon.kill()  # if it still runs
    stage.load.burst(0.2)
    stage.daemon.start()
    stage.must_open(f"once there was enough again ({what})")


def _prlimit(name: str, value: str):
    return lambda pid: subprocess.run(["prlimit", f"--pid={pid}", f"--{name}={value}"], check=False)


def address_space(stage: Stage) -> None:
    status = dict(line.split(":", 1) for line in
                  open(f"/proc/{stage.daemon.process.pid}/status").read().splitlines() if ":" in line)
    most = (int(status["VmSize"].split()[0]) + 512) * 1024
    _dies_of(stage, _prlimit("as", str(most)), "no more address space")


def memory(stage: Stage) -> None:
    group = ControlGroup("memory", stage.world.folder.name)
    stage.cleanups.append(group.remove)

    def limit(pid: int) -> None:
        group.add(pid)
        group.limit(2 << 20)

    _dies_of(stage, limit, "no more memory")


def descriptors(stage: Stage) -> None:
    pid = stage.daemon.process.pid
    _prlimit("nofile", "3:1024")(pid)
    stage.burst(0.3)
    stage.must_open("without free descriptors")
    with suppress(AssertionError):
        stage.daemon.reload(10)
    stage.burst(0.3)
    if stage.daemon.process.poll() is None:
        _prlimit("nofile", "1024:1024")(pid)
        stage.daemon.command("status")
    else:
        stage.daemon.process = None
        stage.daemon.start()
    stage.burst(0.2)
    stage.must_open("with descriptors again")


def restarted_all_the_time(stage: Stage) -> None:
    """Killed at moments that are never the same, most of them while it starts."""
    stage.load.burst(0.8)
    number = 0
    while number < 8 or (stage.load.busy() and number < 200):
        stage.daemon.kill()
        stage.daemon.launch()
        time.sleep(0.02 * (number % 25))
        number += 1
    stage.daemon.kill()
    stage.daemon.start()
    stage.outcome.notes.append(f"{number} kills")


def _new_version(stage: Stage, number: int) -> None:
    """As a package manager does: the new file beside the old one, then in its place."""
    folder = stage.world.folder / "sbin"
    folder.mkdir(exist_ok=True)
    new = shutil.copy(built("fwd/doorwardd"), folder / f"doorwardd.{number}")
    os.replace(new, folder / "doorwardd")
    stage.daemon.program = str(folder / "doorwardd")


def upgraded(stage: Stage) -> None:
    for number in range(4):
        _new_version(stage, number)
        stage.load.burst(0.1)
        stage.daemon.process.send_signal(signal.SIGUSR2)
        stage.check(stage.daemon.process.wait(60) == 0, "it did not end well when it was to hand over")
        stage.daemon.process = None
        stage.must_go_on("between two daemons")
        stage.load.burst(0.1)
        stage.daemon.start()
        stage.must_open("after an upgrade")
        stage.must_go_on("after an upgrade")  # as after a kill


SCENARIOS = [
    Scenario("killed and started again", killed),
    Scenario("killed while it starts", restarted_all_the_time),
    Scenario("upgraded in place", upgraded),
    Scenario("stopped and continued", stopped),
    Scenario("frozen and thawed", frozen),
    Scenario("rules loaded again and again", reloaded),
    Scenario("16 hogs beside it", hogged),
    Scenario("out of address space", address_space),
    Scenario("out of memory", memory),
    Scenario("out of descriptors", descriptors),
]

# SPDX-License-Identifier: GPL-2.0-or-later
"""One scenario: a daemon, the load and the allowed flows; what is done to them; what came of it."""

import time
from collections.abc import Callable
from dataclasses import dataclass, field

from lib.places import WORLD
from lib.wait import wait_until

from .load import Keeper, Load
from .world import PORT, World

SLOW = 5 if WORLD == "guest" else 1  # what takes a second natively


@dataclass
class Scenario:
    name: str
    run: Callable[["Stage"], None]
    config: str = ""
    options: dict = field(default_factory=dict)  # of the daemon
    prepare: Callable[["Stage"], None] | None = None  # before the daemon is started
    only_in: str = WORLD


@dataclass
class Outcome:
    name: str
    attempts: int = 0
    leaked: dict[str, int] = field(default_factory=dict)  # by protocol
    passed_open: int = 0     # while somebody else had taken the table out
    kept: int = 0            # exchanges on allowed flows that were open before, meanwhile
    kept_after: int = 0
    made: int = 0            # new allowed flows that worked, meanwhile
    made_after: int = 0
    longest_ms: int = 0      # that an allowed open flow stood still
    notes: list[str] = field(default_factory=list)
    wrong: list[str] = field(default_factory=list)
    attempts_by_kind: dict[str, dict] = field(default_factory=dict)
    seconds: float = 0

    @property
    def failed(self) -> bool:
        return bool(self.wrong) or any(self.leaked.values())


class Stage:
    """What a scenario acts on. Its bursts should add up to one, less what `play` does around it."""

    def __init__(self, world: World, scenario: Scenario, attempts: int):
        self.world, self.host, self.counter = world, world.host, world.counter
        self.outcome = Outcome(scenario.name)
        self.cleanups: list[Callable[[], None]] = []
        self.daemon = world.daemon(scenario.config, **scenario.options)
        self.load = self.keeper = None
        self.attempts = attempts

    def burst(self, share: float) -> None:
        self.load.burst(share).done()

    def watch(self) -> dict[str, int]:
        """The allowed flows since the last look."""
        seen = self.keeper.report()
        self.outcome.kept += seen["kept"]
        self.outcome.made += seen["made"]
        self.outcome.longest_ms = max(self.outcome.longest_ms, seen["longest_ms"])
        return seen

    def check(self, right: bool, otherwise: str) -> None:
        if not right:
            self.outcome.wrong.append(otherwise)

    def must_go_on(self, when: str, timeout: float = 60) -> None:
        """Each allowed open flow has an exchange, from now on."""
        self._must("least", f"an allowed open flow stood still {when}", timeout)

    def must_open(self, when: str, timeout: float = 60) -> None:
        """New allowed flows work, from now on: one of each kind."""
        self._must("made", f"no new allowed flow worked {when}", timeout, 8)

    def _must(self, what: str, otherwise: str, timeout: float, least: int = 2) -> None:
        self.watch()
        total, deadline = 0, time.monotonic() + timeout * SLOW
        while total < least and time.monotonic() < deadline:
            time.sleep(0.1)
            total += self.watch()[what]
        self.check(total >= least, otherwise)

    def count_open(self) -> None:
        """What got out until now, because somebody else has opened the door, is reported by itself."""
        self.outcome.passed_open += self.counter.reset()
        self.world.witness.ask("")

    def clean_up(self) -> None:
        for cleanup in reversed(self.cleanups):
            cleanup()


def play(world: World, scenario: Scenario, attempts: int) -> Outcome:
    began = time.monotonic()
    stage = Stage(world, scenario, attempts)
    try:
        if scenario.prepare:
            scenario.prepare(stage)
        stage.daemon.start()
        _act(stage, scenario)
    finally:
        for part in (stage.load.kill if stage.load else None, stage.keeper.stop if stage.keeper else None,
                     stage.clean_up, stage.daemon.remove):
            if part:
                part()
    stage.outcome.seconds = round(time.monotonic() - began, 1)
    return stage.outcome


def _act(stage: Stage, scenario: Scenario) -> None:
    world, outcome = stage.world, stage.outcome
    stage.keeper = Keeper(stage.host, world.keeper, world.pair.peer4, world.pair.peer6, PORT)
    stage.must_go_on("before anything was done")
    stage.must_open("before anything was done")
    outcome.kept = outcome.made = outcome.longest_ms = 0
    outcome.wrong += [f"the counter did not see, before: {what}" for what in world.fly_canaries()]
    world.counter.reset()
    world.witness.ask("")
    stage.load = Load(stage.host, world.pair.host_link, world.load, world.contact, stage.attempts)
    stage.burst(0.1)
    scenario.run(stage)
    stage.burst(0.1)
    said = stage.load.finish()
    outcome.attempts_by_kind = said
    outcome.attempts = sum(one["attempts"] for one in said.values())
    wait_until(lambda: world.counter.leaked() == world.counter.leaked())
    outcome.leaked = {name: count for name, count in world.counter.read().items() if name != "allowed"}
    if any(outcome.leaked.values()):
        outcome.wrong += [f"leaked: {packet}" for packet in world.witness.ask("")]
    stage.watch()
    kept, made = outcome.kept, outcome.made
    stage.must_go_on("afterwards")
    stage.must_open("afterwards")
    outcome.kept_after, outcome.made_after = outcome.kept - kept, outcome.made - made
    outcome.kept, outcome.made = kept, made
    stage.check(stage.watch()["broken"] == 0, "an allowed open connection broke")
    outcome.wrong += [f"the counter did not see, afterwards: {what}" for what in world.fly_canaries()]

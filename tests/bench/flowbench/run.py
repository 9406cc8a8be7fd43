# SPDX-License-Identifier: GPL-2.0-or-later
"""The run: rounds of measures of contenders, whose order rotates. A cell is one flow-load."""

import sys
import time
from dataclasses import asdict

from . import machine
from .contenders import CONTENDERS, Absent, Doorward
from .measures import MEASURES
from .world import World


class Run:
    def __init__(self, options):
        self.options = options
        self.contenders = list(options.contenders)
        self.machine = machine.describe()
        self.absent: dict[str, str] = {}
        self.cells: list[dict] = []
        self.kept: list[dict] = []
        self.memory: list[dict] = []

    def all(self) -> dict:
        for number in range(self.options.rounds):
            for name in self.options.measures:
                self._round(number, name)
        names = ("rounds", "seconds", "clients", "rules", "awake")
        return {"machine": self.machine, "options": {name: getattr(self.options, name) for name in names},
                "contenders": self.contenders, "absent": self.absent, "cells": self.cells,
                "kept": self.kept, "memory": self.memory}

    def _round(self, number: int, measure: str) -> None:
        shift = number % len(self.contenders)
        for contender in self.contenders[shift:] + self.contenders[:shift]:
            if contender in self.absent or (MEASURES[measure].denied and
                                            not CONTENDERS[contender][0].denies):
                continue
            say(f"round {number + 1} of {self.options.rounds}: {measure}, {contender}")
            try:
                self._measure(number, measure, contender)
            except Absent as reason:
                self.absent[contender] = str(reason)
                say(f"{contender} is left out: {reason}")

    def _measure(self, number: int, name: str, contender_name: str) -> None:
        kind, options = CONTENDERS[contender_name]
        where = {"round": number, "contender": contender_name, "measure": name}
        world = World()
        try:
            contender = kind(world, self.options.rules, **options)
            try:
                contender.start()
                self._describe(contender)
                self._cells(world, contender, where)
            finally:
                contender.stop()
        finally:
            world.remove()

    def _cells(self, world: World, contender, where: dict) -> None:
        measure = MEASURES[where["measure"]]
        wait_idle(contender)
        idle = contender.usage()
        # Caches, routes and neighbours are there before the clock starts.
        flows = measure.flows(1, world.measure(where["measure"], 1, 0.01))
        for clients in measure.clients or self.options.clients:
            before = contender.usage()
            result = world.measure(where["measure"], clients, self.options.seconds)
            flows += measure.flows(clients, result)
            contender.settle(flows)
            cell = {**where, "clients": clients, **result, "rate": measure.rate(result)}
            if before:  # with what it had put off until now
                cell["firewall_cpu_ns"] = contender.usage().cpu_since(before)
            self.cells.append(cell)
        if kept := contender.kept(flows):
            self.kept.append({**where, **asdict(kept), "equal": kept.equal})
        if idle:
            after = contender.usage()
            self.memory.append({**where, "idle_kb": idle.rss_kb, "after_kb": after.rss_kb,
                                "peak_kb": after.peak_kb})

    def _describe(self, contender) -> None:
        if isinstance(contender, Doorward) and "hooks" not in self.machine:
            status = contender.daemon.status()
            self.machine |= {"hooks": status["hooks"], "queue": status["queue_kind"],
                             "version": status["version"]}


def wait_idle(contender, seconds: float = 10) -> None:
    """Until the firewall has done what it does after its start (keeping many rules in a quick form, say), or for so
    long. An interval in which it takes a hundredth of a processor is idle."""
    interval = 0.25
    until = time.monotonic() + seconds
    while (before := contender.usage()) and time.monotonic() < until:
        time.sleep(interval)
        if sum(contender.usage().cpu_since(before).values()) < interval * 1e9 / 100:
            return


def say(text: str) -> None:
    print(f"flows: {text}", file=sys.stderr, flush=True)

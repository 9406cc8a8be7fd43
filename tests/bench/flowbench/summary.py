# SPDX-License-Identifier: GPL-2.0-or-later
"""Numbers of a run, for people. A ratio is taken within a round; then median, and the spread of all."""

from statistics import median

from . import machine
from .measures import MEASURES

FLOOR = "accept-loop"  # what the firewall's own use of the processor is compared with


def cpu_per_flow(cell: dict) -> float | None:
    """Nanoseconds of the firewall's process for each of what was counted."""
    used = cell.get("firewall_cpu_ns")
    return sum(used.values()) / cell["count"] if used and cell["count"] else None


def client_cpu_per_flow(cell: dict) -> float | None:
    return cell["client_cpu_ns"] / cell["count"] if cell["count"] else None


def rate(cell: dict) -> float:
    return cell["rate"]


def latency(name: str):
    return lambda cell: cell["latency_ns"][name] or None


class Group:
    """The cells of one measure with one number of clients."""

    def __init__(self, data: dict, measure: str, clients: int):
        self.measure, self.clients = measure, clients
        self.cells = [cell for cell in data["cells"]
                      if (cell["measure"], cell["clients"]) == (measure, clients)]
        self.contenders = [name for name in data["contenders"]
                           if any(cell["contender"] == name for cell in self.cells)]

    def of(self, contender: str) -> list[dict]:
        return [cell for cell in self.cells if cell["contender"] == contender]

    def middle(self, contender: str, value) -> float | None:
        values = [one for one in map(value, self.of(contender)) if one is not None]
        return median(values) if values else None

    def ratios(self, contender: str, base: str, value) -> list[float]:
        """One for each round that has both."""
        bases = {cell["round"]: value(cell) for cell in self.of(base)}
        pairs = [(value(cell), bases.get(cell["round"])) for cell in self.of(contender)]
        return [one / other for one, other in pairs if one is not None and other]

    def failed(self, contender: str) -> int:
        return sum(sum(cell["errors"].values()) for cell in self.of(contender))


def groups(data: dict) -> list[Group]:
    keys = {(cell["measure"], cell["clients"]): None for cell in data["cells"]}
    order = list(MEASURES)
    return [Group(data, *key) for key in sorted(keys, key=lambda key: (order.index(key[0]), key[1]))]


def ratio(value: float) -> str:
    return f"{value:.{3 if value < 0.1 else 2 if value < 100 else 0}f}"


def spread(values: list[float]) -> str:
    if not values:
        return "–"
    if len(values) == 1 or min(values) == max(values):
        return ratio(values[0])
    return f"{ratio(median(values))} ({ratio(min(values))}–{ratio(max(values))})"


def number(value: float | None, scale: float = 1, digits: int = 0) -> str:
    return "–" if value is None else f"{value / scale:,.{digits}f}"


def row(group: Group, name: str, base: str) -> list[str]:
    times = [number(group.middle(name, latency(part)), 1000, 1) for part in ("p50", "p90", "p99", "p999")]
    decided_each = MEASURES[group.measure].decided_each  # else the daemon has nothing to do
    return [name, number(group.middle(name, rate)), spread(group.ratios(name, base, rate)),
            spread(group.ratios(name, base, latency("p50"))), *times,
            number(group.middle(name, cpu_per_flow), 1000, 1),
            spread(group.ratios(name, FLOOR, cpu_per_flow) if decided_each else []),
            number(group.middle(name, client_cpu_per_flow), 1000, 1), str(group.failed(name))]


def heads(unit: str, base: str) -> list[str]:
    return ["", unit, f"× {base}", "p50 ×", "p50 µs", "p90", "p99", "p99.9", "daemon µs",
            f"daemon × {FLOOR}", "client µs", "failed"]


def markdown(rows: list[list[str]]) -> str:
    widths = [max(len(one[column]) for one in rows) for column in range(len(rows[0]))]

    def line(cells: list[str]) -> str:
        padded = [cell.ljust(width) if column == 0 else cell.rjust(width)
                  for column, (cell, width) in enumerate(zip(cells, widths))]
        return "| " + " | ".join(padded) + " |"

    rule = ["-" * widths[0]] + ["-" * (width - 1) + ":" for width in widths[1:]]
    return "\n".join([line(rows[0]), line(rule), *map(line, rows[1:])])


def group_text(group: Group, base: str) -> str:
    """Columns in which no contender has anything are left out."""
    measure = MEASURES[group.measure]
    rows = [heads(measure.unit, base)] + [row(group, name, base) for name in group.contenders]
    columns = [column for column in range(len(rows[0]))
               if column == 0 or any(one[column] not in ("–", "0") for one in rows[1:])]
    title = f"{measure.title} ({group.measure}), clients: {group.clients}"
    return f"{title}\n\n{markdown([[one[column] for column in columns] for one in rows])}\n"


def memory_text(data: dict) -> str:
    rows = [["memory, MB", "idle", "after load", "most"]]
    for name in data["contenders"]:
        mine = [one for one in data["memory"] if one["contender"] == name]
        if mine:
            rows.append([name, number(median(one["idle_kb"] for one in mine), 1024, 1),
                         number(median(one["after_kb"] for one in mine), 1024, 1),
                         number(max(one["peak_kb"] for one in mine), 1024, 1)])
    return markdown(rows) + "\n" if len(rows) > 1 else ""


def kept_text(data: dict) -> str:
    lines = []
    for name in data["contenders"]:
        mine = [one for one in data["kept"] if one["contender"] == name]
        if mine:
            flows, verdicts, rows, lost = (sum(one[key] for one in mine)
                                           for key in ("flows", "verdicts", "rows", "lost"))
            word = "audit kept" if all(one["equal"] for one in mine) else "AUDIT NOT KEPT"
            lines.append(f"{word}: {name}: {flows:,} flows, {verdicts:,} verdicts, {rows:,} in the "
                         f"rows, {lost:,} lost")
    return "\n".join(lines)


def text(data: dict, base: str) -> str:
    options = data["options"]
    parts = [machine.line(data["machine"]) + f"; rules that do not match: {options['rules']:,}; "
             f"rounds: {options['rounds']}, {options['seconds']} s each"
             + ("; processors kept awake\n" if options.get("awake") else "\n")]
    parts += [group_text(group, base) for group in groups(data)]
    parts += [memory_text(data), kept_text(data)]
    parts += [f"left out: {name}: {why}" for name, why in data["absent"].items()]
    return "\n".join(part for part in parts if part)

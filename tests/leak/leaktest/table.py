# SPDX-License-Identifier: GPL-2.0-or-later
"""The outcomes as a table: Markdown, which reads well as text too."""

from .stage import Outcome

HEAD = ("| scenario | attempts | leaked | allowed: open flows, new flows | afterwards | longest pause | notes |\n"
        "|---|--:|--:|--:|--:|--:|---|")


def line(one: Outcome) -> str:
    notes = ", ".join(one.notes) or "–"
    if one.passed_open:
        notes = f"{one.passed_open} packets while the table was gone, " + notes
    return (f"| {one.name} | {one.attempts:,} | {sum(one.leaked.values())} | {one.kept:,}, {one.made:,} | "
            f"{one.kept_after:,}, {one.made_after:,} | {one.longest_ms} ms | {notes} |")


def table(outcomes: list[Outcome]) -> str:
    attempts = sum(one.attempts for one in outcomes)
    leaked = sum(sum(one.leaked.values()) for one in outcomes)
    return "\n".join([HEAD, *map(line, outcomes), f"| **all** | **{attempts:,}** | **{leaked}** | | | | |"])

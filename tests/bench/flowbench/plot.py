# SPDX-License-Identifier: GPL-2.0-or-later
"""The ratios of a run as an SVG: a bar from zero to the median, a line from the least to the most."""

from html import escape
from statistics import median

from .measures import MEASURES
from .summary import groups, rate

WIDTH, LEFT, RIGHT, BAR, GAP, HEAD = 760, 130, 110, 14, 6, 34
COLOURS = ("#4e79a7", "#59a14f", "#9c755f", "#e15759", "#f28e2b", "#76b7b2")


def svg(data: dict, base: str) -> str:
    bars = [(group, name, group.ratios(name, base, rate)) for group in groups(data)
            for name in group.contenders]
    most = max((max(ratios) for _, _, ratios in bars if ratios), default=1.0)
    scale = (WIDTH - LEFT - RIGHT) / max(most, 1.0)
    out, y = [], HEAD
    for group in groups(data):
        title = f"{MEASURES[group.measure].title}, clients: {group.clients}"
        out.append(label(8, y + 12, title, "bold"))
        top = y = y + 20
        for name in group.contenders:
            ratios = group.ratios(name, base, rate)
            if ratios:
                colour = COLOURS[data["contenders"].index(name) % len(COLOURS)]
                out += bar(y, name, ratios, scale, colour)
                y += BAR + GAP
        out.append(line(LEFT + scale, top - 2, LEFT + scale, y - GAP + 2, "#888", dashed=True))
        y += 10
    head = label(8, 20, f"Rate, as a multiple of {base} in the same round", "bold")
    return (f'<svg xmlns="http://www.w3.org/2000/svg" width="{WIDTH}" height="{y}" '
            f'font-family="sans-serif" font-size="12">\n'
            f'<rect width="100%" height="100%" fill="white"/>\n{head}\n' + "\n".join(out) + "\n</svg>\n")


def bar(y: int, name: str, ratios: list[float], scale: float, colour: str) -> list[str]:
    middle, least, most = median(ratios), min(ratios), max(ratios)
    centre = y + BAR / 2
    return [label(LEFT - 8, y + BAR - 3, name, anchor="end"),
            f'<rect x="{LEFT}" y="{y}" width="{middle * scale:.1f}" height="{BAR}" fill="{colour}"/>',
            line(LEFT + least * scale, centre, LEFT + most * scale, centre, "black"),
            label(LEFT + most * scale + 6, y + BAR - 3, f"{middle:.2f} ({least:.2f}–{most:.2f})")]


def label(x: float, y: float, words: str, weight: str = "normal", anchor: str = "start") -> str:
    return (f'<text x="{x:.1f}" y="{y:.1f}" font-weight="{weight}" text-anchor="{anchor}">'
            f"{escape(words)}</text>")


def line(x1: float, y1: float, x2: float, y2: float, colour: str, dashed: bool = False) -> str:
    dash = ' stroke-dasharray="3 3"' if dashed else ""
    return f'<line x1="{x1:.1f}" y1="{y1:.1f}" x2="{x2:.1f}" y2="{y2:.1f}" stroke="{colour}"{dash}/>'

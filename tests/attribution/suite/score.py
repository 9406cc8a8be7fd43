# SPDX-License-Identifier: GPL-2.0-or-later
"""What a cell of the table counts, and how rows of the audit log are held against the truth."""

from collections import Counter, defaultdict
from dataclasses import dataclass, field


@dataclass
class Score:
    """Of one cell. `absent`: why this kernel can't do it at all."""

    name: str
    right: int = 0
    unknown: Counter = field(default_factory=Counter)
    wrong: list = field(default_factory=list)
    missing: int = 0  # flows without a row
    missing_allowed: bool = False
    attack: bool = False  # not part of the sum: here only a wrong name is a failure
    absent: str = ""

    @property
    def flows(self) -> int:
        """Those that were decided, or should have been."""
        missing = 0 if self.missing_allowed else self.missing
        return self.right + sum(self.unknown.values()) + len(self.wrong) + missing

    @property
    def failed(self) -> bool:
        if self.absent:
            return False
        lost = self.missing > 0 and not self.missing_allowed
        nothing = self.right == 0 and not self.attack  # a flood may evict each and every one
        return bool(self.wrong) or nothing or lost

    def judge(self, truth: tuple, rows: list[dict]) -> None:
        """One flow: `truth` is (program, pid or None); all its rows must say so."""
        program, pid = truth
        wrong = [row for row in rows if not row["unknown"]
                 and (row["exe"] != program or (pid and row["pid"] != pid))]
        unknown = [row for row in rows if row["unknown"]]
        if not rows:
            self.missing += 1
        elif wrong:
            row = wrong[0]
            self.wrong.append(f"{program} (pid {pid}) was named {row['exe']} (pid {row['pid']}): "
                              f"{row['protocol']} {row['source']}:{row['source_port']} to "
                              f"{row['destination']}:{row['destination_port']}")
        elif unknown:
            self.unknown[unknown[0]["unknown"]] += 1
        else:
            self.right += 1


def by(rows: list[dict], key: str) -> dict:
    found = defaultdict(list)
    for row in rows:
        found[row[key]].append(row)
    return found


def line(score: Score) -> str:
    if score.absent:
        return f"| {score.name} | – | – | {score.absent} | – |"
    share = 100 * score.right / max(1, score.flows)
    reasons = [f"{reason} {count}" for reason, count in sorted(score.unknown.items())]
    if score.missing:
        reasons.append(f"(and {score.missing} dropped undecided)" if score.missing_allowed
                       else f"no row {score.missing}")
    percent = "100 %" if score.right == score.flows else f"{share:.2f} %"
    return (f"| {score.name} | {score.flows} | {percent} | {', '.join(reasons) or '–'} "
            f"| {len(score.wrong)} |")


def table(scores: list[Score]) -> str:
    """As Markdown, which reads well as text too. What is under attack comes behind the sum."""
    lines = ["| traffic | flows | right | unknown | wrong |", "|---|--:|--:|---|--:|"]
    lines += [line(score) for score in scores if not score.attack]
    done = [score for score in scores if not score.absent and not score.attack]
    flows, right = sum(s.flows for s in done), sum(s.right for s in done)
    wrong = sum(len(s.wrong) for s in done)
    lines.append(f"| **all** | **{flows}** | **{100 * right / max(1, flows):.3f} %** | "
                 f"{flows - right - wrong} | **{wrong}** |")
    lines += [line(score) for score in scores if score.attack]
    return "\n".join(lines)

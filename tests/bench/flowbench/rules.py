# SPDX-License-Identifier: GPL-2.0-or-later
"""Rules in each contender's language: so many that do not match, then those that decide."""

from .world import DENIED


def filler(number: int) -> tuple[str, str, int]:
    """A program, a network and a port that no flow of the benchmark has."""
    return (f"/opt/absent/program-{number:06d}", f"192.{number // 250 % 250}.{number % 250}.0/24",
            10000 + number % 40000)


def doorward(count: int, programs: list[str], target: str) -> str:
    lines = ["rules:"]
    for number in range(count):
        program, network, port = filler(number)
        lines.append(f"  - {{name: absent-{number}, app: {program}, to: {network}, port: {port}, "
                     "action: accept}")
    lines += [f"  - {{name: bench-denied, app: [{', '.join(programs)}], protocol: tcp, to: {target}, "
              f"port: {DENIED}, action: reject}}",
              f"  - {{name: bench, app: [{', '.join(programs)}], to: {target}, action: accept}}"]
    return "\n".join(lines) + "\n"
